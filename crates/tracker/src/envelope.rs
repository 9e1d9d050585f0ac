//! Opening what arrives: events out of the wrappers that carried them.
//!
//! Understood are an event itself (EventBridge, `CloudEvents`, CDEvents, Harbor, a request of ours),
//! arrays of them, notifications of the CNCF's registry (`events`), and any of these in an SNS
//! notification or in the `Records` that a Lambda function gets from SQS, SNS or S3. What is inside
//! keeps its exact bytes.

mod classify;
mod head;
mod kind;
mod unreadable;

use portolan_model::Timestamp;
use serde_json::value::RawValue;

use head::Head;

pub use kind::{Kind, KindError};
pub use unreadable::Unreadable;
pub(crate) use unreadable::shown;

/// The longest body that is opened, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Wrappers inside wrappers at most.
pub const MAX_NESTING: usize = 4;

/// Events in one body at most.
pub const MAX_EVENTS: usize = 10_000;

/// The longest identity of an event that is believed, in bytes.
const MAX_ID_BYTES: usize = 200;

/// One event, out of its wrappers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// What it is.
    pub kind: Kind,
    /// Its own identity; where it has none, that of the innermost wrapper that has one, as
    /// `sns:ID` or `sqs:ID`. The same event keeps it however often it is delivered.
    pub id: Option<String>,
    /// When it happened, where it says so.
    pub at: Option<Timestamp>,
    /// Its exact text.
    pub body: String,
}

/// The events in one body, in their order.
///
/// One event of many that cannot be read does not cost the others: it is returned as
/// [`Kind::Other`], and [`read`](crate::read::read) says what is wrong with it. Where the body is
/// one event, or the limits are exceeded, it is an error.
pub fn open(body: &str) -> Result<Vec<Inner>, Unreadable> {
    if body.len() > MAX_BYTES {
        return Err(Unreadable::Size { bytes: body.len(), limit: MAX_BYTES });
    }
    let mut found = Vec::with_capacity(1);
    open_into(&mut found, body, 0, None)?;
    Ok(found)
}

/// Where the events of a body are, one wrapper further in.
fn open_into(
    found: &mut Vec<Inner>,
    text: &str,
    depth: usize,
    id: Option<&str>,
) -> Result<(), Unreadable> {
    if depth > MAX_NESTING {
        return Err(Unreadable::Nested { limit: MAX_NESTING });
    }
    let text = text.trim_start_matches('\u{feff}').trim_matches([' ', '\t', '\r', '\n']);
    match text.as_bytes().first() {
        Some(b'{') => {}
        Some(b'[') => return open_each(found, text, depth, id),
        _ => return Err(not_an_event(text)),
    }
    let head: Head<'_> = serde_json::from_str(text).map_err(|error| Unreadable::json(&error))?;
    if let (true, Some(message)) = (head.sns_type.is("Notification"), head.message.text()) {
        let id = wrapper_id("sns", head.sns_id.text());
        return open_into(found, message, depth + 1, id.as_deref());
    }
    if let Some(records) = head.records {
        return open_each(found, records.get(), depth, id);
    }
    if let Some(sns) = head.sns {
        return open_into(found, sns.get(), depth, id);
    }
    if let (Some(body), true) = (head.body.text(), head.sqs_id.is_told()) {
        let id = wrapper_id("sqs", head.sqs_id.text());
        return open_into(found, body, depth, id.as_deref());
    }
    if let Some(events) = head.events.filter(|_| head.detail.is_none()) {
        return open_each(found, events.get(), depth, id);
    }
    if found.len() >= MAX_EVENTS {
        return Err(Unreadable::Count { limit: MAX_EVENTS });
    }
    found.push(classify::classify(&head, text, id));
    Ok(())
}

/// The events in each item of an array.
fn open_each(
    found: &mut Vec<Inner>,
    array: &str,
    depth: usize,
    id: Option<&str>,
) -> Result<(), Unreadable> {
    let items: Vec<&RawValue> =
        serde_json::from_str(array).map_err(|error| Unreadable::json(&error))?;
    if found.len() + items.len() > MAX_EVENTS {
        return Err(Unreadable::Count { limit: MAX_EVENTS });
    }
    for item in items {
        match open_into(found, item.get(), depth + 1, id) {
            Err(problem) if problem.is_of_one_event() => found.push(Inner {
                kind: Kind::Other,
                id: id.map(str::to_owned),
                at: None,
                body: item.get().to_owned(),
            }),
            opened => opened?,
        }
    }
    Ok(())
}

fn wrapper_id(what: &str, id: Option<&str>) -> Option<String> {
    id.filter(|id| id.len() <= MAX_ID_BYTES).map(|id| format!("{what}:{id}"))
}

fn not_an_event(text: &str) -> Unreadable {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => Unreadable::NotAnEvent { start: shown(text) },
        Err(error) => Unreadable::json(&error),
    }
}

#[cfg(test)]
mod tests;
