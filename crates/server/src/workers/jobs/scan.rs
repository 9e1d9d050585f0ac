//! The job that scans one image.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_catalogue::CatalogueError;
use portolan_model::{Digest, RepositoryName, Target};
use portolan_store::{ImageState, Job, StoreError};
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
            match scanned {
                Ok(scanned) if scanned.known => Ok(()),
                Ok(_) => count(&app, &self.digest).await.map_err(|e| Failure::new(&e, true)),
                // It was deleted before its turn came.
                Err(CatalogueError::NotFound { .. }) => Ok(()),
                Err(error) => Err(failure(&error)),
            }
        }
        .boxed()
    }
}

/// Counts what was scanned.
async fn count(app: &App, digest: &Digest) -> Result<(), StoreError> {
    if let Some(image) = app.store.image(digest).await? {
        app.metrics.count("portolan_scanned_bytes_total", Vec::new(), image.found.raw_bytes);
    }
    Ok(())
}

/// An image whose scan was given up says why, where it is not scanned after all.
pub(super) async fn given_up(app: &App, job: &Job, why: &str) -> Result<(), StoreError> {
    let Ok(work) = serde_json::from_value::<ScanImage>(job.payload.clone()) else { return Ok(()) };
    let image = app.store.image(&work.digest).await?;
    if image.is_none_or(|image| image.state != ImageState::Pending) {
        return Ok(());
    }
    let (why, now) = (why.to_owned(), app.store.now());
    let record = app
        .store
        .write(move |tx| Box::pin(async move { tx.image_failed(&work.digest, &why, now).await }));
    record.await
}
