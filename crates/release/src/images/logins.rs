//! Who we are at ECR's registries, where a project tells a role for a repository.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_aws::{AwsSettings, EcrCredentials, EcrHost, EcrSettings};
use portolan_model::Clock;
use portolan_oci::credentials::CredentialError;
use portolan_oci::{Client, CredentialProvider, Credentials};

use crate::project::{Roles, Spot};

/// Logins to ECR's registries, by the role that is told for a repository.
#[derive(Debug)]
pub struct RoleLogins {
    settings: AwsSettings,
    clock: Arc<dyn Clock>,
    roles: Roles,
    /// A client for each role, once it was needed.
    clients: Mutex<HashMap<String, Client>>,
}

impl RoleLogins {
    /// Logins by `roles`, each taken on as `settings` reach AWS.
    pub fn new(settings: AwsSettings, clock: Arc<dyn Clock>, roles: Roles) -> Self {
        Self { settings, clock, roles, clients: Mutex::default() }
    }

    /// `client` as it reaches `spot`: in the role that is told for it, where it is ECR's.
    pub(super) fn client(&self, client: &Client, spot: &Spot) -> Client {
        let is_ecr = spot.registry.as_deref().is_some_and(|host| EcrHost::parse(host).is_some());
        let Some(role) = self.roles.of(spot).filter(|_| is_ecr) else { return client.clone() };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let made = clients.entry(role.to_owned()).or_insert_with(|| {
            let AwsSettings { endpoint, key, connect_timeout, .. } = self.settings.clone();
            let role_arn = Some(role.to_owned());
            let settings =
                EcrSettings { role_arn, endpoint, key, connect_timeout, ..EcrSettings::default() };
            client.with_credentials(Arc::new(OfRole(EcrCredentials::new(
                settings,
                self.clock.clone(),
            ))))
        });
        made.clone()
    }
}

/// The passwords that ECR gives to a role.
#[derive(Debug)]
struct OfRole(EcrCredentials);

impl OfRole {
    async fn ask(&self, registry: &str) -> Result<Credentials, CredentialError> {
        let Some(host) = EcrHost::parse(registry) else { return Ok(Credentials::Anonymous) };
        let login = self.0.login(&host).await.map_err(|error| CredentialError {
            registry: registry.to_owned(),
            reason: "AWS gave none to the role that is told for it".to_owned(),
            source: Some(error.into()),
        })?;
        Ok(Credentials::Basic { username: login.username, password: login.password })
    }
}

impl CredentialProvider for OfRole {
    fn credentials<'a>(
        &'a self,
        registry: &'a str,
    ) -> BoxFuture<'a, Result<Credentials, CredentialError>> {
        self.ask(registry).boxed()
    }
}

#[cfg(test)]
mod tests {
    use portolan_aws::StaticKey;
    use portolan_model::{Secret, Timestamp};
    use portolan_oci::Settings;
    use portolan_oci::credentials::NoCredentials;
    use portolan_testkit::fake_ecs;
    use portolan_testkit::moto::{ACCOUNT, REGION};

    use super::*;
    use crate::project::{ProjectSection, build};

    #[derive(Debug)]
    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }
    }

    #[tokio::test]
    async fn a_registry_of_ecr_gives_a_password_to_the_role_that_is_told() {
        let fake = fake_ecs::start(ACCOUNT, REGION).unwrap();
        let host = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com");
        let role = format!("arn:aws:iam::{ACCOUNT}:role/images");
        let text = format!(
            "[images.api]\nrepository = '{host}/api'\nrole_arn = '{role}'\n\
             [images.web]\nrepository = '{host}/web'\n\
             [images.far]\nrepository = 'r.example/far'\nrole_arn = '{role}'"
        );
        let section: ProjectSection = toml::from_str(&text).unwrap();
        let (projects, _) =
            build(&[("shop".to_owned(), section)].into(), &|_| unreachable!()).unwrap();
        let project = &projects["shop"];
        let secret = Secret::new("test".to_owned());
        let key = Some(StaticKey { id: "test".to_owned(), secret, session: None });
        let settings = AwsSettings { endpoint: Some(fake.url()), key, ..AwsSettings::default() };
        let logins = RoleLogins::new(settings, Arc::new(Epoch), project.roles(None));
        let client = Client::new(Settings::default(), Arc::new(NoCredentials)).unwrap();
        for (image, asked, whom) in [
            ("web", 0, "without credentials"),
            ("far", 0, "without credentials"),
            ("api", 1, "as `AWS`"),
        ] {
            let client = logins.client(&client, &project.images[image].source);
            let credentials = client.credentials().credentials(&host).await.unwrap();
            assert_eq!(credentials.whom(), whom, "{image}");
            assert_eq!(fake.callers("GetAuthorizationToken", "").len(), asked, "{image}");
        }
        let asked = fake.callers("GetAuthorizationToken", "");
        assert_eq!(asked, [format!("arn:aws:sts::{ACCOUNT}:assumed-role/images/portolan")]);
    }
}
