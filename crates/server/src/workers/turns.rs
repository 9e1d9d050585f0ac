//! Jobs that are queued again and again: of several processes, one takes each turn.

use std::time::Duration;

use portolan_model::{JobId, Timestamp};
use portolan_store::{Store, StoreError};
use tokio_util::sync::CancellationToken;

use super::queue::{self, Work};
use crate::App;

/// How often it is looked whether it is time, at least: another process may have taken the turn.
const LOOK: Duration = Duration::from_secs(30);
/// And at most.
const PAUSE: Duration = Duration::from_millis(500);

/// Queues `work` under `key` every `interval`, until `stop`. Nothing is queued while one is queued
/// or running under that key.
pub(super) async fn run<W: Work + Clone + Sync>(
    app: App,
    work: W,
    key: String,
    interval: Duration,
    stop: CancellationToken,
) {
    loop {
        let pause = match queue_when_due(&app.store, &work, &key, interval).await {
            Ok(next) => {
                let millis = next.millis_since(app.store.now()).max(0).unsigned_abs();
                Duration::from_millis(millis).clamp(PAUSE, LOOK)
            }
            Err(error) => {
                tracing::warn!(%error, key, "a turn waits for the store");
                LOOK
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Queues the job where it is time and no other process did; when it is time next.
async fn queue_when_due<W: Work>(
    store: &Store,
    work: &W,
    key: &str,
    interval: Duration,
) -> Result<Timestamp, StoreError> {
    let now = store.now();
    let millis = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    let next = now.plus_millis(millis);
    if store.open_job(key).await?.is_some() {
        return Ok(next);
    }
    let (job, id) = (queue::new(work, Some(key.to_owned()), now), JobId::new(store.ids()));
    let name = key.to_owned();
    let queued = store.write(move |tx| {
        Box::pin(async move {
            let mine = tx.take_turn(&name, now, next).await?;
            Ok(mine && tx.enqueue(id, &job, now).await?)
        })
    });
    if queued.await? {
        store.wake_jobs().await;
        return Ok(next);
    }
    Ok(store.next_turn(key).await?.unwrap_or(next))
}
