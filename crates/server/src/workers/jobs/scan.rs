//! The job that scans one image.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{Digest, RepositoryName, Target};
use serde::{Deserialize, Serialize};

use super::failure;
use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Scans one image, with the images that it lists.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ScanImage {
    /// Where it is.
    pub(crate) repository: RepositoryName,
    /// Its manifest.
    pub(crate) digest: Digest,
}

impl Work for ScanImage {
    const KIND: &'static str = "scan-image";
    const PRIORITY: i64 = 10;

    fn run(self, app: App, _progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let target = Target::Digest(self.digest);
            let scanned = app.catalogue.scan_image(&app.images, &self.repository, &target).await;
            scanned.map(|_| ()).map_err(|error| failure(&error))
        }
        .boxed()
    }
}
