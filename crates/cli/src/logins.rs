//! Who we are at registries: what docker, podman and AWS keep for us.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::future::BoxFuture;
use portolan_aws::{EcrCredentials, EcrHost, EcrSettings};
use portolan_model::Secret;
use portolan_oci::credentials::{AuthFile, CredentialError};
use portolan_oci::{CredentialProvider, Credentials};

use crate::config::RegistryConfig;
use crate::env::Environment;
use crate::system::SystemClock;

/// No file of credentials is larger, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Logins: ECR's registries ask AWS, all others the files that `docker login` and `podman login`
/// write. Those are read when they are needed, so that a login helps a server that already runs.
#[derive(Debug)]
pub(crate) struct Logins {
    files: Vec<PathBuf>,
    ecr: EcrCredentials,
    /// An ECR registry behind another name, and the region that it is in.
    renamed: Option<(String, EcrHost)>,
    /// The host of Portolan's own registry, and the token for it.
    own: Option<(String, Secret<String>)>,
}

impl Logins {
    /// The logins of this environment.
    pub(crate) fn new(environment: &Environment, config: &RegistryConfig) -> Self {
        let settings = EcrSettings { role_arn: config.role_arn.clone(), ..EcrSettings::default() };
        let renamed = config.external.clone().zip(config.region.clone());
        Self {
            files: environment.auth_files(),
            ecr: EcrCredentials::new(settings, Arc::new(SystemClock)),
            own: None,
            renamed: renamed
                .map(|(host, region)| (host.clone(), EcrHost { account: host, region })),
        }
    }

    /// With the host of Portolan's own registry, and the token for it.
    pub(crate) fn with_own(self, own: Option<(String, Secret<String>)>) -> Self {
        Self { own, ..self }
    }

    /// The registries that the files know something about.
    pub(crate) async fn registries(&self) -> Result<Vec<String>, CredentialError> {
        let mut registries = BTreeSet::new();
        for path in &self.files {
            let file = parse(path, "every registry").await?;
            registries.extend(file.iter().flat_map(AuthFile::registries).map(str::to_owned));
        }
        Ok(registries.into_iter().collect())
    }

    async fn find(&self, registry: &str) -> Result<Credentials, CredentialError> {
        if let Some((_, token)) = self.own.as_ref().filter(|(host, _)| host == registry) {
            // With a token as the password, the user may have any name.
            let (username, password) = ("token".to_owned(), token.clone());
            return Ok(Credentials::Basic { username, password });
        }
        let renamed = self.renamed.as_ref().filter(|(host, _)| host == registry);
        let host = renamed.map(|(_, host)| host.clone()).or_else(|| EcrHost::parse(registry));
        let Some(host) = host else { return self.written(registry).await };
        match self.ecr.login(&host).await {
            Ok(login) => {
                Ok(Credentials::Basic { username: login.username, password: login.password })
            }
            // A laptop without AWS's keys may still have logged in with a colleague's password.
            Err(error) => match self.written(registry).await? {
                Credentials::Anonymous => Err(CredentialError {
                    registry: registry.to_owned(),
                    reason: "AWS gave none, and there is no login for it".to_owned(),
                    source: Some(error.into()),
                }),
                credentials => Ok(credentials),
            },
        }
    }

    /// The credentials of the first file that has some.
    async fn written(&self, registry: &str) -> Result<Credentials, CredentialError> {
        for path in &self.files {
            let Some(file) = parse(path, registry).await? else { continue };
            match file.credentials(registry).await? {
                Credentials::Anonymous => {}
                credentials => return Ok(credentials),
            }
        }
        Ok(Credentials::Anonymous)
    }
}

/// What the file at `path` says; none where there is no file.
async fn parse(path: &Path, registry: &str) -> Result<Option<AuthFile>, CredentialError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| CredentialError {
        registry: registry.to_owned(),
        reason: format!("{} cannot be used", path.display()),
        source: Some(source),
    };
    let text = match read(path).await {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error.into())),
    };
    AuthFile::parse(&text).map(Some).map_err(|error| failed(error.into()))
}

async fn read(path: &Path) -> io::Result<String> {
    if tokio::fs::metadata(path).await?.len() > MOST_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "no credentials are so long"));
    }
    tokio::fs::read_to_string(path).await
}

impl CredentialProvider for Logins {
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

    fn logins(home: &Path) -> Logins {
        let config = RegistryConfig {
            external: None,
            insecure: Vec::new(),
            allowed_hosts: Vec::new(),
            region: None,
            role_arn: None,
            sweep: None,
        };
        let home = home.display().to_string();
        Logins::new(&Environment::of(Path::new("/"), &[("HOME", &home)]), &config)
    }

    #[tokio::test]
    async fn the_first_file_that_knows_the_registry_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let [podman, docker] = [".config/containers/auth.json", ".docker/config.json"];
        for (path, text) in [
            (podman, r#"{"auths": {"a.example": {"auth": "dTox"}}}"#),
            (
                docker,
                r#"{"auths": {"a.example": {"auth": "dzoy"}, "b.example": {"auth": "djoz"}}}"#,
            ),
        ] {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let logins = logins(dir.path());
        for (registry, whom) in
            [("a.example", "as `u`"), ("b.example", "as `v`"), ("c.example", "without credentials")]
        {
            assert_eq!(logins.credentials(registry).await.unwrap().whom(), whom, "{registry}");
        }
        assert_eq!(logins.registries().await.unwrap(), ["a.example", "b.example"]);
        let token = Secret::new("hunter2".to_owned());
        let logins = logins.with_own(Some(("a.example".to_owned(), token)));
        for (registry, whom) in [("a.example", "as `token`"), ("b.example", "as `v`")] {
            assert_eq!(logins.credentials(registry).await.unwrap().whom(), whom, "{registry}");
        }
        assert!(!format!("{logins:?}").contains("hunter2"));
    }

    #[tokio::test]
    async fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".docker")).unwrap();
        std::fs::write(dir.path().join(".docker/config.json"), "{").unwrap();
        let error = logins(dir.path()).credentials("a.example").await.unwrap_err();
        assert!(error.to_string().contains(".docker/config.json"), "{error}");
    }
}
