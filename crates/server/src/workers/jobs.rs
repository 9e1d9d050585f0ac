//! The kinds of jobs that there are.

mod backfill;
mod collect;
mod scan;

use futures::future::BoxFuture;
use portolan_catalogue::CatalogueError;
use portolan_store::Job;

use super::queue::{self, Failure, Progress, Work as _};
use crate::App;

pub(crate) use backfill::Backfill;
pub(crate) use collect::CollectGarbage;
pub(crate) use scan::ScanImage;

/// Every kind.
pub(super) const ALL: &[&str] = &[ScanImage::KIND, Backfill::KIND, CollectGarbage::KIND];
/// Kinds for which a worker is kept free, so that a push is not kept waiting by long work.
pub(super) const QUICK: &[&str] = &[ScanImage::KIND];

/// Begins a job of any kind.
pub(super) fn begin(
    job: &Job,
    app: App,
    progress: Progress,
) -> BoxFuture<'static, Result<(), Failure>> {
    match job.kind.as_str() {
        ScanImage::KIND => queue::begin::<ScanImage>(job, app, progress),
        Backfill::KIND => queue::begin::<Backfill>(job, app, progress),
        CollectGarbage::KIND => queue::begin::<CollectGarbage>(job, app, progress),
        other => {
            let message = format!("`{other}` is no kind of job that this version knows");
            Box::pin(std::future::ready(Err(Failure { message, transient: false })))
        }
    }
}

fn failure(error: &CatalogueError) -> Failure {
    Failure { message: error.story(), transient: !error.is_permanent() }
}
