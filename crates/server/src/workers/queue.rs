//! Jobs as structs: the struct is the payload, and knows its kind.

use std::sync::Arc;

use futures::future::BoxFuture;
use portolan_model::Timestamp;
use portolan_store::{Job, NewJob};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;

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
}

/// Where a job tells how far it is. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<watch::Sender<Option<Value>>>);

impl Progress {
    pub(crate) fn new() -> (Self, watch::Receiver<Option<Value>>) {
        let (sender, receiver) = watch::channel(None);
        (Self(Arc::new(sender)), receiver)
    }

    /// Tells how far the job is; an older word that nobody has read yet is replaced.
    pub(crate) fn tell(&self, progress: &impl Serialize) {
        // A progress is a struct of numbers and texts, which always has a JSON form.
        if let Ok(value) = serde_json::to_value(progress) {
            self.0.send_replace(Some(value));
        }
    }
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
            Box::pin(std::future::ready(Err(Failure { message, transient: false })))
        }
    }
}
