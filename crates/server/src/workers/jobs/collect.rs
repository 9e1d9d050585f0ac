//! The job that removes what nothing in the built-in registry refers to.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_registry::GcOptions;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Collects the garbage of the built-in registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CollectGarbage {
    /// Seconds for which a blob is left alone after it was pushed or asked for.
    pub(crate) grace_seconds: u64,
    /// Seconds after which a manifest without a tag goes; none where they stay.
    pub(crate) untagged_after_seconds: Option<u64>,
    /// Only tell what would go.
    pub(crate) dry_run: bool,
}

/// What a collection removed, or would remove.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Collected {
    manifests: u64,
    blobs: u64,
    bytes: u64,
    orphans: u64,
    uploads: u64,
}

impl CollectGarbage {
    /// There is one at a time.
    pub(crate) const KEY: &'static str = "registry-gc";
}

impl Work for CollectGarbage {
    const KIND: &'static str = "registry-gc";
    const PRIORITY: i64 = -10;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let options = GcOptions {
                grace: Duration::from_secs(self.grace_seconds),
                untagged_after: self.untagged_after_seconds.map(Duration::from_secs),
                dry_run: self.dry_run,
            };
            let collected = app.registry.collect(options).await;
            let report = collected.map_err(|error| Failure::new(&error, true))?;
            let told = Collected {
                manifests: report.manifests,
                blobs: report.blobs,
                bytes: report.bytes,
                orphans: report.orphans,
                uploads: report.uploads,
            };
            progress.keep(&told).await.map_err(|error| Failure::new(&error, true)).map(|_| ())
        }
        .boxed()
    }
}
