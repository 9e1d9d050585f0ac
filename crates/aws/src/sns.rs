//! Messages that SNS sends over HTTPS: [whether they are SNS's](https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html),
//! and the confirmation of a subscription.

mod certificate;
mod message;
mod web;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use url::{Host, Url};

pub use certificate::Certificate;
pub use message::{Kind, SnsMessage};
pub use web::{Fetch, Web};

/// Certificates that are kept. SNS has one for each region, and a new one now and then.
const KEPT: usize = 64;
/// Certificates that are fetched at a time.
const FETCHES: usize = 4;

/// Why a message is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SnsError {
    /// It is no message of SNS.
    #[error("not a message of SNS: {0}")]
    Malformed(String),
    /// An address in it is not one of SNS's own.
    #[error("{field} is not an https address of SNS: {url}")]
    Address {
        /// Which field.
        field: &'static str,
        /// What it says.
        url: String,
    },
    /// An address of SNS could not be read.
    #[error("could not read {url}: {reason}")]
    Fetch {
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// What is at `SigningCertURL` is no certificate with an RSA key.
    #[error("{url} has no usable certificate: {reason}")]
    Certificate {
        /// The address.
        url: String,
        /// Why not.
        reason: String,
    },
    /// The signature is not the one of the message.
    #[error("the signature is not the one of this message: it was changed, or is not SNS's")]
    Signature,
}

impl SnsError {
    /// Whether the same message may be taken when it comes again: it was not SNS that was wrong.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Fetch { .. })
    }
}

/// Tells whether messages are SNS's own. Cheap to clone.
///
/// Everybody can have a topic of their own, whose messages are SNS's own too: whose topic it is, the
/// caller has to see from [`SnsMessage::topic`].
#[derive(Debug, Clone)]
pub struct SnsVerifier {
    fetch: Arc<dyn Fetch>,
    kept: Arc<Mutex<HashMap<String, Certificate>>>,
    places: Arc<Semaphore>,
}

impl SnsVerifier {
    /// A verifier that reads certificates by `fetch`: [`Web`] but in tests.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, kept: Arc::default(), places: Arc::new(Semaphore::new(FETCHES)) }
    }

    /// The message in `body`, if its signature is SNS's.
    pub async fn verify(&self, body: &[u8]) -> Result<SnsMessage, SnsError> {
        let message = SnsMessage::parse(body)?;
        let url = address("SigningCertURL", &message.certificate_url)?;
        if !is_certificate(&url) {
            return Err(SnsError::Address { field: "SigningCertURL", url: url.to_string() });
        }
        if message.is_signed_by(&self.certificate(&url).await?) {
            return Ok(message);
        }
        Err(SnsError::Signature)
    }

    /// Confirms the subscription that `message`, which was verified, asks to confirm.
    pub async fn confirm(&self, message: &SnsMessage) -> Result<(), SnsError> {
        let subscribe = message.subscribe_url.as_deref().unwrap_or_default();
        let url = address("SubscribeURL", subscribe)?;
        let confirms = |(name, value): (_, std::borrow::Cow<'_, str>)| {
            name == "Action" && value == "ConfirmSubscription"
        };
        if !url.query_pairs().any(confirms) {
            return Err(SnsError::Address { field: "SubscribeURL", url: url.to_string() });
        }
        self.read(&url).await.map(|_| ())
    }

    async fn certificate(&self, url: &Url) -> Result<Certificate, SnsError> {
        if let Some(certificate) = self.kept().get(url.as_str()) {
            return Ok(certificate.clone());
        }
        let pem = self.read(url).await?;
        let certificate = Certificate::parse(&pem)
            .map_err(|reason| SnsError::Certificate { url: url.to_string(), reason })?;
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(url.to_string(), certificate.clone());
        Ok(certificate)
    }

    async fn read(&self, url: &Url) -> Result<Vec<u8>, SnsError> {
        let failed = |reason: String| SnsError::Fetch { url: url.to_string(), reason };
        let _place = self.places.acquire().await.map_err(|error| failed(error.to_string()))?;
        self.fetch.get(url.clone()).await.map_err(failed)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, Certificate>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `url`, if it is one of SNS's own: `https://sns.REGION.amazonaws.com[.cn]/…`.
fn address(field: &'static str, url: &str) -> Result<Url, SnsError> {
    let refused = || SnsError::Address { field, url: url.chars().take(200).collect() };
    let parsed = Url::parse(url).map_err(|_| refused())?;
    let of_sns = match parsed.host() {
        Some(Host::Domain(host)) => is_sns(host),
        _ => false,
    };
    let plain = parsed.port().is_none() && parsed.username().is_empty();
    let fits = parsed.scheme() == "https" && of_sns && plain && parsed.password().is_none();
    if fits { Ok(parsed) } else { Err(refused()) }
}

/// A dot would let another name pass for a region, as in `sns.evil.example.amazonaws.com`.
fn is_sns(host: &str) -> bool {
    let region = [".amazonaws.com", ".amazonaws.com.cn"]
        .iter()
        .find_map(|end| host.strip_suffix(end))
        .and_then(|rest| rest.strip_prefix("sns."));
    region.is_some_and(|region| {
        region.len() >= 3
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    })
}

fn is_certificate(url: &Url) -> bool {
    let path = url.path();
    path.starts_with("/SimpleNotificationService-")
        && path.strip_suffix(".pem").is_some()
        && !path[1..].contains('/')
        && url.query().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_sns_are_asked() {
        for url in [
            "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem",
        ] {
            assert!(is_certificate(&address("x", url).unwrap()), "{url}");
        }
        for url in [
            "http://sns.eu-west-2.amazonaws.com/SimpleNotificationService-0.pem",
            "https://sns.eu-west-2.amazonaws.com:8443/SimpleNotificationService-0.pem",
            "https://u@sns.eu-west-2.amazonaws.com/SimpleNotificationService-0.pem",
            "https://sns.eu-west-2.amazonaws.com@evil.example/SimpleNotificationService-0.pem",
            "https://sns.evil.example.amazonaws.com/SimpleNotificationService-0.pem",
            "https://sns.eu-west-2.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-0.pem",
            "https://127.0.0.1/SimpleNotificationService-0.pem",
            "https://sns..amazonaws.com/",
            "file:///etc/passwd",
            "",
        ] {
            assert!(address("x", url).is_err(), "{url}");
        }
        for path in ["evil.pem", "SimpleNotificationService-0.txt", "a/../b.pem", "?x=.pem"] {
            let url = format!("https://sns.eu-west-2.amazonaws.com/{path}");
            assert!(!is_certificate(&address("x", &url).unwrap()), "{url}");
        }
    }
}
