//! Jobs as structs: the struct is the payload, and knows its kind.

use std::time::Duration;

use futures::future::BoxFuture;
use portolan_model::Timestamp;
use portolan_store::{Job, Lease, NewJob, Store, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::App;

/// One kind of job.
pub(crate) trait Work: Serialize + DeserializeOwned + Send + 'static {
    /// The name in the job's column.
    const KIND: &'static str;
    /// Higher goes first.
    const PRIORITY: i64;

    /// Does the job. It may have been begun before, and done in part or in whole.
    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>>;
}

/// Why a job could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What went wrong, for people.
    pub(crate) message: String,
    /// Whether doing it again later may go through.
    pub(crate) transient: bool,
    /// When to do it again at the earliest, where whoever refused said so.
    pub(crate) again_at: Option<Timestamp>,
}

impl Failure {
    /// `error` with what caused it.
    pub(crate) fn new(error: &(dyn std::error::Error + 'static), transient: bool) -> Self {
        let chain = std::iter::successors(Some(error), |error| error.source());
        let texts: Vec<String> = chain.map(ToString::to_string).collect();
        Self::told(texts.join(": "), transient)
    }

    /// What `message` says.
    pub(crate) fn told(message: impl Into<String>, transient: bool) -> Self {
        Self { message: message.into(), transient, again_at: None }
    }
}

/// Where a job tells how far it is, and finds how far it was. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    store: Store,
    lease: Lease,
    lease_time: Duration,
    before: Option<Value>,
}

impl Progress {
    pub(super) fn new(app: &App, job: &Job) -> Self {
        Self {
            store: app.store.clone(),
            lease: job.lease(),
            lease_time: app.settings.lease,
            before: job.progress.clone(),
        }
    }

    /// How far the job was when it was begun before; the start where it was not.
    pub(crate) fn before<T: DeserializeOwned + Default>(&self) -> T {
        let before = self.before.clone().and_then(|value| serde_json::from_value(value).ok());
        before.unwrap_or_default()
    }

    /// Keeps how far the job is, and its lease with it; false where another worker has the job.
    pub(crate) async fn keep(&self, progress: &impl Serialize) -> Result<bool, StoreError> {
        // A progress is a struct of numbers and texts, which always has a JSON form.
        self.renew(serde_json::to_value(progress).ok()).await
    }

    /// Keeps the lease; false where another worker has the job.
    pub(super) async fn renew(&self, progress: Option<Value>) -> Result<bool, StoreError> {
        let (lease, now, told) = (self.lease, self.store.now(), progress.is_some());
        let until = lease_end(now, self.lease_time);
        let kept = self.store.write(move |tx| {
            Box::pin(async move { tx.keep_job(lease, until, progress.as_ref(), now).await })
        });
        let kept = kept.await?;
        if told {
            self.store.wake_changes().await;
        }
        Ok(kept)
    }
}

/// When a lease that is taken or renewed at `now` runs out.
pub(super) fn lease_end(now: Timestamp, lease_time: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(lease_time.as_millis()).unwrap_or(i64::MAX))
}

/// `work` as the queue takes it, not to be run before `run_at`.
pub(crate) fn new<W: Work>(work: &W, dedupe_key: Option<String>, run_at: Timestamp) -> NewJob {
    NewJob {
        kind: W::KIND,
        payload: serde_json::to_value(work).unwrap_or_default(),
        dedupe_key,
        priority: W::PRIORITY,
        run_at,
    }
}

/// Begins `job`, whose kind must be `W`'s.
pub(super) fn begin<W: Work>(
    job: &Job,
    app: App,
    progress: Progress,
) -> BoxFuture<'static, Result<(), Failure>> {
    match serde_json::from_value::<W>(job.payload.clone()) {
        Ok(work) => work.run(app, progress),
        Err(error) => {
            let message = format!("the job cannot be read: {error}");
            Box::pin(std::future::ready(Err(Failure::told(message, false))))
        }
    }
}
