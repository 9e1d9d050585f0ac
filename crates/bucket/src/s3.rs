//! S3, and what speaks as S3 does.

mod copy;
mod folders;
mod list;
mod loose;
mod multipart;
mod put;
mod read;
mod resume;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{Builder, Region, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::DateTime;
use portolan_aws::Aws;
use portolan_model::Timestamp;

pub(crate) use list::S3Listing;
pub(crate) use read::S3Body;

use crate::{BucketError, BucketSettings};

/// Where a bucket is taken to be as long as nobody knows better.
const REGION: &str = "us-east-1";
/// The header in which S3 tells where a bucket is.
const WHERE: &str = "x-amz-bucket-region";
/// Bytes a second below which a line is too slow for an upload to go on.
const SLOWEST: u64 = 64 << 10;

/// A bucket of S3.
#[derive(Debug, Clone)]
pub(crate) struct S3 {
    name: Arc<str>,
    settings: Arc<BucketSettings>,
    /// It changes once where the bucket turns out to be in another region.
    client: Arc<RwLock<Client>>,
    /// Whether bytes may go without being hashed for the signature: TLS keeps them as they are.
    unsigned: bool,
}

impl S3 {
    pub(crate) async fn open(name: &str, settings: &BucketSettings) -> Self {
        let aws = Aws::open(&settings.aws).await;
        let config = aws.sdk();
        let mut builder = Builder::from(config)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if config.region().is_none() {
            builder.set_region(Some(Region::new(REGION)));
        }
        let endpoint = config.endpoint_url();
        // A wildcard certificate covers no dots, and few stores of others have a name per bucket.
        if endpoint.is_some() || (name.contains('.') && !name.starts_with("arn:")) {
            builder.set_force_path_style(Some(true));
        }
        Self {
            name: name.into(),
            settings: Arc::new(settings.clone()),
            client: Arc::new(RwLock::new(Client::from_conf(builder.build()))),
            unsigned: endpoint.is_none_or(|endpoint| endpoint.starts_with("https:")),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Calls with the client that there is, and once more where the answer tells that the bucket is
    /// in another region.
    async fn call<T, E, F>(&self, call: impl Fn(Client) -> F) -> Result<T, SdkError<E>>
    where
        E: ProvideErrorMetadata,
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        let client = self.client();
        let region = client.config().region().cloned();
        let answer = call(client).await;
        let Err(error) = &answer else { return answer };
        let told = error.raw_response().and_then(|answer| answer.headers().get(WHERE));
        let Some(told) = told.filter(|told| region.is_none_or(|known| known.as_ref() != *told))
        else {
            return answer;
        };
        // A store of others may name regions as it likes; only these errors mean that.
        let elsewhere = match error.code() {
            Some(code) => matches!(
                code,
                "PermanentRedirect"
                    | "AuthorizationHeaderMalformed"
                    | "IllegalLocationConstraintException"
            ),
            None => true,
        };
        if !elsewhere {
            return answer;
        }
        let client = {
            let mut client = self.client.write().unwrap_or_else(std::sync::PoisonError::into_inner);
            let builder = client.config().to_builder().region(Region::new(told.to_owned()));
            *client = Client::from_conf(builder.build());
            client.clone()
        };
        call(client).await
    }

    /// What a call needs whose body has `bytes`: the time that a slow line takes for them.
    fn patience(&self, bytes: u64) -> Builder {
        let usual = self.settings.aws.timeout;
        let longer = Duration::from_secs(bytes / SLOWEST);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(self.settings.aws.connect_timeout)
            .operation_attempt_timeout(usual / 2 + longer)
            .operation_timeout(usual + longer * 3)
            .build();
        Builder::new().timeout_config(timeouts)
    }

    fn doing(&self, what: &str, key: &crate::Key) -> String {
        format!("{what} s3://{}/{key}", self.name)
    }
}

/// The answer to a write, where the condition may not have held.
fn refused_or<E>(doing: String, error: &SdkError<E>) -> Result<crate::Written, BucketError>
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    match (status, error.code()) {
        // 409: two wrote at once, and the other one was through first; 404: there is nothing any
        // more that could match.
        (Some(412), _)
        | (Some(409), Some("ConditionalRequestConflict"))
        | (_, Some("PreconditionFailed")) => Ok(crate::Written::Refused),
        _ => Err(BucketError::call(doing, error)),
    }
}

fn moment(told: Option<&DateTime>) -> Timestamp {
    let millis = told.and_then(|moment| moment.to_millis().ok());
    Timestamp::from_millis(millis.unwrap_or_default())
}

/// The etag as it is compared: without quotation marks.
fn bare(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// The etag as a condition has it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
