//! The job that makes what is known of tasks and deployments anew from the journal.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Makes every fact about tasks and deployments anew: after environments or ignored containers were
/// configured otherwise, or a later version understands more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RebuildTracks {}

/// What was made anew.
#[derive(Debug, Serialize)]
struct Rebuilt {
    /// Entries of the journal that it was made from.
    events: u64,
}

impl RebuildTracks {
    /// There is one at a time.
    pub(crate) const KEY: &'static str = "rebuild-tracks";
}

impl Work for RebuildTracks {
    const KIND: &'static str = "rebuild-tracks";
    const PRIORITY: i64 = -10;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let events = app.tracker.rebuild().await.map_err(|error| Failure::new(&error, true))?;
            // A worker that lost its lease meanwhile has done no harm: the outcome is the same.
            progress.keep(&Rebuilt { events }).await.map_err(|error| Failure::new(&error, true))?;
            Ok(())
        }
        .boxed()
    }
}
