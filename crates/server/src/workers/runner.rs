//! Claims jobs and runs them under a lease.
//!
//! Whoever holds a lease says so every third of it. Where that fails for a whole lease, or another
//! worker has claimed the job meanwhile, the work is stopped: it is somebody else's.

use std::time::{Duration, Instant};

use metrics::Label;
use portolan_model::{Digest, Timestamp};
use portolan_store::{Job, Lease, StoreError};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::jobs;
use super::queue::{self, Failure, Progress};
use crate::App;
use crate::api::panic_text;

/// How long a wake-up may be lost before the queue is looked at all the same.
const POLL: Duration = Duration::from_secs(10);
/// The wait after the store failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The wait before the second attempt; it doubles with each one, up to [`LONGEST`].
const FIRST: u64 = 1_000;
const LONGEST: u64 = 5 * 60_000;

/// One worker: who it is, and what it does.
#[derive(Debug, Clone)]
pub(super) struct Runner {
    pub(super) app: App,
    /// Its name in the leases that it takes.
    pub(super) owner: String,
    /// The kinds of jobs that it takes.
    pub(super) kinds: &'static [&'static str],
    pub(super) stop: CancellationToken,
}

impl Runner {
    /// Runs jobs as they come, until told to stop.
    pub(super) async fn run(self) {
        let mut wakes = self.app.store.job_wakes();
        while !self.stop.is_cancelled() {
            // Seen first and looked second, so that what arrives in between wakes us again.
            wakes.borrow_and_update();
            let pause = match self.run_next().await {
                Ok(true) => continue,
                Ok(false) => self.pause().await,
                Err(error) => {
                    tracing::warn!(%error, "the queue waits for the store");
                    PAUSE
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = wakes.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// How long until the next job is due.
    async fn pause(&self) -> Duration {
        let Ok(Some(next)) = self.app.store.next_job_at().await else { return POLL };
        let millis = next.millis_since(self.app.store.now());
        // What is due already is held by others, or of kinds that this worker does not take.
        let millis = if millis <= 0 { 1000 } else { millis };
        Duration::from_millis(u64::try_from(millis).unwrap_or_default()).min(POLL)
    }

    /// Runs the next job that is due; false where there is none.
    pub(super) async fn run_next(&self) -> Result<bool, StoreError> {
        let store = &self.app.store;
        let now = store.now();
        let (owner, kinds, until) =
            (self.owner.clone(), self.kinds, queue::lease_end(now, self.app.settings.lease));
        let claim = store.write(move |tx| {
            Box::pin(async move { tx.claim_job(&owner, kinds, now, until).await })
        });
        let Some(job) = claim.await? else { return Ok(false) };
        store.wake_changes().await;
        let begun = Instant::now();
        let outcome = self.work(&job).await;
        let labels =
            vec![Label::new("kind", job.kind.clone()), Label::new("outcome", outcome.name())];
        self.app.metrics.took("portolan_job_seconds", labels, begun.elapsed());
        self.settle(&job, outcome).await?;
        store.wake_changes().await;
        Ok(true)
    }

    /// Runs `job` and keeps its lease meanwhile.
    async fn work(&self, job: &Job) -> Outcome {
        if job.attempts > self.app.settings.attempts {
            // Each worker that began it died before it could say why.
            let message = format!("given up: begun {} times and never ended", job.attempts - 1);
            return Outcome::Failed(Failure::told(message, false));
        }
        let progress = Progress::new(&self.app, job);
        let begun = jobs::begin(job, self.app.clone(), progress.clone());
        let mut task = AbortOnDropHandle::new(tokio::spawn(begun));
        tokio::select! {
            done = &mut task => Outcome::of(done),
            () = self.hold(job, &progress) => Outcome::Lost,
            () = self.stop.cancelled() => Outcome::Stopped,
        }
    }

    /// Keeps the lease of `job`; ends when it is lost.
    async fn hold(&self, job: &Job, progress: &Progress) {
        let lease = self.app.settings.lease;
        let mut kept = Instant::now();
        while kept.elapsed() < lease {
            tokio::time::sleep(lease / 3).await;
            match progress.renew(None).await {
                Ok(true) => kept = Instant::now(),
                Ok(false) => return,
                Err(error) => tracing::warn!(job = %job.id, %error, "could not keep a lease"),
            }
        }
    }

    /// Writes down how a job ended.
    async fn settle(&self, job: &Job, outcome: Outcome) -> Result<(), StoreError> {
        let (store, lease, now) = (&self.app.store, job.lease(), self.app.store.now());
        let again =
            |failure: &Failure| failure.transient && job.attempts < self.app.settings.attempts;
        let held = match outcome {
            Outcome::Done => {
                let change =
                    store.write(move |tx| Box::pin(async move { tx.finish_job(lease, now).await }));
                change.await?
            }
            Outcome::Failed(failure) if again(&failure) => {
                let soonest = now.plus_millis(backoff(job));
                let at = failure.again_at.map_or(soonest, |at| at.max(soonest));
                tracing::warn!(job = %job.id, kind = job.kind, error = failure.message, "will be tried again");
                self.retry(lease, failure.message, at).await?
            }
            Outcome::Failed(failure) => {
                tracing::error!(job = %job.id, kind = job.kind, error = failure.message, "a job failed");
                let why = failure.message.clone();
                let change = store
                    .write(move |tx| Box::pin(async move { tx.fail_job(lease, &why, now).await }));
                let held = change.await?;
                if held {
                    jobs::given_up(&self.app, job, &failure.message).await?;
                }
                held
            }
            Outcome::Stopped => self.retry(lease, "the server stopped".to_owned(), now).await?,
            Outcome::Lost => false,
        };
        if !held {
            tracing::warn!(job = %job.id, kind = job.kind, "lost its lease; another worker has it");
        }
        Ok(())
    }

    async fn retry(&self, lease: Lease, error: String, at: Timestamp) -> Result<bool, StoreError> {
        let now = self.app.store.now();
        let change = self
            .app
            .store
            .write(move |tx| Box::pin(async move { tx.retry_job(lease, &error, at, now).await }));
        change.await
    }
}

/// How work on a job ended.
#[derive(Debug)]
enum Outcome {
    Done,
    Failed(Failure),
    /// The server stops; the job is to go on elsewhere.
    Stopped,
    /// Another worker has it.
    Lost,
}

impl Outcome {
    fn of(done: Result<Result<(), Failure>, JoinError>) -> Self {
        match done {
            Ok(Ok(())) => Self::Done,
            Ok(Err(failure)) => Self::Failed(failure),
            Err(error) => {
                let message = match error.try_into_panic() {
                    Ok(panic) => format!("panicked, which is a bug: {}", panic_text(&*panic)),
                    Err(error) => error.to_string(),
                };
                Self::Failed(Failure::told(message, true))
            }
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Stopped => "stopped",
            Self::Lost => "lost",
        }
    }
}

/// Milliseconds until the next attempt: doubled with each, and spread over half to all of that by
/// the job's identity, so that what failed together does not come back together.
fn backoff(job: &Job) -> i64 {
    let doublings = u32::try_from(job.attempts.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let hash = Digest::of(format!("{} {}", job.id, job.attempts).as_bytes());
    let spread = u64::from(hash.as_bytes()[0]) * whole / 2 / 255;
    i64::try_from(whole / 2 + spread).unwrap_or(i64::MAX)
}
