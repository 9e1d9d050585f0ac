//! The journal: what the outside world said, kept before it is acted on.

mod append;
mod payload;
mod read;
mod settle;

use std::str::FromStr;

use portolan_model::{EventId, EventKind, Timestamp};

pub use self::append::NewEntry;
pub use self::payload::Payload;
pub use self::read::JournalFilter;
use crate::row::Value;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Recorded, not acted on.
    Pending,
    /// Acted on.
    Applied,
    /// Not understood; the reason says why.
    Dead,
}

impl JournalState {
    /// The word in the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Dead => "dead",
        }
    }
}

impl FromStr for JournalState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Pending, Self::Applied, Self::Dead]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a journal entry"))
    }
}

/// One entry of the journal.
#[derive(Debug, Clone)]
pub struct JournalEntry {
    /// Its identity; entries sort by it in the order in which they were recorded.
    pub id: EventId,
    /// Who said it.
    pub source: String,
    /// The name of what happened.
    pub kind: String,
    /// When it happened, by the word of who said it.
    pub occurred_at: Timestamp,
    /// When it was recorded here.
    pub recorded_at: Timestamp,
    /// What was said, as JSON.
    pub payload: String,
    /// What became of it.
    pub state: JournalState,
    /// Why it is dead.
    pub reason: Option<String>,
}

impl JournalEntry {
    /// What it says.
    pub fn raw(&self) -> RawEvent {
        RawEvent {
            id: self.id,
            kind: self.kind.clone(),
            occurred_at: self.occurred_at,
            payload: self.payload.clone(),
        }
    }
}

/// What an entry says, and no more: what whoever acts on it must know.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// The entry's identity.
    pub id: EventId,
    /// The name of what happened.
    pub kind: String,
    /// When it happened, by the word of who said it.
    pub occurred_at: Timestamp,
    /// What was said, as JSON.
    pub payload: String,
}

impl RawEvent {
    /// What happened, where the payload can be understood.
    pub fn event(&self) -> Result<EventKind, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }
}

/// A row for each identity.
fn rows_of<'a>(ids: impl IntoIterator<Item = &'a EventId>) -> Vec<Vec<Value>> {
    ids.into_iter().map(|id| vec![bytes(*id)]).collect()
}

/// An identity as the journal's tables keep it: its 16 bytes.
fn bytes(id: EventId) -> Value {
    Value::Bytes(Some(id.as_bytes().to_vec()))
}
