//! The journal worker: acts on what the outside world said.

mod images;

use std::time::Duration;

use portolan_model::{EventId, failpoint};
use portolan_store::{JournalEntry, Store, StoreError};
use portolan_tracker::Tracker;
use tokio_util::sync::CancellationToken;

use crate::App;

/// Entries that are read at a time.
const BATCH: u32 = 4000;
/// How long a wake-up may be lost before the journal is looked at all the same.
const POLL: Duration = Duration::from_secs(10);
/// The wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Acts on entries as they come, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut wakes = app.store.journal_wakes();
    loop {
        // Seen first and looked second, so that what arrives in between wakes us again.
        wakes.borrow_and_update();
        let pause = match apply_pending(&app).await {
            Ok(0) => POLL,
            Ok(many) if many < BATCH as usize => {
                tokio::time::sleep(Tracker::rest_after(many)).await;
                continue;
            }
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "the journal waits for the store");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = wakes.changed() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Acts on the oldest entries that wait; how many there were.
pub(super) async fn apply_pending(app: &App) -> Result<usize, StoreError> {
    let entries = app.store.pending_events(BATCH).await?;
    let many = entries.len();
    let (tracks, others): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| Tracker::tracks(&entry.kind));
    for entry in &others {
        settle(&app.store, entry.id, images::apply(app, entry).await).await?;
    }
    if !tracks.is_empty() {
        track(app, &tracks).await?;
    }
    if many > 0 {
        app.store.wake_changes().await;
    }
    Ok(many)
}

/// Sets an entry aside that the store refuses, however often it is tried.
async fn settle(
    store: &Store,
    id: EventId,
    outcome: Result<(), StoreError>,
) -> Result<(), StoreError> {
    match outcome {
        Err(error) if !error.is_transient() => bury(store, id, error.to_string()).await,
        other => other,
    }
}

/// Acts on what is said of tasks and deployments: all together, or, where the store refuses one of
/// them, each alone.
async fn track(app: &App, entries: &[JournalEntry]) -> Result<(), StoreError> {
    failpoint::hit("journal.before-track");
    match app.tracker.apply(entries).await {
        Err(error) if !error.is_transient() && entries.len() > 1 => {
            for entry in entries {
                let outcome = app.tracker.apply(std::slice::from_ref(entry)).await;
                settle(&app.store, entry.id, outcome).await?;
            }
        }
        outcome => match entries {
            [entry] => settle(&app.store, entry.id, outcome).await?,
            _ => outcome?,
        },
    }
    failpoint::hit("journal.after-track");
    Ok(())
}

async fn bury(store: &Store, id: EventId, reason: String) -> Result<(), StoreError> {
    tracing::warn!(event = %id, reason, "an event is set aside");
    store.write(move |tx| Box::pin(async move { tx.event_dead(id, &reason).await })).await
}
