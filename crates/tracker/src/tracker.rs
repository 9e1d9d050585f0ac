//! Acting on the journal: entries become facts, and facts become rows.

use std::sync::Arc;

use portolan_model::{EventId, Timestamp};
use portolan_store::{JournalEntry, Store, StoreError, Tx};

use crate::envelope::Kind;
use crate::facts::{Facts, Sorted};
use crate::project::{Rules, project};
use crate::read::read;

/// Entries that are read at a time when everything is made anew.
const REBUILD_BATCH: u32 = 2_000;

/// Keeps track of what runs where.
#[derive(Debug, Clone)]
pub struct Tracker {
    store: Store,
    rules: Arc<Rules>,
}

impl Tracker {
    /// Keeps track in `store`, by `rules`.
    pub fn new(store: Store, rules: Rules) -> Self {
        Self { store, rules: Arc::new(rules) }
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

    /// Whether an entry of this kind is acted on by [`Tracker::apply`].
    pub fn tracks(kind: &str) -> bool {
        kind.parse::<Kind>().is_ok() && !Self::is_about_images(kind)
    }

    /// Reads `entry` and adds what it says to `facts`.
    pub fn understand(&self, entry: &JournalEntry, facts: &mut Facts) -> Result<(), String> {
        let kind: Kind = entry.kind.parse().map_err(|error| format!("{error}"))?;
        let observation =
            read(kind, &entry.payload, entry.occurred_at).map_err(|error| error.to_string())?;
        project(observation, &self.rules, facts).map_err(|unplaced| unplaced.to_string())
    }

    /// Acts on these entries, in one commit. Those that cannot be understood become dead.
    pub async fn apply(&self, entries: &[JournalEntry]) -> Result<(), StoreError> {
        let (mut facts, mut ids) = (Facts::default(), Vec::with_capacity(entries.len()));
        let mut dead: Vec<(EventId, String)> = Vec::new();
        for entry in entries {
            match self.understand(entry, &mut facts) {
                Ok(()) => ids.push(entry.id),
                Err(reason) => dead.push((entry.id, reason)),
            }
        }
        for (id, reason) in &dead {
            tracing::warn!(event = %id, reason, "an event is set aside");
        }
        let (facts, now) = (facts.sorted(), self.store.now());
        let change = self.store.write(move |tx| {
            Box::pin(async move {
                merge(tx, facts, now).await?;
                tx.events_applied(&ids).await?;
                for (id, reason) in &dead {
                    tx.event_dead(*id, reason).await?;
                }
                Ok(())
            })
        });
        change.await
    }

    /// Forgets all facts and makes them anew from the journal, in one commit; how many entries that
    /// took. What is shown does not change, unless the rules did.
    pub async fn rebuild(&self) -> Result<u64, StoreError> {
        let tracker = self.clone();
        let change = self.store.write(move |tx| Box::pin(async move { tracker.remake(tx).await }));
        let entries = change.await?;
        self.store.wake_changes().await;
        Ok(entries)
    }

    async fn remake(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        tx.forget_tracks().await?;
        let (mut after, mut done, now) = (None, 0, self.store.now());
        loop {
            let entries = tx.applied_events_after(after, REBUILD_BATCH).await?;
            let Some(last) = entries.last() else { return Ok(done) };
            after = Some(last.id);
            let mut facts = Facts::default();
            for entry in entries.iter().filter(|entry| Self::tracks(&entry.kind)) {
                done += 1;
                // What was understood once is set aside now only when the rules have changed.
                if let Err(reason) = self.understand(entry, &mut facts) {
                    tx.event_dead(entry.id, &reason).await?;
                }
            }
            merge(tx, facts.sorted(), now).await?;
        }
    }
}

async fn merge(tx: &mut Tx, facts: Sorted, now: Timestamp) -> Result<(), StoreError> {
    tx.merge_requests(facts.requests).await?;
    // Deployments first: tasks whose images are found name theirs.
    tx.merge_deployments(facts.deployments, now).await?;
    tx.merge_tasks(facts.tasks, now).await
}
