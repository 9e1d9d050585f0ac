//! Acting on the journal: entries become facts, and facts become rows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portolan_model::{EventId, Timestamp};
use portolan_store::{RawEvent, Store, StoreError, Tx};

use crate::envelope::Kind;
use crate::facts::Facts;
use crate::known::{Known, Learned, News};
use crate::project::{Rules, project};
use crate::read::read;

/// Keeps track of what runs where.
#[derive(Debug, Clone)]
pub struct Tracker {
    store: Store,
    rules: Arc<Rules>,
    known: Arc<Mutex<Known>>,
}

impl Tracker {
    /// Keeps track in `store`, by `rules`.
    pub fn new(store: Store, rules: Rules) -> Self {
        Self { store, rules: Arc::new(rules), known: Arc::default() }
    }

    /// By which rules it keeps track.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Where it keeps it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether an entry of this kind says something about images, and nothing else.
    pub fn is_about_images(kind: &str) -> bool {
        matches!(kind.parse(), Ok(Kind::EcrImage | Kind::RegistryNotification | Kind::Harbor))
    }

    /// Whether an entry of this kind says something about objects of a bucket, and nothing else.
    pub fn is_about_objects(kind: &str) -> bool {
        matches!(kind.parse(), Ok(Kind::S3))
    }

    /// Whether an entry of this kind is acted on by [`Tracker::apply`].
    pub fn tracks(kind: &str) -> bool {
        kind.parse::<Kind>().is_ok()
            && !Self::is_about_images(kind)
            && !Self::is_about_objects(kind)
    }

    /// Reads `entry` and adds what it says to `facts`.
    pub fn understand(&self, entry: &RawEvent, facts: &mut Facts) -> Result<(), String> {
        let kind: Kind = entry.kind.parse().map_err(|error| format!("{error}"))?;
        let observation =
            read(kind, &entry.payload, entry.occurred_at).map_err(|error| error.to_string())?;
        project(observation, &self.rules, facts).map_err(|unplaced| unplaced.to_string())
    }

    /// Acts on these entries, in one commit. Those that cannot be understood become dead.
    pub async fn apply(&self, entries: &[RawEvent]) -> Result<(), StoreError> {
        self.commit(self.understood(entries)).await
    }

    /// What `entries` say together.
    pub(crate) fn understood<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e RawEvent>,
    ) -> Understood {
        let mut understood = Understood::default();
        for entry in entries {
            match self.understand(entry, &mut understood.facts) {
                Ok(()) => understood.ids.push(entry.id),
                Err(reason) => understood.dead.push((entry.id, reason)),
            }
        }
        understood
    }

    /// Writes what entries say, and that they were acted on, in one commit.
    pub async fn commit(&self, understood: Understood) -> Result<(), StoreError> {
        let Understood { facts, ids, dead } = understood;
        for (id, reason) in &dead {
            tracing::warn!(event = %id, reason, "an event is set aside");
        }
        let (news, now) = (self.known().news(facts.sorted()), self.store.now());
        let change = self.store.write_many(move |tx| {
            Box::pin(async move {
                let learned = merge(tx, news, now).await?;
                tx.events_applied(&ids).await?;
                for (id, reason) in &dead {
                    tx.event_dead(*id, reason).await?;
                }
                Ok(learned)
            })
        });
        let learned = change.await?;
        // Only now is it so: what is not committed may be undone.
        self.known().learn(learned);
        Ok(())
    }

    /// What is known of deployments already. It is never held across an await.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What entries say together, and which of them say nothing that can be understood.
#[derive(Debug, Default)]
pub struct Understood {
    facts: Facts,
    ids: Vec<EventId>,
    dead: Vec<(EventId, String)>,
}

impl Understood {
    /// Whether it is of no entry at all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.dead.is_empty()
    }
}

/// Merges facts into rows; what is known when that is committed.
pub(crate) async fn merge(
    tx: &mut Tx,
    mut news: News,
    now: Timestamp,
) -> Result<Learned, StoreError> {
    let facts = std::mem::take(&mut news.facts);
    tx.merge_requests(facts.requests).await?;
    // Deployments first: tasks whose images are found name theirs.
    tx.merge_deployments(facts.deployments, now).await?;
    let images = tx.merge_tasks(facts.tasks, now).await?;
    let learned = news.learned(&images);
    tx.describe_deployments(learned.led_anew()).await?;
    Ok(learned)
}
