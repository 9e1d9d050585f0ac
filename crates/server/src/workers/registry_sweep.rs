//! Looking through the whole registry every now and then, for pushes and deletions that no event told.
//!
//! Source: AWS calls ECR's events [best effort](https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html).

use tokio_util::sync::CancellationToken;

use super::jobs::Backfill;
use super::turns;
use crate::App;

/// Queues a backfill whenever it is time, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let Some(interval) = app.settings.registry_sweep else { return };
    let work = Backfill { drop: true };
    turns::run(app, work, Backfill::KEY.to_owned(), interval, stop).await;
}
