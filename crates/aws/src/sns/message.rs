//! [A message of SNS](https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html) and
//! the text that its signature is of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portolan_model::Timestamp;
use serde::Deserialize;

use super::SnsError;
use super::certificate::{Certificate, Hash};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// Something that was published.
    Notification,
    /// Somebody subscribed us, and we may confirm that.
    SubscriptionConfirmation,
    /// A subscription has ended.
    UnsubscribeConfirmation,
}

impl Kind {
    /// The word that SNS has for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// A message of SNS.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsMessage {
    /// What it is about.
    #[serde(rename = "Type")]
    pub kind: Kind,
    /// SNS's identity of the message.
    pub message_id: String,
    /// The topic's ARN.
    #[serde(rename = "TopicArn")]
    pub topic: String,
    /// The subject, if it has one.
    #[serde(default)]
    pub subject: Option<String>,
    /// What was published.
    pub message: String,
    /// When, as SNS wrote it.
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL")]
    pub(super) certificate_url: String,
    #[serde(default, rename = "SubscribeURL")]
    pub(super) subscribe_url: Option<String>,
    #[serde(default)]
    token: Option<String>,
}

impl SnsMessage {
    pub(super) fn parse(body: &[u8]) -> Result<Self, SnsError> {
        let message: Self = serde_json::from_slice(body)
            .map_err(|error| SnsError::Malformed(error.to_string().chars().take(200).collect()))?;
        let confirms = message.subscribe_url.is_some() && message.token.is_some();
        if message.kind != Kind::Notification && !confirms {
            return Err(SnsError::Malformed("it has no SubscribeURL or no Token".to_owned()));
        }
        Ok(message)
    }

    /// When it was published.
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.timestamp.parse().ok()
    }

    pub(super) fn is_signed_by(&self, certificate: &Certificate) -> bool {
        let hash = match self.signature_version.as_str() {
            "1" => Hash::Sha1,
            "2" => Hash::Sha256,
            _ => return false,
        };
        let Ok(signature) = STANDARD.decode(&self.signature) else { return false };
        certificate.signed(hash, self.text_to_sign().as_bytes(), &signature)
    }

    /// Names and values of the fields that are signed, each on a line of its own.
    fn text_to_sign(&self) -> String {
        let (of_notification, of_others) = match self.kind {
            Kind::Notification => (self.subject.as_deref(), (None, None)),
            _ => (None, (self.subscribe_url.as_deref(), self.token.as_deref())),
        };
        let fields = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(self.message_id.as_str())),
            ("Subject", of_notification),
            ("SubscribeURL", of_others.0),
            ("Timestamp", Some(self.timestamp.as_str())),
            ("Token", of_others.1),
            ("TopicArn", Some(self.topic.as_str())),
            ("Type", Some(self.kind.name())),
        ];
        let told = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        told.flat_map(|(name, value)| [name, "\n", value, "\n"]).collect()
    }
}
