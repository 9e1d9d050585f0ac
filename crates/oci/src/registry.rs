//! A client of any registry that speaks the
//! [OCI distribution specification](https://github.com/opencontainers/distribution-spec/blob/main/spec.md).

mod auth;
mod blobs;
mod challenge;
mod error;
mod http;
mod manifests;
mod pages;
mod referrers;
mod retry;
mod settings;
mod upload;

use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use portolan_model::{Limits, RepositoryName};
use url::Url;

pub use error::{Fault, RegistryError};
pub use manifests::Resolved;
pub use pages::CatalogPage;
pub use settings::Settings;

use crate::credentials::{CredentialError, CredentialProvider, Credentials};
use crate::egress::{Guard, Reach};

/// Talks to registries. Cheap to clone; all clones share connections and tokens.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    credentials: Arc<dyn CredentialProvider>,
    authority: auth::Authority,
    /// For hosts that may be inside.
    inside: reqwest::Client,
    /// For hosts that only an answer from outside named.
    public: OnceLock<reqwest::Client>,
}

/// One registry.
#[derive(Debug, Clone)]
pub struct Registry {
    client: Client,
    host: String,
    base: Url,
}

/// One repository in a registry.
#[derive(Debug, Clone)]
pub struct Repository {
    registry: Registry,
    name: RepositoryName,
}

/// The client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// TLS or the system's certificates.
    #[error("could not set up the HTTP client")]
    Http(#[source] reqwest::Error),
    /// Not a registry's host.
    #[error("`{0}` is not a registry's host: write it as in registry.example or 127.0.0.1:5000")]
    Host(String),
}

impl Client {
    /// A client that proves who it is with what `credentials` gives.
    pub fn new(
        settings: Settings,
        credentials: Arc<dyn CredentialProvider>,
    ) -> Result<Self, SetupError> {
        let inside = http_client(&settings, Reach::Inside).map_err(SetupError::Http)?;
        let (authority, public) = (auth::Authority::default(), OnceLock::new());
        Ok(Self { shared: Arc::new(Shared { settings, credentials, authority, inside, public }) })
    }

    /// The same client, which proves with `credentials` who it is at `host`, and everywhere else as
    /// before.
    pub fn with_login(&self, host: &str, credentials: Credentials) -> Self {
        let (host, others) = (host.to_owned(), self.shared.credentials.clone());
        self.with_credentials(Arc::new(LoginAt { host, credentials, others }))
    }

    /// The same client, which proves with what `credentials` gives who it is.
    pub fn with_credentials(&self, credentials: Arc<dyn CredentialProvider>) -> Self {
        let Shared { settings, inside, .. } = &*self.shared;
        let (authority, public) = (auth::Authority::default(), OnceLock::new());
        let (settings, inside) = (settings.clone(), inside.clone());
        Self { shared: Arc::new(Shared { settings, credentials, authority, inside, public }) }
    }

    /// What gives the credentials by which it proves who it is.
    pub fn credentials(&self) -> &dyn CredentialProvider {
        &*self.shared.credentials
    }

    /// What sends requests that may reach so far. The one for hosts outside is made when the first
    /// is asked for: most registries never name one, and reading the system's certificates takes
    /// as long as a small request.
    fn http(&self, reach: Reach) -> Result<&reqwest::Client, reqwest::Error> {
        match (reach, self.shared.public.get()) {
            (Reach::Inside, _) => Ok(&self.shared.inside),
            (Reach::Public, Some(public)) => Ok(public),
            (Reach::Public, None) => {
                let public = http_client(&self.shared.settings, Reach::Public)?;
                Ok(self.shared.public.get_or_init(|| public))
            }
        }
    }

    /// The registry at `host` (with its port where it is not the scheme's): https, or http where
    /// the host is loopback or listed as insecure.
    pub fn registry(&self, host: &str) -> Result<Registry, SetupError> {
        let api = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let insecure = self.shared.settings.insecure.iter().any(|listed| listed == host);
        let scheme = if insecure || is_loopback(api) { "http" } else { "https" };
        let error = || SetupError::Host(host.chars().take(100).collect());
        let base = Url::parse(&format!("{scheme}://{api}/")).map_err(|_| error())?;
        // A host that is more than a host (`user@host`, `host/path`) would change where we go.
        let is_host = base.username().is_empty() && base.password().is_none() && base.path() == "/";
        if !is_host || base.query().is_some() || base.fragment().is_some() || !base.has_host() {
            return Err(error());
        }
        Ok(Registry { client: self.clone(), host: host.to_owned(), base })
    }

    /// The repository `name` in the registry at `host`.
    pub fn repository(&self, host: &str, name: &RepositoryName) -> Result<Repository, SetupError> {
        Ok(self.registry(host)?.repository(name))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.shared.settings.limits
    }
}

/// Who we are at one host, and at all others.
#[derive(Debug)]
struct LoginAt {
    host: String,
    credentials: Credentials,
    others: Arc<dyn CredentialProvider>,
}

impl CredentialProvider for LoginAt {
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
    ) -> BoxFuture<'a, Result<Credentials, CredentialError>> {
        if registry == self.host {
            return Box::pin(std::future::ready(Ok(self.credentials.clone())));
        }
        self.others.credentials(registry)
    }
}

fn http_client(settings: &Settings, reach: Reach) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Guard(reach)))
        .connect_timeout(settings.connect_timeout)
        .tcp_nodelay(true)
        .no_proxy()
        .build()
}

/// Whether `host` (with or without a port) is this machine by its very name.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name == "localhost"
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Registry {
    /// Its host, as it was named.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The repository `name` in it. `docker.io` keeps its own images under `library/`.
    pub fn repository(&self, name: &RepositoryName) -> Repository {
        let official = (self.host == "docker.io" && !name.as_str().contains('/'))
            .then(|| format!("library/{name}").parse().ok())
            .flatten();
        Repository { registry: self.clone(), name: official.unwrap_or_else(|| name.clone()) }
    }
}

impl Repository {
    /// The registry that it is in.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Its name.
    pub fn name(&self) -> &RepositoryName {
        &self.name
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.registry.client.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::NoCredentials;

    fn base(host: &str) -> Result<String, SetupError> {
        let settings = Settings { insecure: vec!["plain.example".into()], ..Settings::default() };
        let client = Client::new(settings, Arc::new(NoCredentials)).unwrap();
        client.registry(host).map(|registry| registry.base.to_string())
    }

    #[test]
    fn plain_http_is_for_loopback_and_for_whom_it_was_said() {
        for (host, url) in [
            ("127.0.0.1:5000", "http://127.0.0.1:5000/"),
            ("localhost", "http://localhost/"),
            ("[::1]:5000", "http://[::1]:5000/"),
            ("plain.example", "http://plain.example/"),
            ("registry.example:5000", "https://registry.example:5000/"),
            ("docker.io", "https://registry-1.docker.io/"),
            ("127.0.0.1.evil.example", "https://127.0.0.1.evil.example/"),
        ] {
            assert_eq!(base(host).unwrap(), url);
        }
        for host in ["user@127.0.0.1", "r.example/path", "r.example?x", "", "a b"] {
            assert!(base(host).is_err(), "{host}");
        }
    }
}
