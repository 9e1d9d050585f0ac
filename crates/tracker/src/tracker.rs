//! Acting on the journal: entries become facts, and facts become rows.

use std::sync::Arc;
use std::time::Duration;

use portolan_model::{EventId, Timestamp};
use portolan_store::{JournalEntry, Store, StoreError, Tx};
use tokio::sync::mpsc;

use crate::envelope::Kind;
use crate::facts::{Facts, Sorted};
use crate::project::{Rules, project};
use crate::read::read;

/// Entries that are read at a time when everything is made anew.
const REBUILD_BATCH: u32 = 2_000;
/// Tasks whose facts are gathered before they are written: about 20 MiB of them.
const REBUILD_TASKS: usize = 20_000;

/// From how many entries at once on there is a stream of them.
const STREAM: usize = 64;
/// For how long a stream is let gather. A commit costs the same for ten entries as for a thousand.
const GATHER: Duration = Duration::from_millis(40);

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

    /// How long to let entries gather before the next are acted on, when `applied` were acted on at
    /// once: no time at all, but in a stream.
    pub fn rest_after(applied: usize) -> Duration {
        if applied < STREAM { Duration::ZERO } else { GATHER }
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
        let change = self.store.write_many(move |tx| {
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
        // Read and understood ahead of what is written.
        let (sender, mut parts) = mpsc::channel(1);
        let reader = tokio::spawn(self.clone().reread(sender));
        let now = self.store.now();
        let change = self.store.write_many(move |tx| {
            Box::pin(async move {
                tx.forget_tracks().await?;
                let mut done = 0;
                while let Some(part) = parts.recv().await {
                    let part: Part = part?;
                    done += part.entries;
                    merge(tx, part.facts, now).await?;
                    for (id, reason) in part.dead {
                        tx.event_dead(id, &reason).await?;
                    }
                }
                Ok(done)
            })
        });
        let done = change.await;
        reader.abort();
        self.store.wake_changes().await;
        done
    }

    /// Sends what all entries that were acted on say, many together.
    async fn reread(self, parts: mpsc::Sender<Result<Part, StoreError>>) {
        let mut after = None;
        loop {
            let part = self.reread_part(&mut after).await;
            let end = part.as_ref().is_ok_and(|part| part.entries == 0) || part.is_err();
            if parts.send(part).await.is_err() || end {
                return;
            }
        }
    }

    async fn reread_part(&self, after: &mut Option<EventId>) -> Result<Part, StoreError> {
        let (mut facts, mut dead, mut done) = (Facts::default(), Vec::new(), 0);
        while facts.tasks_known() < REBUILD_TASKS {
            let entries = self.store.applied_events_after(*after, REBUILD_BATCH).await?;
            let Some(last) = entries.last() else { break };
            *after = Some(last.id);
            for entry in entries.iter().filter(|entry| Self::tracks(&entry.kind)) {
                done += 1;
                // What was understood once is set aside now only when the rules have changed.
                if let Err(reason) = self.understand(entry, &mut facts) {
                    dead.push((entry.id, reason));
                }
            }
        }
        Ok(Part { facts: facts.sorted(), dead, entries: done })
    }
}

/// What some of the journal says.
struct Part {
    facts: Sorted,
    dead: Vec<(EventId, String)>,
    entries: u64,
}

async fn merge(tx: &mut Tx, facts: Sorted, now: Timestamp) -> Result<(), StoreError> {
    tx.merge_requests(facts.requests).await?;
    // Deployments first: tasks whose images are found name theirs.
    tx.merge_deployments(facts.deployments, now).await?;
    tx.merge_tasks(facts.tasks, now).await
}
