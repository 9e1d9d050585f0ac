//! The way in: whatever arrives is in the journal before whoever sent it is answered.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portolan_model::{Digest, EventId, Timestamp};
use portolan_store::{NewEntry, Payload, Store, StoreError};
use tokio::sync::{OwnedMutexGuard, oneshot};

use crate::envelope::{self, Inner, Kind};

/// For how long those are waited for who come together again and again.
const GATHER: Duration = Duration::from_millis(3);

/// A body as a way in received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which way it came: `sqs:QUEUE`, `http`, `file`, `sweep`.
    pub source: String,
    /// What it holds: one event or several, wrapped or not.
    pub body: String,
    /// The identity that its way gave it, such as that of an SQS message. An event that has no
    /// identity of its own has this one.
    pub id: Option<String>,
    /// When it was sent, where its way says so.
    pub sent_at: Option<Timestamp>,
}

/// What became of the messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// Entries that are in the journal now and were not before.
    pub recorded: Vec<EventId>,
    /// Events that had been recorded before.
    pub repeated: u64,
    /// Bodies that cannot be read. They are in the journal as dead.
    pub dead: u64,
}

/// Takes messages into the journal. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Intake {
    store: Store,
    waiting: Arc<Waiting>,
}

/// What waits to be recorded. Whoever comes while a commit runs is recorded by the next, together with
/// all others that came.
#[derive(Debug, Default)]
struct Waiting {
    given: Mutex<Vec<Given>>,
    /// Calls that the commit before recorded.
    before: AtomicUsize,
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The entries of one call, and where the answer goes: those that are new.
#[derive(Debug)]
struct Given {
    entries: Vec<NewEntry>,
    answer: oneshot::Sender<Result<Vec<EventId>, StoreError>>,
}

impl Waiting {
    fn all(&self) -> MutexGuard<'_, Vec<Given>> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records what was given, in one commit; where the store refuses that, each for itself, so that one
/// does not cost the others.
async fn record(store: Store, mut given: Vec<Given>, _turn: OwnedMutexGuard<()>) {
    // Named in their turn, so that what is recorded later has the higher identity, and whoever reads
    // on from the last one misses none of this process.
    for entry in given.iter_mut().flat_map(|given| &mut given.entries) {
        entry.id = EventId::new(store.ids());
    }
    let together = given.iter().flat_map(|given| given.entries.iter().cloned()).collect();
    match append(&store, together).await {
        Ok(recorded) => {
            let recorded: HashSet<EventId> = recorded.into_iter().collect();
            for Given { entries, answer } in given {
                let ids = entries.iter().map(|entry| entry.id);
                // Whoever asked may have gone; what is recorded stays.
                answer.send(Ok(ids.filter(|id| recorded.contains(id)).collect())).ok();
            }
        }
        Err(error) if given.len() == 1 => {
            if let Some(only) = given.into_iter().next() {
                only.answer.send(Err(error)).ok();
            }
        }
        Err(_) => {
            for Given { entries, answer } in given {
                answer.send(append(&store, entries).await).ok();
            }
        }
    }
}

async fn append(store: &Store, entries: Vec<NewEntry>) -> Result<Vec<EventId>, StoreError> {
    let now = store.now();
    let append =
        store.write_many(move |tx| Box::pin(async move { tx.append_entries(entries, now).await }));
    append.await
}

impl Intake {
    /// Takes messages into the journal of `store`.
    pub fn new(store: Store) -> Self {
        Self { store, waiting: Arc::default() }
    }

    /// Records everything that `messages` hold, in one commit, and wakes whoever acts on it. When
    /// this returns without an error, the senders may be answered.
    pub async fn take(&self, messages: Vec<Message>) -> Result<Taken, StoreError> {
        let now = self.store.now();
        let entries: Vec<NewEntry> =
            messages.into_iter().flat_map(|message| self.entries(message, now)).collect();
        if entries.is_empty() {
            return Ok(Taken::default());
        }
        let events = entries.len() as u64;
        let dead = entries.iter().filter(|entry| entry.dead.is_some()).count() as u64;
        let (answer, mut told) = oneshot::channel();
        self.waiting.all().push(Given { entries, answer });
        let answer = tokio::select! {
            // Whoever was recorded by another's turn takes none: it would record nothing, and let the
            // others believe that nobody comes any more.
            biased;
            answer = &mut told => answer,
            turn = self.waiting.turn.clone().lock_owned() => {
                self.record_waiting(turn).await;
                told.await
            }
        };
        let recorded = answer.map_err(|_| StoreError::Closed)??;
        self.store.wake_journal().await;
        Ok(Taken { repeated: events - recorded.len() as u64, recorded, dead })
    }

    /// Records what waits, in the background: it goes on when whoever called has gone.
    async fn record_waiting(&self, turn: OwnedMutexGuard<()>) {
        // Those whom the last commit answered are about to come again.
        if self.waiting.all().len() < self.waiting.before.load(Ordering::Relaxed) {
            tokio::time::sleep(GATHER).await;
        }
        let given = std::mem::take(&mut *self.waiting.all());
        self.waiting.before.store(given.len(), Ordering::Relaxed);
        tokio::spawn(record(self.store.clone(), given, turn));
    }

    fn entries(&self, message: Message, now: Timestamp) -> Vec<NewEntry> {
        let sent_at = message.sent_at.unwrap_or(now);
        match envelope::open(&message.body) {
            Ok(events) => events
                .into_iter()
                .enumerate()
                .map(|(place, event)| self.entry(&message, place, event, sent_at))
                .collect(),
            Err(unreadable) => {
                let body = kept(message.body);
                let digest = Digest::of(body.as_bytes());
                let dedupe_key = message.id.map_or_else(|| digest.to_string(), kept);
                vec![NewEntry {
                    id: EventId::new(self.store.ids()),
                    source: message.source,
                    kind: Kind::Other.name().to_owned(),
                    dedupe_key,
                    occurred_at: sent_at,
                    payload: Payload::of(&body),
                    dead: Some(unreadable.to_string()),
                }]
            }
        }
    }

    fn entry(&self, message: &Message, place: usize, event: Inner, sent_at: Timestamp) -> NewEntry {
        let id = EventId::new(self.store.ids());
        let dedupe_key = match (event.id, &message.id) {
            // Senders that use one identity for different things are known; what was sent tells
            // those apart, and what was sent twice is the same to the byte.
            (Some(event_id), _) => named(&event_id, &Digest::of(event.body.as_bytes())),
            (None, Some(message_id)) => format!("{message_id}:{place}"),
            (None, None) => id.to_string(),
        };
        NewEntry {
            id,
            source: message.source.clone(),
            kind: event.kind.name().to_owned(),
            dedupe_key: kept(dedupe_key),
            occurred_at: event.at.unwrap_or(sent_at),
            payload: Payload::of(&event.body),
            dead: None,
        }
    }
}

/// `id`, and enough of the digest of what was said to tell two things of one identity apart.
fn named(id: &str, digest: &Digest) -> String {
    let mut key = String::with_capacity(id.len() + 17);
    key.push_str(id);
    key.push(':');
    for byte in &digest.as_bytes()[..8] {
        let _ = write!(key, "{byte:02x}");
    }
    key
}

/// `text` as every engine can keep it: PostgreSQL refuses the character zero.
fn kept(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
