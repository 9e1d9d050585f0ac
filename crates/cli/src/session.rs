//! What commands about images share: the configuration, who is asked, where places are.

use std::path::Path;

use portolan_model::{Reference, Secret};
use portolan_oci::{Client, Location, Place};

use crate::api::Api;
use crate::config::{Config, Flags, TokenConfig};
use crate::env::TOKEN;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::{embedded, registries};

/// No file with a token is larger, in bytes.
const MOST_TOKEN_BYTES: u64 = 4096;

/// One command's view of the world.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    /// What the command was handed.
    pub(crate) context: &'a Context,
    /// The configuration.
    pub(crate) config: Config,
}

/// Where an image is.
#[derive(Debug)]
pub(crate) enum Whereabouts {
    /// In the built-in registry: the reference names no other.
    BuiltIn(Reference),
    /// In another registry, or in a layout.
    Elsewhere,
}

/// Where `location` is.
pub(crate) fn whereabouts(location: &Location) -> Whereabouts {
    match location {
        Location::Registry(reference) if reference.registry.is_none() => {
            Whereabouts::BuiltIn(reference.clone())
        }
        _ => Whereabouts::Elsewhere,
    }
}

impl<'a> Session<'a> {
    /// Reads the configuration.
    pub(crate) fn start(context: &'a Context) -> Outcome<Self> {
        let named = context.global.config.as_deref();
        let mut config = Config::load(named, &context.environment, &Flags::default())?;
        // Who names a server on plain http speaks to its registry so, too.
        let server = context.global.server.as_deref();
        if let Some(url) = server.filter(|url| url.starts_with("http://")) {
            config.registry.insecure.extend(host_of(url));
        }
        Ok(Self { context, config })
    }

    /// Who is asked about the built-in registry: the server that was named, else the embedded
    /// store.
    pub(crate) async fn api(&self) -> Outcome<Api> {
        if let Some(url) = &self.context.global.server {
            return Api::remote(url, self.token()?.as_ref());
        }
        // What others keep in a table is there without a store of our own.
        let has_table = self.config.projects.values().any(|project| project.table.is_some());
        if let Some(file) = &self.config.store_file
            && !file.exists()
            && !has_table
        {
            let message = format!("there is no store at {}", file.display());
            return Err(Failure::new(Code::Configuration, message).hint(format!(
                "start a server with `portolan up`, or name one that runs: --server http://{}",
                self.config.listen
            )));
        }
        self.api_anew().await
    }

    /// As `api`, where what is not there yet is made.
    pub(crate) async fn api_anew(&self) -> Outcome<Api> {
        if let Some(url) = &self.context.global.server {
            return Api::remote(url, self.token()?.as_ref());
        }
        Ok(Api::embedded(embedded::open(&self.config, &self.context.environment).await?))
    }

    /// The token for the server.
    fn token(&self) -> Outcome<Option<Secret<String>>> {
        if let Some(token) = self.context.environment.get(TOKEN) {
            return Ok(Some(Secret::new(token.trim().to_owned())));
        }
        match &self.config.server.token {
            TokenConfig::None => Ok(None),
            TokenConfig::Text(token) => Ok(Some(token.clone())),
            TokenConfig::File(path) => token_of(path).map(Some),
        }
    }

    /// A client of registries.
    pub(crate) fn client(&self) -> Outcome<Client> {
        let own = self.token()?.map(|token| Ok::<_, Failure>((self.host()?, token))).transpose()?;
        registries::client(&self.config, &self.context.environment, own)
    }

    /// `location` with the built-in registry's host where it names none: the host of the server
    /// that was named, else where the configuration says that it listens.
    pub(crate) fn with_host(&self, location: &Location) -> Outcome<Location> {
        let Location::Registry(reference) = location else { return Ok(location.clone()) };
        let mut reference = reference.clone();
        if reference.registry.is_none() {
            reference.registry = Some(self.host()?);
        }
        Ok(Location::Registry(reference))
    }

    /// `failure`, with the word that helps where it is the built-in registry that did not answer.
    pub(crate) fn explain(&self, failure: Failure, about: [&Location; 2]) -> Failure {
        let bare = about.into_iter().any(|it| matches!(whereabouts(it), Whereabouts::BuiltIn(_)));
        if failure.code != Code::OtherSide || !bare {
            return failure;
        }
        let host = self.host().unwrap_or_else(|_| self.config.listen.to_string());
        failure.hint(format!(
            "a name without a registry's host means Portolan's own registry, at {host}: `portolan \
             up` starts it, --server names another, and PORTOLAN_TOKEN is the token for it"
        ))
    }

    fn host(&self) -> Outcome<String> {
        let Some(url) = &self.context.global.server else {
            return Ok(self.config.listen.to_string());
        };
        let wrong = || Failure::new(Code::Usage, format!("`{url}` is not the URL of a server"));
        host_of(url).ok_or_else(wrong)
    }

    /// The place that `location` names, for reading.
    pub(crate) async fn open(&self, location: &Location) -> Outcome<Place> {
        let place = Place::open(location, &self.client()?).await;
        place.map_err(|error| registries::failure(&error))
    }
}

/// The token that the file at `path` holds.
fn token_of(path: &Path) -> Outcome<Secret<String>> {
    let failed = |error: &std::io::Error| {
        let what = format!("could not read the server's token from {}", path.display());
        Failure::new(Code::Configuration, what)
            .because(error)
            .hint("check `token_file` of [server], and who may read the file")
    };
    let length = std::fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > MOST_TOKEN_BYTES {
        return Err(failed(&std::io::ErrorKind::FileTooLarge.into()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    Ok(Secret::new(text.trim().to_owned()))
}

/// Host and port of a URL, as they stand in a reference.
fn host_of(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_host_stands_in_a_reference() {
        for (url, host) in [
            ("http://127.0.0.1:5094/", Some("127.0.0.1:5094")),
            ("https://user:pass@portolan.example", Some("portolan.example")),
            ("http://[::1]:5094", Some("[::1]:5094")),
            ("127.0.0.1", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
