//! Objects of S3 that came or went.
//!
//! Source: [notifications of S3](https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html),
//! whose keys are encoded as in a form, and [its events in EventBridge](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html),
//! whose keys are not.

use percent_encoding::percent_decode_str;
use portolan_model::Timestamp;
use serde::Deserialize;

use super::field::{Moment, Name, Text};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{ObjectObserved, Observation};

/// The longest key of an object, in bytes.
const KEY: usize = 1024;
/// The longest that its encoding can be.
const ENCODED: usize = 3 * KEY;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "detail-type")]
    detail_type: Option<Name>,
    time: Option<Moment>,
    detail: Option<Object<About>>,
    #[serde(rename = "eventName")]
    name: Option<Name>,
    #[serde(rename = "eventTime")]
    happened: Option<Moment>,
    s3: Option<Object<About>>,
}

#[derive(Debug, Deserialize)]
struct About {
    bucket: Object<Bucket>,
    object: Object<Keyed>,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: Name,
}

#[derive(Debug, Deserialize)]
struct Keyed {
    key: Text<ENCODED>,
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let event: Event = fields(Kind::S3, body)?;
    let word = |name: Option<Name>| name.map(|name| name.0).unwrap_or_default();
    let (detail_type, name) = (word(event.detail_type), word(event.name));
    let at = event.time.or(event.happened).map_or(received, |moment| moment.0);
    let gone = match (detail_type.as_str(), name.split(':').next().unwrap_or_default()) {
        ("Object Created", _) | ("", "ObjectCreated") => false,
        ("Object Deleted", _) | ("", "ObjectRemoved" | "LifecycleExpiration") => true,
        _ => return Ok(Observation::Nothing("neither that an object came nor that one went")),
    };
    let wrong = |what: &str| Unreadable::content(Kind::S3, what);
    let (about, encoded) = match (event.detail, event.s3) {
        (Some(detail), _) => (detail.0, false),
        (None, Some(record)) => (record.0, true),
        (None, None) => return Err(wrong("neither `detail` nor `s3`: expected one of them")),
    };
    let told = about.object.0.key.0;
    let key = if encoded {
        let text = told.replace('+', " ");
        let decoded = percent_decode_str(&text).decode_utf8();
        decoded.map_err(|_| wrong("a key that is not UTF-8"))?.into_owned()
    } else {
        told
    };
    if key.is_empty() || key.len() > KEY || key.contains('\0') {
        return Err(wrong("a key that no object can have"));
    }
    Ok(Observation::Object(ObjectObserved { bucket: about.bucket.0.name.0, key, gone, at }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn object(body: &str) -> Observation {
        read(body, at(9)).unwrap()
    }

    fn observed(key: &str, gone: bool, at: Timestamp) -> Observation {
        Observation::Object(ObjectObserved {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            gone,
            at,
        })
    }

    #[test]
    fn keys_are_decoded_where_they_are_encoded() {
        let about =
            |key: &str| format!(r#"{{"bucket":{{"name":"b"}},"object":{{"key":"{key}"}}}}"#);
        let record = |name: &str, key: &str| {
            format!(
                r#"{{"eventSource":"aws:s3","eventName":"{name}","eventTime":"1970-01-01T00:00:05.000Z","s3":{}}}"#,
                about(key)
            )
        };
        let bridge = |name: &str, key: &str| {
            format!(r#"{{"source":"aws.s3","detail-type":"{name}","detail":{}}}"#, about(key))
        };
        for (body, found) in [
            (record("ObjectCreated:Put", "a+b/c%2Bd%C3%A9"), observed("a b/c+dé", false, at(5))),
            (record("ObjectRemoved:Delete", "a"), observed("a", true, at(5))),
            (record("LifecycleExpiration:Delete", "a"), observed("a", true, at(5))),
            (bridge("Object Created", "a+b%20"), observed("a+b%20", false, at(9))),
            (bridge("Object Deleted", "a"), observed("a", true, at(9))),
        ] {
            assert_eq!(object(&body), found, "{body}");
        }
        for nothing in [
            record("ObjectTagging:Put", "a"),
            bridge("Object Tags Added", "a"),
            r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#.to_owned(),
        ] {
            assert!(matches!(object(&nothing), Observation::Nothing(_)), "{nothing}");
        }
        for wrong in [
            record("ObjectCreated:Put", "%ff"),
            record("ObjectCreated:Put", ""),
            record("ObjectCreated:Put", &"a".repeat(1025)),
            r#"{"detail-type":"Object Created"}"#.to_owned(),
            r#"{"detail-type":"Object Created","detail":{"bucket":{"name":"b"}}}"#.to_owned(),
        ] {
            assert!(read(&wrong, at(9)).is_err(), "{wrong}");
        }
    }
}
