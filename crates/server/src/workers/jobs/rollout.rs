//! The job that brings a rollout to its end, on whichever replica claims it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{JobId, RolloutId};
use portolan_release::RunError;
use portolan_store::{JobState, Page, RolloutFilter, RolloutState, StoreError};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{self, Failure, Progress, Work};

/// Rollouts that are looked through at most for those that nobody works on.
const MOST: u64 = 1000;

/// Brings a rollout to its end, from wherever it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RunRollout {
    /// Which.
    pub(crate) rollout: RolloutId,
}

impl Work for RunRollout {
    const KIND: &'static str = "rollout";
    const PRIORITY: i64 = 20;

    fn run(self, app: App, _progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let owner = format!("a process that runs since {}", app.started_at);
            match app.releases.run(self.rollout, &owner).await {
                // Nobody approved it yet: whoever does queues it again.
                Ok(_) | Err(RunError::Waiting(_)) => Ok(()),
                Err(error) => {
                    let mut failure = Failure::new(&error, error.is_transient());
                    if let RunError::Held { until, .. } = error {
                        failure.again_at = Some(until.plus_millis(1));
                    }
                    Err(failure)
                }
            }
        }
        .boxed()
    }
}

fn key(rollout: RolloutId) -> String {
    format!("rollout:{rollout}")
}

/// Why a rollout that has not ended does not go on: what whoever worked on it last met. None where
/// somebody works on it.
pub(crate) async fn waits(app: &App, rollout: RolloutId) -> Result<Option<String>, StoreError> {
    let last = app.store.last_job(&key(rollout)).await?;
    Ok(last.filter(|job| job.state != JobState::Running).and_then(|job| job.error))
}

/// Queues the work on a rollout, unless it is queued.
pub(crate) async fn enqueue(app: &App, rollout: RolloutId) -> Result<(), StoreError> {
    let now = app.store.now();
    let job = queue::new(&RunRollout { rollout }, Some(key(rollout)), now);
    let id = JobId::new(app.store.ids());
    app.store
        .write(move |tx| Box::pin(async move { tx.enqueue(id, &job, now).await.map(|_| ()) }))
        .await?;
    app.store.wake_jobs().await;
    Ok(())
}

/// Queues the work on every rollout that is open and that nobody works on: whoever took its order
/// died before that was queued, or its job was given up.
pub(crate) async fn enqueue_open(app: &App) -> Result<(), StoreError> {
    for state in [RolloutState::Queued, RolloutState::Running, RolloutState::Undoing] {
        let filter = RolloutFilter { state: Some(state), ..RolloutFilter::default() };
        for rollout in app.releases.rollouts(&filter, Page::first(MOST)).await?.items {
            if app.store.open_job(&key(rollout.id)).await?.is_none() {
                enqueue(app, rollout.id).await?;
            }
        }
    }
    Ok(())
}
