//! Sending a notification.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{NotificationId, Timestamp};
use portolan_store::{Job, NewJob, StoreError};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::notify::deliver;
use crate::workers::queue::{self, Failure, Progress, Work};

/// Sends the notification of this identity, once. When it is sent again, that is a job of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notify {
    notification: NotificationId,
}

impl Notify {
    /// The job that sends the notification `id`, not before `run_at`.
    pub(crate) fn job(id: NotificationId, run_at: Timestamp) -> NewJob {
        let key = format!("notify:{id}");
        queue::new(&Self { notification: id }, Some(key), run_at)
    }
}

impl Work for Notify {
    const KIND: &'static str = "notify";
    const PRIORITY: i64 = 0;

    fn run(self, app: App, _: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let sent = deliver::deliver(&app, self.notification).await;
            sent.map_err(|error| Failure::new(&error, true))
        }
        .boxed()
    }
}

/// Gives up what `job` was to send: whoever began it died, again and again.
pub(super) async fn given_up(app: &App, job: &Job, why: &str) -> Result<(), StoreError> {
    match serde_json::from_value::<Notify>(job.payload.clone()) {
        Ok(work) => deliver::give_up(app, work.notification, why).await,
        Err(_) => Ok(()),
    }
}
