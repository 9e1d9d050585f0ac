//! Leases, attempts and ends of jobs, with a job that does what it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use portolan_model::{Clock, Ids, JobId, Timestamp};
use portolan_store::{Job, JobState, Store, StoreOptions};
use tokio_util::sync::CancellationToken;

use super::jobs::Probe;
use super::runner::Runner;
use super::{housekeeping, queue};
use crate::{App, Settings};

#[derive(Debug, Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

struct Bed {
    app: App,
    clock: Arc<SetClock>,
    _folder: tempfile::TempDir,
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let clock = Arc::new(SetClock::default());
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let mut settings = Settings::new(folder.path().join("blobs"));
        settings.lease = Duration::from_millis(300);
        settings.attempts = 3;
        let app = App::open(store, settings).await.unwrap();
        Self { app, clock, _folder: folder }
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn runner(&self, stop: &CancellationToken) -> Runner {
        super::runner(&self.app, &["probe"], stop.clone())
    }

    async fn queue(&self, probe: Probe) -> JobId {
        let (store, now) = (&self.app.store, self.app.store.now());
        let (id, job) = (JobId::new(store.ids()), queue::new(&probe, None, now));
        let put = store.write(move |tx| Box::pin(async move { tx.enqueue(id, &job, now).await }));
        assert!(put.await.unwrap());
        id
    }

    async fn job(&self, id: JobId) -> Job {
        self.app.store.job(id).await.unwrap().unwrap()
    }

    async fn run(&self) -> bool {
        self.runner(&CancellationToken::new()).run_next().await.unwrap()
    }

    /// Waits until `fits` is true of the job.
    async fn until(&self, id: JobId, fits: impl Fn(&Job) -> bool) -> Job {
        for _ in 0..500 {
            let job = self.job(id).await;
            if fits(&job) {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", self.job(id).await);
    }
}

fn counted(job: &Job) -> u64 {
    job.progress.as_ref().and_then(serde_json::Value::as_u64).unwrap_or_default()
}

#[tokio::test]
async fn jobs_end_well_or_badly() {
    let bed = Bed::new().await;
    let (well, badly) = (bed.queue(Probe::End).await, bed.queue(Probe::Fail).await);
    assert!(bed.run().await && bed.run().await);
    assert!(!bed.run().await, "nothing is left");
    assert_eq!(bed.job(well).await.state, JobState::Done);
    let badly = bed.job(badly).await;
    assert_eq!((badly.state, badly.attempts), (JobState::Failed, 1));
    assert_eq!(badly.error.as_deref(), Some("told to fail"));
}

#[tokio::test]
async fn attempts_come_later_and_later_and_have_an_end() {
    for (probe, error) in [
        (Probe::FailNow, "told to fail"),
        (Probe::Panic, "panicked, which is a bug: told to panic"),
    ] {
        let bed = Bed::new().await;
        let id = bed.queue(probe).await;
        for (attempt, most) in [(1, 1000), (2, 2000)] {
            assert!(bed.run().await);
            let job = bed.job(id).await;
            assert_eq!((job.state, job.attempts), (JobState::Queued, attempt));
            let wait = job.run_at.millis_since(bed.app.store.now());
            assert!((most / 2..=most).contains(&wait), "{wait}");
            assert!(!bed.run().await, "not before its time");
            bed.pass(wait);
        }
        assert!(bed.run().await);
        let job = bed.job(id).await;
        assert_eq!((job.state, job.error.as_deref()), (JobState::Failed, Some(error)));
    }
}

#[tokio::test]
async fn a_lease_is_kept_for_as_long_as_the_work_goes_on() {
    let bed = Bed::new().await;
    let id = bed.queue(Probe::Count).await;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(bed.runner(&stop).run());
    bed.until(id, |job| counted(job) > 2).await;
    bed.pass(1000);
    let job = bed.until(id, |job| job.lease_until > Some(Timestamp::from_millis(1000))).await;
    assert_eq!((job.state, job.fence), (JobState::Running, 1));
    stop.cancel();
    worker.await.unwrap();
    let job = bed.job(id).await;
    assert_eq!(job.state, JobState::Queued, "given back");
    assert_eq!(job.run_at, bed.app.store.now(), "at once");
    let counted_before = counted(&job);
    let stop = CancellationToken::new();
    let worker = tokio::spawn(bed.runner(&stop).run());
    let job = bed.until(id, |job| job.attempts == 2 && counted(job) > counted_before).await;
    assert!(counted(&job) > counted_before, "it goes on where it was");
    stop.cancel();
    worker.await.unwrap();
}

#[tokio::test]
async fn whoever_lost_a_lease_stops() {
    let bed = Bed::new().await;
    let id = bed.queue(Probe::Count).await;
    let stop = CancellationToken::new();
    let worker = bed.runner(&stop);
    let work = tokio::spawn(async move { worker.run_next().await });
    bed.until(id, |job| counted(job) > 2).await;
    // The lease runs out by the clock, and another takes the job before it is kept again.
    let store = &bed.app.store;
    let claim = store.write(move |tx| {
        Box::pin(async move {
            let late = Timestamp::from_millis(1_000_000);
            tx.claim_job("another", &["probe"], late, late.plus_millis(60_000)).await
        })
    });
    let theirs = claim.await.unwrap().unwrap();
    assert_eq!((theirs.id, theirs.fence), (id, 2));
    // Nothing but the loss of its lease ends this job.
    let ended = tokio::time::timeout(Duration::from_secs(5), work).await;
    assert!(ended.unwrap().unwrap().unwrap());
    let job = bed.job(id).await;
    assert_eq!((job.state, job.lease_owner.as_deref()), (JobState::Running, Some("another")));
}

#[tokio::test]
async fn old_jobs_are_forgotten() {
    let bed = Bed::new().await;
    let (old, waits) = (bed.queue(Probe::End).await, bed.queue(Probe::FailNow).await);
    assert!(bed.run().await && bed.run().await);
    let kept = Duration::from_hours(24);
    bed.pass(24 * 3_600_000);
    housekeeping::clean(&bed.app.store, kept).await.unwrap();
    assert_eq!(bed.job(old).await.state, JobState::Done, "not older than a day");
    bed.pass(1);
    housekeeping::clean(&bed.app.store, kept).await.unwrap();
    assert!(bed.app.store.job(old).await.unwrap().is_none());
    assert_eq!(bed.job(waits).await.state, JobState::Queued, "what waits is never forgotten");
}
