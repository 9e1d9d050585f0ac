//! How AWS is reached: one way for every service, with the usual chain of credentials.

use std::borrow::Cow;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_runtime::retries::classifiers::THROTTLING_ERRORS;
use aws_sdk_sqs::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use portolan_model::Secret;

/// How often a call is tried before it has failed.
const ATTEMPTS: u32 = 5;
/// The most of what AWS says that is repeated, in characters.
const MOST_SAID: usize = 500;

/// An access key that is told, and not found by the usual chain.
#[derive(Debug, Clone)]
pub struct StaticKey {
    /// The key's id.
    pub id: String,
    /// Its secret.
    pub secret: Secret<String>,
    /// The session's token, where the key is a temporary one.
    pub session: Option<Secret<String>>,
}

/// How AWS's services are reached. The default leaves everything to the usual chain: environment
/// (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL`, …), profile, SSO, container, instance.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The region; none for the one of the usual chain.
    pub region: Option<String>,
    /// The role to take on first. Its credentials are renewed by themselves.
    pub role_arn: Option<String>,
    /// Another address for AWS's services than the region's own (an emulator, a VPC endpoint).
    pub endpoint: Option<String>,
    /// The key to use; none for the usual chain.
    pub key: Option<StaticKey>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long one call may take, with its repetitions.
    pub timeout: Duration,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: None,
            role_arn: None,
            endpoint: None,
            key: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_mins(1),
        }
    }
}

impl AwsSettings {
    /// The configuration of the SDK's clients. Asks the usual chain, and nobody else yet.
    pub(crate) async fn load(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.connect_timeout)
            .operation_timeout(self.timeout)
            .build();
        // One cache for all services: a role is taken on once, and not once for each of them.
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .identity_cache(IdentityCache::lazy().build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts);
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &self.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(key) = &self.key {
            let session = key.session.as_ref().map(|session| session.expose().clone());
            let secret = key.secret.expose().clone();
            let (id, name) = (key.id.clone(), "portolan");
            loader = loader.credentials_provider(Credentials::new(id, secret, session, None, name));
        }
        let config = loader.load().await;
        let Some(role) = &self.role_arn else { return config };
        let taken = aws_config::sts::AssumeRoleProvider::builder(role)
            .session_name("portolan")
            .configure(&config)
            .build()
            .await;
        config.into_builder().credentials_provider(SharedCredentialsProvider::new(taken)).build()
    }
}

/// One account and region of AWS, as credentials reach it: what the services are opened from that
/// shall share them. A role is then taken on once for all, and renewed for all.
#[derive(Debug, Clone)]
pub struct Aws {
    pub(crate) config: SdkConfig,
}

impl Aws {
    /// AWS as `settings` say. Nothing is asked of it yet.
    pub async fn open(settings: &AwsSettings) -> Self {
        Self { config: settings.load().await }
    }

    /// The region, where one is known.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }
}

/// Why AWS did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS said no, or could not be reached in time.
    #[error(
        "could not {doing}: {said}; check region and credentials (`aws sts get-caller-identity`) \
         and what they allow"
    )]
    Call {
        /// What was asked for, and of what.
        doing: String,
        /// AWS's own name of the error, where it answered.
        code: Option<String>,
        /// What the SDK says, with its causes, in one line.
        said: String,
    },
    /// The answer is not what AWS documents, or has no end.
    #[error("could not {doing}: AWS answered {what}")]
    Answer {
        /// What was asked for, and of what.
        doing: String,
        /// What is wrong with the answer.
        what: Cow<'static, str>,
    },
}

/// What is the matter when AWS did not do what it was asked, as far as it matters to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The credentials are no longer good, or are none.
    Expired,
    /// They do not allow it.
    Denied,
    /// Too many calls, and too many again at each repetition.
    Throttled,
    /// Nobody answered, or not in time.
    Unreachable,
    /// AWS said no, for the reason that its code tells.
    Refused,
    /// The answer is not what AWS documents.
    Answer,
}

impl AwsError {
    /// What is the matter.
    pub fn trouble(&self) -> Trouble {
        let Self::Call { code, .. } = self else { return Trouble::Answer };
        let Some(code) = code.as_deref() else { return Trouble::Unreachable };
        match code {
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "MissingAuthenticationTokenException" => Trouble::Expired,
            "AccessDenied"
            | "AccessDeniedException"
            | "UnauthorizedOperation"
            | "NotAuthorized" => Trouble::Denied,
            code if THROTTLING_ERRORS.contains(&code) => Trouble::Throttled,
            _ => Trouble::Refused,
        }
    }

    /// AWS's own name of the error, where it answered with one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Call { code, .. } => code.as_deref(),
            Self::Answer { .. } => None,
        }
    }

    pub(crate) fn call<E, R>(doing: impl Into<String>, error: &SdkError<E, R>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().map(ToOwned::to_owned);
        let said = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => DisplayErrorContext(error).to_string(),
        };
        Self::Call { doing: doing.into(), code, said: said.chars().take(MOST_SAID).collect() }
    }
}
