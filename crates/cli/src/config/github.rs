//! Where repositories of source code and their teams are learnt from: `[github]`.

use std::path::PathBuf;
use std::time::Duration;

use portolan_model::Secret;
use toml::{Table, Value};

use super::error::ConfigError;
use super::layers::Layers;
use super::resolve;

/// Repositories, teams and templates: `[github]`.
#[derive(Debug, Clone)]
pub(crate) struct GithubConfig {
    /// Who lists them; none where nobody does.
    pub(crate) source: Option<SourceConfig>,
    /// Between two readings.
    pub(crate) interval: Duration,
    /// Names of repositories that are templates, with what is made from them, as they were written
    /// down.
    pub(crate) templates: Vec<(String, String)>,
}

/// Who lists repositories and teams.
#[derive(Debug, Clone)]
pub(crate) enum SourceConfig {
    /// A JSON file.
    File(PathBuf),
    /// GitHub.
    Github {
        /// The address of its API.
        api_url: String,
        /// The organisation.
        organisation: String,
        /// Who asks.
        whom: WhomConfig,
    },
}

/// Who asks GitHub.
#[derive(Debug, Clone)]
pub(crate) enum WhomConfig {
    /// Whoever has this token.
    Token(Secret<String>),
    /// A GitHub App.
    App {
        /// Its id.
        id: String,
        /// Its installation in the organisation.
        installation: String,
        /// Its key.
        key: KeyConfig,
    },
}

/// Where the private key of a GitHub App is.
#[derive(Debug, Clone)]
pub(crate) enum KeyConfig {
    /// In this file.
    File(PathBuf),
    /// In the configuration itself, in base64.
    Base64(Secret<String>),
}

/// What `[github]` says.
pub(super) fn read(layers: &Layers) -> Result<GithubConfig, ConfigError> {
    let seconds: u32 = layers.at_least_one("github.interval_seconds")?;
    Ok(GithubConfig {
        source: source(layers)?,
        interval: Duration::from_secs(seconds.into()),
        templates: templates(layers)?,
    })
}

fn source(layers: &Layers) -> Result<Option<SourceConfig>, ConfigError> {
    let text = layers.text("github.source")?;
    if let Some(path) = text.strip_prefix("file:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Some(SourceConfig::File(resolve(layers, "github.source", path)?)));
    }
    if text != "github" {
        return Err(refused(layers, "github.source", "it must be \"github\" or start with file:"));
    }
    let Some(organisation) = layers.told("github.organisation")? else { return Ok(None) };
    let api_url = layers.text("github.api_url")?;
    Ok(Some(SourceConfig::Github { api_url, organisation, whom: whom(layers)? }))
}

fn whom(layers: &Layers) -> Result<WhomConfig, ConfigError> {
    match (layers.told("github.token")?, layers.told("github.app_id")?) {
        (Some(_), Some(_)) => {
            Err(refused(layers, "github.app_id", "there is a token too, and one of them must ask"))
        }
        (Some(token), None) => Ok(WhomConfig::Token(Secret::new(token))),
        (None, Some(id)) => app(layers, id),
        (None, None) => Err(refused(
            layers,
            "github.organisation",
            "nothing says who asks GitHub about it: set `token` (PORTOLAN_GITHUB_TOKEN), or \
             `app_id`, `app_installation_id` and the key of a GitHub App",
        )),
    }
}

fn app(layers: &Layers, id: String) -> Result<WhomConfig, ConfigError> {
    let of_app = |what: &str| refused(layers, "github.app_id", &format!("the app has {what}"));
    let installation = layers.told("github.app_installation_id")?;
    let installation = installation.ok_or_else(|| of_app("no `app_installation_id`"))?;
    let file = layers.told("github.app_private_key_file")?;
    let text = layers.told("github.app_private_key_base64")?;
    let key = match (file, text) {
        (Some(path), None) => {
            KeyConfig::File(resolve(layers, "github.app_private_key_file", &path)?)
        }
        (None, Some(text)) => KeyConfig::Base64(Secret::new(text)),
        (Some(_), Some(_)) => return Err(of_app("two keys, a file and one in base64")),
        (None, None) => {
            return Err(of_app("neither `app_private_key_file` nor `app_private_key_base64`"));
        }
    };
    Ok(WhomConfig::App { id, installation, key })
}

fn templates(layers: &Layers) -> Result<Vec<(String, String)>, ConfigError> {
    let table: Table = layers.get("github.templates")?;
    let title = |(name, title): (String, Value)| {
        if let Value::String(title) = title {
            return Ok((name, title));
        }
        let reason = format!("`{name}` must be a text: what is made from that repository");
        Err(refused(layers, "github.templates", &reason))
    };
    table.into_iter().map(title).collect()
}

