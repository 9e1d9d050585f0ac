//! How AWS is reached: one way for every service, with the usual chain of credentials.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, IdentityCache, SharedCredentialsProvider};
use portolan_model::Secret;

/// How often a call is tried before it has failed.
const ATTEMPTS: u32 = 5;
/// The part of the time for a call that one try may take: who hangs is left for another try.
const PART: u32 = 3;

/// The region in which a role is taken on where none is known.
const ANYWHERE: &str = "us-east-1";

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
    /// The name under which the role's doings are logged; none for `portolan`.
    pub role_session: Option<String>,
    /// How long the role's credentials are asked to last before they are renewed; none for an hour.
    pub role_duration: Option<Duration>,
    /// Another address for AWS's services than the region's own (an emulator, a VPC endpoint).
    pub endpoint: Option<String>,
    /// The key to use; none for the usual chain.
    pub key: Option<StaticKey>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long one call may take, with its repetitions; one try may take a third of it.
    pub timeout: Duration,
}

impl Default for AwsSettings {
    fn default() -> Self {
        Self {
            region: None,
            role_arn: None,
            role_session: None,
            role_duration: None,
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
            .operation_attempt_timeout(self.timeout / PART)
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
        let mut taken = aws_config::sts::AssumeRoleProvider::builder(role)
            .session_name(self.role_session.as_deref().unwrap_or("portolan"))
            .configure(&config);
        if let Some(duration) = self.role_duration {
            taken = taken.session_length(duration);
        }
        if config.region().is_none() {
            // A role is of no region, and an endpoint that was told needs none.
            taken = taken.region(Region::new(ANYWHERE));
        }
        let taken = taken.build().await;
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

    /// The configuration of the SDK's clients, for the crate that speaks to S3: no other crate has
    /// clients of its own.
    pub fn sdk(&self) -> &SdkConfig {
        &self.config
    }

    /// The region, where one is known.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(AsRef::as_ref)
    }
}
