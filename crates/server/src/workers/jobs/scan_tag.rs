//! The job that finds out what a tag points to, and scans it.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_catalogue::CatalogueError;
use portolan_model::{EventId, RepositoryName, Tag, Target, Timestamp};
use serde::{Deserialize, Serialize};

use super::failure;
use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Asks the registry what a tag points to, remembers it, and scans it: for those who say that a tag
/// was pushed, and not what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScanTag {
    /// Where it is.
    pub(crate) repository: RepositoryName,
    /// The tag.
    pub(crate) tag: Tag,
    /// When it was pushed.
    pub(crate) pushed_at: Timestamp,
}

impl Work for ScanTag {
    const KIND: &'static str = "scan-tag";
    const PRIORITY: i64 = 10;

    fn run(self, app: App, _progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let Self { repository, tag, pushed_at } = self;
            let target = Target::Tag(tag.clone());
            let scanned = match app.catalogue.scan_image(&app.images, &repository, &target).await {
                Ok(scanned) => scanned,
                // The tag was deleted before its turn came.
                Err(CatalogueError::NotFound { .. }) => return Ok(()),
                Err(error) => return Err(failure(&error)),
            };
            let known = app.store.tag(&repository, &tag).await;
            let known = known.map_err(|error| Failure::new(&error, true))?;
            if known.is_some_and(|pointer| pointer.digest == scanned.digest) {
                return Ok(());
            }
            let event = EventId::new(app.store.ids());
            let point = app.store.write(move |tx| {
                Box::pin(async move {
                    tx.move_tag(&repository, &tag, Some(scanned.digest), pushed_at, event).await
                })
            });
            point.await.map_err(|error| Failure::new(&error, true))
        }
        .boxed()
    }
}
