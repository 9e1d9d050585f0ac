//! The file that `docker login` and `podman login` write.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use portolan_model::Secret;
use serde::Deserialize;

use super::{CredentialError, CredentialProvider, Credentials, helper};

/// Why a text is not such a file.
#[derive(Debug, thiserror::Error)]
pub enum AuthFileError {
    /// Not JSON of the right shape. The cause names a line, never its contents.
    #[error("not a file of registry credentials (line {line}): write it with `docker login`")]
    Json {
        /// The line, from 1.
        line: usize,
    },
    /// An `auth` that is not base64 of `user:password`.
    #[error("the `auth` of {registry} is not base64 of user:password; log in again")]
    Auth {
        /// The registry.
        registry: String,
    },
}

/// `config.json` of Docker or `auth.json` of podman, with
/// [its rules](https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md):
/// a registry's own helper first, then what is written under its name, then the general helper.
#[derive(Debug, Clone, Default)]
pub struct AuthFile {
    auths: BTreeMap<String, Credentials>,
    helpers: BTreeMap<String, String>,
    general_helper: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    auths: Option<BTreeMap<String, RawAuth>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawAuth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl RawAuth {
    /// The credentials; none where the entry is empty, as a credential helper leaves it.
    fn credentials(self, registry: &str) -> Result<Option<Credentials>, AuthFileError> {
        let told = |text: Option<String>| text.filter(|text| !text.is_empty());
        if let Some(token) = told(self.registrytoken) {
            return Ok(Some(Credentials::RegistryToken(Secret::new(token))));
        }
        if let Some(token) = told(self.identitytoken) {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        if let (Some(username), Some(password)) = (told(self.username), told(self.password)) {
            return Ok(Some(Credentials::Basic { username, password: Secret::new(password) }));
        }
        let Some(auth) = told(self.auth) else { return Ok(None) };
        let bad = || AuthFileError::Auth { registry: registry.to_owned() };
        let bytes = STANDARD.decode(auth.trim()).map_err(|_| bad())?;
        let text = String::from_utf8(bytes).map_err(|_| bad())?;
        let (username, password) = text.split_once(':').ok_or_else(bad)?;
        Ok(Some(Credentials::Basic {
            username: username.to_owned(),
            // Old clients padded the password with NUL.
            password: Secret::new(password.trim_end_matches('\0').to_owned()),
        }))
    }
}

/// The names under which credentials for one registry may be written.
fn normal(key: &str) -> String {
    let rest = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let host = rest.trim_end_matches('/');
    let host = host.strip_suffix("/v1").or_else(|| host.strip_suffix("/v2")).unwrap_or(host);
    match host {
        "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => {
            "docker.io".to_owned()
        }
        host => host.to_ascii_lowercase(),
    }
}

impl AuthFile {
    /// Reads the file's text. Keys of others are left alone.
    pub fn parse(text: &str) -> Result<Self, AuthFileError> {
        let raw: Raw = serde_json::from_str(text)
            .map_err(|error| AuthFileError::Json { line: error.line() })?;
        let mut auths = BTreeMap::new();
        for (key, entry) in raw.auths.unwrap_or_default() {
            let registry = normal(&key);
            if let Some(credentials) = entry.credentials(&registry)? {
                auths.insert(registry, credentials);
            }
        }
        let helpers = raw.cred_helpers.unwrap_or_default();
        Ok(Self {
            auths,
            helpers: helpers.into_iter().map(|(key, name)| (normal(&key), name)).collect(),
            general_helper: raw.creds_store.filter(|name| !name.is_empty()),
        })
    }

    /// What is written for `registry` in the file itself.
    pub fn written(&self, registry: &str) -> Option<&Credentials> {
        self.auths.get(&normal(registry))
    }

    /// The helper (`docker-credential-NAME`) that the file names for `registry`.
    pub fn helper(&self, registry: &str) -> Option<&str> {
        self.helpers.get(&normal(registry)).map(String::as_str)
    }

    /// The registries that the file knows something about.
    pub fn registries(&self) -> impl Iterator<Item = &str> {
        self.auths.keys().chain(self.helpers.keys()).map(String::as_str)
    }

    async fn find(&self, registry: &str) -> Result<Credentials, CredentialError> {
        if let Some(name) = self.helper(registry) {
            return helper::run(name, registry).await;
        }
        if let Some(credentials) = self.written(registry) {
            return Ok(credentials.clone());
        }
        match &self.general_helper {
            Some(name) => helper::run(name, registry).await,
            None => Ok(Credentials::Anonymous),
        }
    }
}

impl CredentialProvider for AuthFile {
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
    ) -> BoxFuture<'a, Result<Credentials, CredentialError>> {
        Box::pin(self.find(registry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_is_read() {
        let auth = STANDARD.encode("user:pass:word");
        let file = AuthFile::parse(&format!(
            r#"{{"auths": {{
                "127.0.0.1:5000": {{"auth": "{auth}"}},
                "https://index.docker.io/v1/": {{"identitytoken": "it"}},
                "empty.example": {{}}}},
              "credHelpers": {{"1.dkr.ecr.eu-west-1.amazonaws.com": "ecr-login"}},
              "HttpHeaders": {{"a": "b"}}}}"#
        ))
        .unwrap();
        let Some(Credentials::Basic { username, password }) = file.written("127.0.0.1:5000") else {
            panic!("user and password")
        };
        assert_eq!((username.as_str(), password.expose().as_str()), ("user", "pass:word"));
        assert!(matches!(file.written("docker.io"), Some(Credentials::IdentityToken(_))));
        assert_eq!(file.written("empty.example"), None);
        assert_eq!(file.helper("1.dkr.ecr.eu-west-1.amazonaws.com"), Some("ecr-login"));
    }

    #[test]
    fn errors_never_show_what_was_written() {
        let bad = r#"{"auths": {"r.example": {"auth": "hunter2!"}}}"#;
        let error = AuthFile::parse(bad).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
        let bad = r#"{"auths": {"r.example": {"auth": 42, "password": "hunter2"}}}"#;
        let error = AuthFile::parse(bad).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("hunter2"));
        let good = r#"{"auths": {"r.example": {"username": "u", "password": "hunter2"}}}"#;
        assert!(!format!("{:?}", AuthFile::parse(good).unwrap()).contains("hunter2"));
    }
}
