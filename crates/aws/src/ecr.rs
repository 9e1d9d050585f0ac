//! ECR: images and their tags, and the password of its registries:
//! [GetAuthorizationToken](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html),
//! kept, and renewed long before its 12 hours are over.

mod image;
mod repository;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::{Clock, Secret, Timestamp};

pub use image::{ImageDetail, Images, RegistryImage, Tagged};
pub use repository::{Mutability, Repository};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::wire::{ECR, Wire};
use crate::{Aws, AwsError, AwsSettings, EcrHost, StaticKey};

/// A password is renewed when it is good for no longer than this: a long push must end before it.
const RENEW_BEFORE_MILLIS: i64 = 3 * 60 * 60 * 1000;

/// How ECR is asked.
#[derive(Debug, Clone)]
pub struct EcrSettings {
    /// The role to take on first.
    pub role_arn: Option<String>,
    /// Another address for AWS's services than the region's own (an emulator, a VPC endpoint).
    pub endpoint: Option<String>,
    /// The key to use; none for the usual chain (environment, profile, SSO, container, instance).
    pub key: Option<StaticKey>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long the whole call may take, with its repetitions.
    pub timeout: Duration,
}

impl Default for EcrSettings {
    fn default() -> Self {
        Self {
            role_arn: None,
            endpoint: None,
            key: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }
}

/// User and password for ECR's registries in one region, for HTTP Basic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrLogin {
    /// The user: `AWS`.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
    /// From when on it is no longer good.
    pub expires_at: Timestamp,
    /// The caller's own registry, as in `https://123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
    /// The password is good for every registry that the caller may use.
    pub endpoint: String,
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum EcrError {
    /// AWS said no, or could not be reached.
    #[error(
        "could not get a password for {host} from AWS: {said}; check the credentials (`aws sts \
         get-caller-identity`) and that they allow ecr:GetAuthorizationToken"
    )]
    Call {
        /// For which registry.
        host: EcrHost,
        /// What the SDK says, with its causes, in one line.
        said: String,
    },
    /// AWS did not answer in time.
    #[error("could not get a password for {host}: AWS did not answer in {seconds} s")]
    Timeout {
        /// For which registry.
        host: EcrHost,
        /// How long was waited.
        seconds: u64,
    },
    /// The answer is not what AWS documents.
    #[error("could not get a password for {host}: AWS answered without {missing}")]
    Answer {
        /// For which registry.
        host: EcrHost,
        /// What was missing.
        missing: &'static str,
    },
}

/// Gives the passwords of ECR's registries, one call for each region and about nine hours.
#[derive(Debug)]
pub struct EcrCredentials {
    settings: EcrSettings,
    clock: Arc<dyn Clock>,
    kept: tokio::sync::Mutex<HashMap<String, EcrLogin>>,
}

impl EcrCredentials {
    /// Nothing is asked until the first login.
    pub fn new(settings: EcrSettings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock, kept: tokio::sync::Mutex::default() }
    }

    /// User and password for `host`. Where a new password cannot be had, the one that is kept is
    /// given for as long as it is good.
    pub async fn login(&self, host: &EcrHost) -> Result<EcrLogin, EcrError> {
        // Held while AWS is asked, so that many callers make one call.
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        let left = |login: &EcrLogin| login.expires_at.millis_since(now);
        let present = kept.get(&host.region).cloned();
        if let Some(login) = present.as_ref().filter(|login| left(login) > RENEW_BEFORE_MILLIS) {
            return Ok(login.clone());
        }
        match self.ask(host).await {
            Ok(login) => {
                kept.insert(host.region.clone(), login.clone());
                Ok(login)
            }
            Err(error) => match present.filter(|login| left(login) > 0) {
                Some(login) => {
                    tracing::warn!(%error, "the password that is kept is still good");
                    Ok(login)
                }
                None => Err(error),
            },
        }
    }

    async fn ask(&self, host: &EcrHost) -> Result<EcrLogin, EcrError> {
        let limit = self.settings.timeout;
        let doing = || format!("get a password for {host}");
        let asked = tokio::time::timeout(limit, async {
            let aws = self.aws(&host.region).await;
            let ecr = Wire::new(&aws.config, ECR);
            ecr.read::<Answer>("GetAuthorizationToken", &json!({}), doing).await
        });
        let answer = match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(AwsError::Call { said, .. })) => {
                return Err(EcrError::Call { host: host.clone(), said });
            }
            Ok(Err(AwsError::Answer { .. })) => {
                let missing = "what it documents";
                return Err(EcrError::Answer { host: host.clone(), missing });
            }
            Err(_) => {
                return Err(EcrError::Timeout { host: host.clone(), seconds: limit.as_secs() });
            }
        };
        let first = answer.authorization_data.first();
        let missing = |missing| EcrError::Answer { host: host.clone(), missing };
        login(first.ok_or_else(|| missing("authorizationData"))?).map_err(missing)
    }

    async fn aws(&self, region: &str) -> Aws {
        let EcrSettings { role_arn, endpoint, key, connect_timeout, timeout } =
            self.settings.clone();
        let region = Some(region.to_owned());
        let settings = AwsSettings {
            region,
            role_arn,
            endpoint,
            key,
            connect_timeout,
            timeout,
            ..AwsSettings::default()
        };
        Aws::open(&settings).await
    }
}

/// ECR in one region.
#[derive(Debug, Clone)]
pub struct Ecr {
    ecr: Wire,
    registry: Option<String>,
}

impl Ecr {
    /// ECR of the region that is reached, and of the account `registry` (the caller's own where none
    /// is given).
    pub fn of(aws: &Aws, registry: Option<String>) -> Self {
        Self { ecr: Wire::new(&aws.config, ECR), registry }
    }

    fn about(&self, repository: &str) -> Value {
        let mut asked = json!({ "repositoryName": repository });
        self.add_registry(&mut asked);
        asked
    }

    fn add_registry(&self, asked: &mut Value) {
        if let Some(registry) = &self.registry {
            asked["registryId"] = json!(registry);
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    authorization_data: Vec<AuthorizationData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuthorizationData {
    authorization_token: Option<String>,
    /// Seconds since 1970.
    expires_at: Option<f64>,
    proxy_endpoint: Option<String>,
}

// The token is a secret.
impl std::fmt::Debug for AuthorizationData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationData")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// What the answer says; else what is missing in it.
fn login(data: &AuthorizationData) -> Result<EcrLogin, &'static str> {
    let token = data.authorization_token.as_ref().ok_or("authorizationToken")?;
    let pair = STANDARD.decode(token).map_err(|_| "an authorizationToken in base64")?;
    let pair = String::from_utf8(pair).map_err(|_| "an authorizationToken of text")?;
    let (username, password) = pair.split_once(':').ok_or("user and password")?;
    #[expect(clippy::cast_possible_truncation, reason = "a cast of this kind saturates")]
    let expires_at = (data.expires_at.ok_or("expiresAt")? * 1000.0) as i64;
    Ok(EcrLogin {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
        expires_at: Timestamp::from_millis(expires_at),
        endpoint: data.proxy_endpoint.clone().unwrap_or_default(),
    })
}
