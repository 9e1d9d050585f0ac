//! Housekeeping: what is left over is removed, a little now and then.

use std::time::Duration;

use portolan_model::Timestamp;
use portolan_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::App;

/// A reading of a layer that is older than this, and not done, has died.
const READING: Duration = Duration::from_hours(24);

/// Cleans up every now and then, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    loop {
        // After the first wait: a start is not the time for it.
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(app.settings.housekeeping) => {}
        }
        app.metrics.tidy();
        if let Err(error) = clean(&app.store, app.settings.jobs_kept).await {
            tracing::warn!(%error, "housekeeping will be tried again later");
        }
    }
}

/// Removes what nobody needs any more. Replicas may do so at the same time.
pub(super) async fn clean(store: &Store, jobs_kept: Duration) -> Result<(), StoreError> {
    let (dead, forgotten) = (before(store, READING), before(store, jobs_kept));
    // One change each, so that other changes get a turn in between.
    let scans =
        store.write(move |tx| Box::pin(async move { tx.remove_dead_scans(dead).await })).await?;
    let jobs =
        store.write(move |tx| Box::pin(async move { tx.forget_jobs(forgotten).await })).await?;
    let contents =
        store.write(move |tx| Box::pin(async move { tx.remove_orphan_contents().await })).await?;
    tracing::debug!(scans, jobs, contents, "cleaned up");
    Ok(())
}

fn before(store: &Store, age: Duration) -> Timestamp {
    let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    store.now().plus_millis(millis.saturating_neg())
}
