//! The journal worker: acts on what the outside world said.

mod images;
mod objects;

use std::time::Duration;

use portolan_model::{EventId, failpoint};
use portolan_store::{Store, StoreError};
use portolan_tracker::{Backlog, Tracker, Waiting};
use tokio_util::sync::CancellationToken;

use crate::App;

/// How long a wake-up may be lost before the journal is looked at all the same.
const POLL: Duration = Duration::from_secs(10);
/// The wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Acts on entries as they come, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let mut wakes = app.store.journal_wakes();
    let mut backlog = Backlog::new(app.tracker.clone());
    while !stop.is_cancelled() {
        // Seen first and looked second, so that what arrives in between wakes us again.
        wakes.borrow_and_update();
        let pause = match apply_next(&app, &mut backlog).await {
            Ok(0) => POLL,
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
    apply_next(app, &mut Backlog::new(app.tracker.clone())).await
}

async fn apply_next(app: &App, backlog: &mut Backlog) -> Result<usize, StoreError> {
    let waiting = backlog.next().await?;
    let many = waiting.entries.len();
    for entry in waiting.entries.iter().filter(|entry| !Tracker::tracks(&entry.kind)) {
        let outcome = if Tracker::is_about_objects(&entry.kind) {
            objects::apply(app, entry).await
        } else {
            images::apply(app, entry).await
        };
        settle(&app.store, entry.id, outcome).await?;
    }
    if !waiting.understood.is_empty() {
        track(app, waiting).await?;
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
async fn track(app: &App, waiting: Waiting) -> Result<(), StoreError> {
    failpoint::hit("journal.before-track");
    match app.tracker.commit(waiting.understood).await {
        Err(error) if !error.is_transient() => {
            for entry in waiting.entries.iter().filter(|entry| Tracker::tracks(&entry.kind)) {
                let outcome = app.tracker.apply(std::slice::from_ref(entry)).await;
                settle(&app.store, entry.id, outcome).await?;
            }
        }
        outcome => outcome?,
    }
    failpoint::hit("journal.after-track");
    Ok(())
}

async fn bury(store: &Store, id: EventId, reason: String) -> Result<(), StoreError> {
    tracing::warn!(event = %id, reason, "an event is set aside");
    store.write(move |tx| Box::pin(async move { tx.event_dead(id, &reason).await })).await
}
