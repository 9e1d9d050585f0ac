//! Who lists repositories of source code, as the configuration says.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_github::{AppKey, Auth, Client, Settings, Source};
use portolan_model::Secret;
use portolan_server::{SourceSettings, Template};

use crate::config::{GithubConfig, KeyConfig, SourceConfig, WhomConfig};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::system::SystemClock;

/// No private key is larger, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// Where repositories are learnt from, and which of them are templates.
pub(crate) fn settings(config: &GithubConfig) -> Outcome<SourceSettings> {
    let template = |(repository, title): &(String, String)| Template {
        repository: repository.clone(),
        title: title.clone(),
    };
    Ok(SourceSettings {
        source: config.source.as_ref().map(source).transpose()?,
        interval: config.interval,
        templates: config.templates.iter().map(template).collect(),
    })
}

fn source(config: &SourceConfig) -> Outcome<Source> {
    match config {
        SourceConfig::File(path) => Ok(Source::File(path.clone())),
        SourceConfig::Github { api_url, organisation, whom } => {
            let settings =
                Settings { api_url: api_url.clone(), ..Settings::new(organisation, auth(whom)?) };
            let client = Client::new(settings, Arc::new(SystemClock));
            client.map(Source::Github).map_err(|error| {
                Failure::of(Code::Configuration, &error).hint("check [github] of the configuration")
            })
        }
    }
}

fn auth(whom: &WhomConfig) -> Outcome<Auth> {
    let (id, installation, key) = match whom {
        WhomConfig::Token(token) => return Ok(Auth::Token(token.clone())),
        WhomConfig::App { id, installation, key } => (id, installation, key),
    };
    let private_key = match key {
        KeyConfig::File(path) => key_of_file(path)?,
        KeyConfig::Base64(text) => key_of_text(text.expose())?,
    };
    Ok(Auth::App(AppKey { app_id: id.clone(), installation_id: installation.clone(), private_key }))
}

fn key_of_file(path: &Path) -> Outcome<Secret<String>> {
    let failed = |error: &std::io::Error| {
        let what = format!("could not read the GitHub App's private key {}", path.display());
        Failure::new(Code::Configuration, what)
            .because(error)
            .hint("check `app_private_key_file` of [github], and who may read the file")
    };
    if std::fs::metadata(path).map_err(|error| failed(&error))?.len() > MOST_BYTES {
        return Err(failed(&std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read_to_string(path).map(Secret::new).map_err(|error| failed(&error))
}

fn key_of_text(text: &str) -> Outcome<Secret<String>> {
    let compact: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(compact).ok();
    let key = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
    key.ok_or_else(|| {
        let what = "the GitHub App's private key is not a PEM file in base64";
        Failure::new(Code::Configuration, what)
            .hint("`base64 -w0 app.pem` makes PORTOLAN_GITHUB_APP_PRIVATE_KEY_BASE64 of the file")
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused(whom: WhomConfig) -> String {
        let api_url = "https://api.github.com".to_owned();
        let organisation = "o".to_owned();
        let config = GithubConfig {
            source: Some(SourceConfig::Github { api_url, organisation, whom }),
            interval: Duration::from_mins(5),
            templates: Vec::new(),
        };
        settings(&config).unwrap_err().text(str::to_owned)
    }

    fn app(key: KeyConfig) -> WhomConfig {
        WhomConfig::App { id: "1".into(), installation: "2".into(), key }
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_not_shown() {
        let missing = refused(app(KeyConfig::File("/nowhere/app.pem".into())));
        assert!(
            missing.contains("/nowhere/app.pem") && missing.contains("No such file"),
            "{missing}"
        );
        for text in ["hunter2!", "aHVudGVyMg=="] {
            let error = refused(app(KeyConfig::Base64(Secret::new(text.into()))));
            assert!(!error.contains("hunter2") && error.contains("private key"), "{error}");
        }
    }
}
