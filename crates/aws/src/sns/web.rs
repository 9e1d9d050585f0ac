//! Reading from SNS over HTTPS.

use std::fmt::Debug;
use std::time::Duration;

use futures::future::BoxFuture;
use url::Url;

/// What an answer may have at most, in bytes: a certificate has about 2,000.
const MOST_BYTES: usize = 64 << 10;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What reads certificates and confirms subscriptions.
pub trait Fetch: Debug + Send + Sync {
    /// What `url`, which was checked to be one of SNS's own, answers with success; else why not.
    fn get(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>>;
}

/// The web: HTTPS, no redirects, not much and not for long.
#[derive(Debug, Clone)]
pub struct Web {
    client: reqwest::Client,
}

impl Web {
    /// Fails where the process has no usable TLS.
    pub fn new() -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT)
            .build();
        client.map(|client| Self { client }).map_err(|error| error.to_string())
    }
}

impl Fetch for Web {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        Box::pin(async move {
            let failed = |error: reqwest::Error| error.without_url().to_string();
            let mut answer = self.client.get(url).send().await.map_err(failed)?;
            if !answer.status().is_success() {
                return Err(format!("it answered {}", answer.status()));
            }
            let mut body = Vec::new();
            while let Some(chunk) = answer.chunk().await.map_err(failed)? {
                body.extend_from_slice(&chunk);
                if body.len() > MOST_BYTES {
                    return Err(format!("it has more than {MOST_BYTES} bytes"));
                }
            }
            Ok(body)
        })
    }
}