/// That the value of `key` cannot be used, and why.
fn refused(layers: &Layers, key: &str, reason: &str) -> ConfigError {
    match layers.setting(key) {
        Ok(setting) => setting.refuse(reason),
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags, shown};
    use crate::env::Environment;
    use crate::error::Failure;

    fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("portolan.toml"), file).unwrap();
        let environment = Environment::of(dir.path(), variables);
        Config::load(None, &environment, &Flags::default()).map_err(|error| {
            let text = Failure::from(error).text(str::to_owned);
            text.replace(&format!("{}/", dir.path().display()), "")
        })
    }

    fn github(file: &str, variables: &[(&str, &str)]) -> GithubConfig {
        load(file, variables).unwrap().github
    }

    #[test]
    fn without_a_word_nobody_is_asked() {
        let config = github("", &[]);
        assert!(config.source.is_none() && config.templates.is_empty());
        assert_eq!(config.interval, Duration::from_mins(5));
    }

    #[test]
    fn an_organisation_and_a_token_are_enough() {
        let variables = [("PORTOLAN_GITHUB_TOKEN", "hunter2")];
        let file = "[github]\norganisation = \"DEFRA\"\ninterval_seconds = 60\n";
        let config = github(file, &variables);
        let Some(SourceConfig::Github { api_url, organisation, whom }) = &config.source else {
            panic!("{config:?}")
        };
        assert_eq!((api_url.as_str(), organisation.as_str()), ("https://api.github.com", "DEFRA"));
        assert!(matches!(whom, WhomConfig::Token(token) if token.expose() == "hunter2"));
        assert_eq!(config.interval, Duration::from_mins(1));
        assert!(!format!("{config:?}").contains("hunter2"));
        let layers = load(file, &variables).unwrap().layers;
        let told = shown(&layers).into_iter().find(|it| it.key == "github.token").unwrap();
        assert_eq!(told.value, "\"***\"");
        let told = shown(&load("", &[]).unwrap().layers);
        assert!(told.iter().any(|it| it.key == "github.token" && it.value == "\"\""));
    }

    #[test]
    fn templates_keep_their_order() {
        let file = "[github.templates]\nzoo = \"Zoo\"\n\"a b\" = \"First\"\nmiddle = \"Mid\"\n";
        let pair = |name: &str, title: &str| (name.to_owned(), title.to_owned());
        let expected = [pair("zoo", "Zoo"), pair("a b", "First"), pair("middle", "Mid")];
        assert_eq!(github(file, &[]).templates, expected);
        let variables = [("PORTOLAN_GITHUB_TEMPLATES", "{ b = 'B', a = 'A' }")];
        assert_eq!(github(file, &variables).templates, [pair("b", "B"), pair("a", "A")]);
    }

    #[test]
    fn a_file_starts_where_it_was_written() {
        let config = github("", &[("PORTOLAN_GITHUB_SOURCE", "file:repos.json")]);
        let Some(SourceConfig::File(path)) = config.source else { panic!("{config:?}") };
        assert_eq!(path, Path::new("repos.json"));
        let config = github("[github]\nsource = \"file:lists/repos.json\"\n", &[]);
        let Some(SourceConfig::File(path)) = config.source else { panic!("{config:?}") };
        assert!(path.is_absolute() && path.ends_with("lists/repos.json"), "{}", path.display());
    }

    #[test]
    fn an_app_has_a_key_and_an_installation() {
        let file = "[github]\norganisation = \"o\"\napp_id = \"1\"\napp_installation_id = \"2\"\n";
        let key = [("PORTOLAN_GITHUB_APP_PRIVATE_KEY_BASE64", "aHVudGVyMg==")];
        let config = load(file, &key).unwrap();
        assert!(!format!("{:?}", config.github).contains("aHVudGVyMg"));
        assert!(!format!("{:?}", shown(&config.layers)).contains("aHVudGVyMg"));
        let with_file = format!("{file}app_private_key_file = \"app.pem\"\n");
        let Some(SourceConfig::Github {
            whom: WhomConfig::App { key: KeyConfig::File(path), .. },
            ..
        }) = github(&with_file, &[]).source
        else {
            panic!("no file")
        };
        assert!(path.is_absolute() && path.ends_with("app.pem"));
        let both = load(&with_file, &key).unwrap_err();
        assert!(both.contains("two keys"), "{both}");
    }

    #[test]
    fn what_cannot_be_used_is_said_with_its_place() {
        let wrong = |file: &str| load(&format!("[github]\n{file}"), &[]).unwrap_err();
        insta::assert_snapshot!(wrong("source = \"gitlab\""), @r#"error: portolan.toml:2: `github.source` cannot be used: it must be "github" or start with file:"#);
        insta::assert_snapshot!(wrong("source = \"file:\""), @"error: portolan.toml:2: `github.source` cannot be used: it names no path");
        insta::assert_snapshot!(wrong("organisation = \"o\""), @"error: portolan.toml:2: `github.organisation` cannot be used: nothing says who asks GitHub about it: set `token` (PORTOLAN_GITHUB_TOKEN), or `app_id`, `app_installation_id` and the key of a GitHub App");
        insta::assert_snapshot!(wrong("organisation = \"o\"\ntoken = \"hunter2\"\napp_id = \"1\""), @"error: portolan.toml:4: `github.app_id` cannot be used: there is a token too, and one of them must ask");
        insta::assert_snapshot!(wrong("organisation = \"o\"\napp_id = \"1\""), @"error: portolan.toml:3: `github.app_id` cannot be used: the app has no `app_installation_id`");
        insta::assert_snapshot!(wrong("organisation = \"o\"\napp_id = \"1\"\napp_installation_id = \"2\""), @"error: portolan.toml:3: `github.app_id` cannot be used: the app has neither `app_private_key_file` nor `app_private_key_base64`");
        insta::assert_snapshot!(wrong("templates = { a = 1 }"), @"error: portolan.toml:2: `github.templates` cannot be used: `a` must be a text: what is made from that repository");
        insta::assert_snapshot!(wrong("templates = \"a\""), @r#"
        error: portolan.toml:2: `github.templates` must be a table, not a text
        hint: `portolan config default` shows every section and key
        "#);
        insta::assert_snapshot!(wrong("interval_seconds = 0"), @"error: portolan.toml:2: `github.interval_seconds` cannot be used: it must be 1 at least");
        insta::assert_snapshot!(wrong("app_id = 1"), @r#"
        error: portolan.toml:2: `github.app_id` must be a text, not a whole number
        hint: `portolan config default` shows every section and key
        "#);
    }
}
