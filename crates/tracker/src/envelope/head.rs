//! What tells events apart: the outermost fields, read without reading what is inside.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A text or a number; nothing, where the field has any other type. A NUL, which no database keeps,
/// makes it nothing too.
#[derive(Debug, Default)]
pub(super) struct Word<'a>(Option<Cow<'a, str>>);

impl Word<'_> {
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text() == Some(text)
    }

    pub(super) fn is_told(&self) -> bool {
        self.0.is_some()
    }
}

struct AnyWord;

impl<'de> Visitor<'de> for AnyWord {
    type Value = Word<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Word<'de>, E> {
        Ok(Word((!text.contains('\0')).then_some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Word<'de>, E> {
        Ok(Word((!text.contains('\0')).then(|| Cow::Owned(text.to_owned()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Word<'de>, E> {
        Ok(Word(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Word<'de>, E> {
        Ok(Word(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Word<'de>, E> {
        Ok(Word(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Word<'de>, E> {
        Ok(Word(None))
    }

    fn visit_unit<E>(self) -> Result<Word<'de>, E> {
        Ok(Word(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Word<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Word<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Word(None))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyWord)
    }
}

/// The outermost fields of everything that is understood. Which of them are there says what it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Head<'a> {
    // EventBridge
    #[serde(borrow)]
    pub(super) id: Word<'a>,
    #[serde(borrow, rename = "detail-type")]
    pub(super) detail_type: Word<'a>,
    #[serde(borrow, rename = "detailType")]
    pub(super) detail_type_too: Word<'a>,
    #[serde(borrow)]
    pub(super) source: Word<'a>,
    #[serde(borrow)]
    pub(super) time: Word<'a>,
    #[serde(borrow)]
    pub(super) detail: Option<&'a RawValue>,
    // SNS, SQS and Lambda
    #[serde(borrow, rename = "Type")]
    pub(super) sns_type: Word<'a>,
    #[serde(borrow, rename = "Message")]
    pub(super) message: Word<'a>,
    #[serde(borrow, rename = "MessageId")]
    pub(super) sns_id: Word<'a>,
    #[serde(borrow, rename = "Records")]
    pub(super) records: Option<&'a RawValue>,
    #[serde(borrow, rename = "Sns")]
    pub(super) sns: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) body: Word<'a>,
    #[serde(borrow, rename = "messageId")]
    pub(super) sqs_id: Word<'a>,
    // S3
    #[serde(borrow, rename = "eventSource")]
    pub(super) event_source: Word<'a>,
    #[serde(borrow, rename = "eventTime")]
    pub(super) event_time: Word<'a>,
    #[serde(borrow, rename = "Event")]
    pub(super) s3_event: Word<'a>,
    // CloudEvents and CDEvents
    #[serde(borrow)]
    pub(super) specversion: Word<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) event_type: Word<'a>,
    #[serde(borrow)]
    pub(super) data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) context: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) subject: Option<&'a RawValue>,
    // Registries
    #[serde(borrow)]
    pub(super) events: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) action: Word<'a>,
    #[serde(borrow)]
    pub(super) target: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) timestamp: Word<'a>,
    #[serde(borrow)]
    pub(super) event_data: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) occur_at: Word<'a>,
    // A request of ours
    #[serde(borrow, rename = "deploymentId")]
    pub(super) deployment_id: Word<'a>,
    #[serde(borrow)]
    pub(super) service: Word<'a>,
    #[serde(borrow)]
    pub(super) version: Word<'a>,
    #[serde(borrow)]
    pub(super) environment: Word<'a>,
    #[serde(borrow)]
    pub(super) at: Word<'a>,
}

/// What tells a detail whose envelope does not name its type.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Detail<'a> {
    #[serde(borrow, rename = "repository-name")]
    pub(super) repository: Word<'a>,
    #[serde(borrow, rename = "action-type")]
    pub(super) action: Word<'a>,
    #[serde(borrow, rename = "lastStatus")]
    pub(super) last_status: Word<'a>,
    #[serde(borrow)]
    pub(super) containers: Option<&'a RawValue>,
    #[serde(borrow, rename = "eventName")]
    pub(super) event_name: Word<'a>,
}

/// What tells one CDEvent from another.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Context<'a> {
    #[serde(borrow)]
    pub(super) id: Word<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) event_type: Word<'a>,
    #[serde(borrow)]
    pub(super) timestamp: Word<'a>,
}
