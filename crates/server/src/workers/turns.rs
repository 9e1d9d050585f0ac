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

#[cfg(test)]
mod tests {
    use portolan_model::{Clock, Ids};
    use portolan_store::{JobFilter, Page, StoreOptions};

    use super::super::jobs::Backfill;
    use super::*;

    #[derive(Debug, Default)]
    struct SetClock(std::sync::atomic::AtomicI64);

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
        }
    }

    #[derive(Debug, Default)]
    struct Sequence(std::sync::atomic::AtomicU64);

    impl Ids for Sequence {
        fn next(&self) -> uuid::Uuid {
            let number = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            uuid::Uuid::from_u128(u128::from(number + 1))
        }
    }

    #[tokio::test]
    async fn a_turn_is_taken_once_and_not_while_the_last_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let clock = std::sync::Arc::new(SetClock::default());
        let ids = std::sync::Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let hour = Duration::from_hours(1);
        let turn = async || {
            let work = Backfill { drop: true };
            let next = queue_when_due(&store, &work, Backfill::KEY, hour).await.unwrap();
            let jobs = store.jobs(&JobFilter::default(), Page::first(10)).await.unwrap();
            (next.millis(), jobs.total)
        };
        let now = |millis| clock.0.store(millis, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(turn().await, (3_600_000, 1));
        assert_eq!(turn().await, (3_600_000, 1));
        now(3_600_000);
        assert_eq!(turn().await, (7_200_000, 1), "the first still waits for a worker");
        let job = store.write(|tx| {
            let (now, until) = (Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX));
            Box::pin(async move {
                let kinds = [Backfill::KIND];
                let now = now.plus_millis(3_600_000);
                let job = tx.claim_job("w", &kinds, now, until).await?.unwrap();
                tx.finish_job(job.lease(), now).await
            })
        });
        assert!(job.await.unwrap());
        assert_eq!(turn().await, (7_200_000, 2));
        now(7_100_000);
        assert_eq!(turn().await.1, 2);
    }
}
