//! What waits in the journal, read and understood while what came before it is being written.

use std::time::{Duration, Instant};

use portolan_model::EventId;
use portolan_store::{RawEvent, StoreError};
use tokio::task::JoinHandle;

use crate::Tracker;
use crate::tracker::Understood;

/// Entries that are acted on at a time: about 15 MiB of them.
const BATCH: u32 = 8_000;
/// From how many entries at once on there is a stream of them.
const STREAM: usize = 64;
/// For how long a stream is let gather at least. A commit costs the same for ten entries as for a
/// thousand.
const GATHER: Duration = Duration::from_millis(40);
/// And at most.
const PATIENCE: Duration = Duration::from_millis(200);
/// Of so many reads one begins at the oldest entry that waits. The others begin after the last entry
/// that was read, and so miss what another process recorded late.
const FRESH: u32 = 8;

/// Hands out what waits, a batch at a time.
#[derive(Debug)]
pub struct Backlog {
    tracker: Tracker,
    ahead: Option<JoinHandle<Result<Waiting, StoreError>>>,
    reads: u32,
    handed_at: Instant,
}

/// Entries that wait to be acted on.
#[derive(Debug)]
pub struct Waiting {
    /// The entries, oldest first.
    pub entries: Vec<RawEvent>,
    /// What those of them say that [`Tracker::tracks`] is true of.
    pub understood: Understood,
}

impl Waiting {
    async fn read(tracker: Tracker, after: Option<EventId>) -> Result<Self, StoreError> {
        let entries = tracker.store().pending_events(after, BATCH).await?;
        let few = entries.len() < STREAM;
        let understand = move || {
            let of_tracks = entries.iter().filter(|entry| Tracker::tracks(&entry.kind));
            let understood = tracker.understood(of_tracks);
            Self { entries, understood }
        };
        if few {
            return Ok(understand());
        }
        // Thousands take long enough to keep others from this thread.
        tokio::task::spawn_blocking(understand).await.map_err(|_| StoreError::Closed)
    }
}

impl Backlog {
    /// What waits to be acted on by `tracker`.
    pub fn new(tracker: Tracker) -> Self {
        Self { tracker, ahead: None, reads: 0, handed_at: Instant::now() }
    }

    /// The oldest entries that wait, at most some thousand; none where nothing waits. To be asked again
    /// when these have been acted on.
    pub async fn next(&mut self) -> Result<Waiting, StoreError> {
        let took = self.handed_at.elapsed();
        let ahead = match self.ahead.take() {
            // A reader that was cut off has read nothing.
            Some(ahead) => ahead.await.ok().transpose()?,
            None => None,
        };
        let waiting = match ahead.filter(|waiting| waiting.entries.len() >= STREAM) {
            Some(waiting) => waiting,
            None => Waiting::read(self.tracker.clone(), None).await?,
        };
        self.handed_at = Instant::now();
        self.reads = self.reads.wrapping_add(1);
        let last = waiting.entries.last().map(|entry| entry.id);
        if waiting.entries.len() >= STREAM && !self.reads.is_multiple_of(FRESH) {
            let tracker = self.tracker.clone();
            // Read as late as it can be without being waited for.
            let rest = if waiting.entries.len() < BATCH as usize {
                (took * 3 / 5).clamp(GATHER, PATIENCE)
            } else {
                Duration::ZERO
            };
            self.ahead = Some(tokio::spawn(async move {
                tokio::time::sleep(rest).await;
                Waiting::read(tracker, last).await
            }));
        }
        Ok(waiting)
    }
}

impl Drop for Backlog {
    fn drop(&mut self) {
        if let Some(ahead) = &self.ahead {
            ahead.abort();
        }
    }
}
