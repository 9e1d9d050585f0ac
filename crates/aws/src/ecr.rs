//! The password of ECR's registries:
//! [GetAuthorizationToken](https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html),
//! kept, and renewed long before its 12 hours are over.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ecr::types::AuthorizationData;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::{Clock, Secret, Timestamp};

use crate::{AwsSettings, EcrHost, StaticKey};

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
        let asked = tokio::time::timeout(limit, async {
            let config = self.config(&host.region).await;
            aws_sdk_ecr::Client::new(&config).get_authorization_token().send().await
        });
        let answer = match asked.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(source)) => {
                let said = aws_sdk_ecr::error::DisplayErrorContext(&source).to_string();
                let said = said.chars().take(500).collect();
                return Err(EcrError::Call { host: host.clone(), said });
            }
            Err(_) => {
                return Err(EcrError::Timeout { host: host.clone(), seconds: limit.as_secs() });
            }
        };
        let first = answer.authorization_data().first();
        let missing = |missing| EcrError::Answer { host: host.clone(), missing };
        login(first.ok_or_else(|| missing("authorizationData"))?).map_err(missing)
    }

    async fn config(&self, region: &str) -> SdkConfig {
        let EcrSettings { role_arn, endpoint, key, connect_timeout, timeout } =
            self.settings.clone();
        let region = Some(region.to_owned());
        AwsSettings { region, role_arn, endpoint, key, connect_timeout, timeout }.load().await
    }
}

/// What the answer says; else what is missing in it.
fn login(data: &AuthorizationData) -> Result<EcrLogin, &'static str> {
    let token = data.authorization_token().ok_or("authorizationToken")?;
    let pair = STANDARD.decode(token).map_err(|_| "an authorizationToken in base64")?;
    let pair = String::from_utf8(pair).map_err(|_| "an authorizationToken of text")?;
    let (username, password) = pair.split_once(':').ok_or("user and password")?;
    let expires_at = data.expires_at().ok_or("expiresAt")?;
    let millis = expires_at.to_millis().map_err(|_| "an expiresAt that is a moment")?;
    Ok(EcrLogin {
        username: username.to_owned(),
        password: Secret::new(password.to_owned()),
        expires_at: Timestamp::from_millis(millis),
        endpoint: data.proxy_endpoint().unwrap_or_default().to_owned(),
    })
}
