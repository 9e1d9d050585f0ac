//! The job that catalogues what a registry already holds.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_catalogue::{BackfillProgress, CatalogueError};
use serde::{Deserialize, Serialize};

use super::failure;
use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Scans everything that the registry holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Backfill {
    /// Whether to forget the tags that the registry has no longer.
    #[serde(default)]
    pub(crate) drop: bool,
}

impl Backfill {
    /// There is one at a time.
    pub(crate) const KEY: &'static str = "backfill";
}

impl Work for Backfill {
    const KIND: &'static str = "backfill";
    const PRIORITY: i64 = 0;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let before: BackfillProgress = progress.before();
            let mut save = |now: &BackfillProgress| {
                let (progress, now) = (progress.clone(), now.clone());
                async move { progress.keep(&now).await }.boxed()
            };
            match app.catalogue.backfill(&app.images, self.drop, before, &mut save).await {
                Ok(_) => Ok(()),
                Err(error @ CatalogueError::Content(_)) => {
                    // Whatever the registry said, it may say something else an hour later.
                    Err(Failure::told(error.story(), true))
                }
                Err(error) => Err(failure(&error)),
            }
        }
        .boxed()
    }
}
