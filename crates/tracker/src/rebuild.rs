//! Making all facts anew from the journal.

use portolan_model::EventId;
use portolan_store::{RawEvent, Store, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Tracker;
use crate::facts::{Facts, Sorted};
use crate::known::Known;
use crate::tracker::merge;

/// Entries that are read at a time.
const PAGE: u32 = 5_000;
/// Tasks whose facts are gathered before they are written: about 20 MiB of them.
const TASKS: usize = 20_000;

/// What some of the journal says.
struct Part {
    facts: Sorted,
    dead: Vec<(EventId, String)>,
    entries: u64,
}

/// Entries that were acted on, a page at a time, each read while the one before is understood.
struct Pages {
    store: Store,
    next: JoinHandle<Result<Vec<RawEvent>, StoreError>>,
}

impl Pages {
    fn new(store: Store) -> Self {
        let next = Self::read(&store, None);
        Self { store, next }
    }

    fn read(
        store: &Store,
        after: Option<EventId>,
    ) -> JoinHandle<Result<Vec<RawEvent>, StoreError>> {
        let store = store.clone();
        tokio::spawn(async move { store.applied_events_after(after, PAGE).await })
    }

    /// The next page; an empty one at the end.
    async fn next(&mut self) -> Result<Vec<RawEvent>, StoreError> {
        let page = (&mut self.next).await.map_err(|_| StoreError::Closed)??;
        let last = page.last().map(|entry| entry.id);
        if last.is_some() {
            self.next = Self::read(&self.store, last);
        }
        Ok(page)
    }
}

impl Tracker {
    /// Forgets all facts and makes them anew from the journal, in one commit; how many entries that
    /// took. What is shown does not change, unless the rules did.
    pub async fn rebuild(&self) -> Result<u64, StoreError> {
        // Read and understood ahead of what is written.
        let (sender, mut parts) = mpsc::channel(1);
        let reader = tokio::spawn(self.clone().reread(sender));
        let now = self.store().now();
        let change = self.store().write_many(move |tx| {
            Box::pin(async move {
                tx.forget_tracks().await?;
                let (mut known, mut done) = (Known::default(), 0);
                while let Some(part) = parts.recv().await {
                    let part: Part = part?;
                    done += part.entries;
                    let learned = merge(tx, known.news(part.facts), now).await?;
                    known.learn(learned);
                    for (id, reason) in part.dead {
                        tx.event_dead(id, &reason).await?;
                    }
                }
                Ok(done)
            })
        });
        let done = change.await;
        reader.abort();
        // The rows are others than those of which this was known.
        *self.known() = Known::default();
        self.store().wake_changes().await;
        done
    }

    /// Sends what all entries that were acted on say, many together.
    async fn reread(self, parts: mpsc::Sender<Result<Part, StoreError>>) {
        let mut pages = Pages::new(self.store().clone());
        loop {
            let part = self.reread_part(&mut pages).await;
            let end = part.as_ref().map_or(true, |(_, end)| *end);
            if parts.send(part.map(|(part, _)| part)).await.is_err() || end {
                return;
            }
        }
    }

    /// What the next entries say, and whether they are the last.
    async fn reread_part(&self, pages: &mut Pages) -> Result<(Part, bool), StoreError> {
        let mut part = Gathered::default();
        let mut end = false;
        while !end && part.facts.tasks_known() < TASKS {
            let entries = pages.next().await?;
            end = entries.is_empty();
            let tracker = self.clone();
            // On a thread of its own, or the next page would not be asked for meanwhile.
            let gathered = tokio::task::spawn_blocking(move || part.add(&tracker, &entries));
            part = gathered.await.map_err(|_| StoreError::Closed)?;
        }
        Ok((part.sorted(), end))
    }
}

/// What entries say, before it is sorted.
#[derive(Default)]
struct Gathered {
    facts: Facts,
    dead: Vec<(EventId, String)>,
    entries: u64,
}

impl Gathered {
    fn add(mut self, tracker: &Tracker, entries: &[RawEvent]) -> Self {
        for entry in entries.iter().filter(|entry| Tracker::tracks(&entry.kind)) {
            self.entries += 1;
            // What was understood once is set aside now only when the rules have changed.
            if let Err(reason) = tracker.understand(entry, &mut self.facts) {
                self.dead.push((entry.id, reason));
            }
        }
        self
    }

    fn sorted(self) -> Part {
        Part { facts: self.facts.sorted(), dead: self.dead, entries: self.entries }
    }
}
