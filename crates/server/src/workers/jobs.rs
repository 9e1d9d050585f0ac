//! The kinds of jobs that there are.

mod backfill;
mod collect;
mod notify;
#[cfg(test)]
mod probe;
pub(crate) mod read_assets;
mod rebuild;
pub(crate) mod rollout;
mod scan;
mod scan_tag;
mod table;

use futures::future::BoxFuture;
use portolan_catalogue::CatalogueError;
use portolan_store::{Job, StoreError};

use super::assets_sweep::SweepAssets;
use super::ecs_sweep::SweepEcs;
use super::github::SyncRepositories;
use super::queue::{self, Failure, Progress, Work as _};
use crate::App;

pub(crate) use backfill::Backfill;
pub(crate) use collect::CollectGarbage;
pub(crate) use notify::Notify;
#[cfg(test)]
pub(super) use probe::Probe;
pub(crate) use read_assets::ReadAssets;
pub(crate) use rebuild::RebuildTracks;
use rollout::RunRollout;
pub(crate) use scan::ScanImage;
pub(crate) use scan_tag::ScanTag;
use table::WriteTable;

/// Every kind but those that tell others: that is for a server to do.
pub(super) const ALL: &[&str] = &[
    ScanImage::KIND,
    ScanTag::KIND,
    Backfill::KIND,
    CollectGarbage::KIND,
    SyncRepositories::KIND,
    SweepEcs::KIND,
    ReadAssets::KIND,
    SweepAssets::KIND,
    RebuildTracks::KIND,
    RunRollout::KIND,
    WriteTable::KIND,
];
/// Kinds for all workers: each is done in its turn, however long it takes.
pub(super) const COMMON: &[&str] = &[
    ScanImage::KIND,
    ScanTag::KIND,
    Backfill::KIND,
    CollectGarbage::KIND,
    SyncRepositories::KIND,
    SweepEcs::KIND,
    ReadAssets::KIND,
    SweepAssets::KIND,
    RebuildTracks::KIND,
    WriteTable::KIND,
];
/// Kinds with workers of their own: they wait much and do little, and nobody wants to wait for them.
pub(super) const PATIENT: &[&str] = &[RunRollout::KIND];
/// Kinds with workers of their own: a receiver that hangs keeps nothing else waiting.
pub(super) const TELLING: &[&str] = &[Notify::KIND];
/// Kinds for which a worker is kept free, so that a push is not kept waiting by long work.
pub(super) const QUICK: &[&str] = &[ScanImage::KIND, ScanTag::KIND];

/// Begins a job of any kind.
pub(super) fn begin(
    job: &Job,
    app: App,
    progress: Progress,
) -> BoxFuture<'static, Result<(), Failure>> {
    match job.kind.as_str() {
        ScanImage::KIND => queue::begin::<ScanImage>(job, app, progress),
        ScanTag::KIND => queue::begin::<ScanTag>(job, app, progress),
        Backfill::KIND => queue::begin::<Backfill>(job, app, progress),
        CollectGarbage::KIND => queue::begin::<CollectGarbage>(job, app, progress),
        SyncRepositories::KIND => queue::begin::<SyncRepositories>(job, app, progress),
        SweepEcs::KIND => queue::begin::<SweepEcs>(job, app, progress),
        ReadAssets::KIND => queue::begin::<ReadAssets>(job, app, progress),
        SweepAssets::KIND => queue::begin::<SweepAssets>(job, app, progress),
        RebuildTracks::KIND => queue::begin::<RebuildTracks>(job, app, progress),
        RunRollout::KIND => queue::begin::<RunRollout>(job, app, progress),
        WriteTable::KIND => queue::begin::<WriteTable>(job, app, progress),
        Notify::KIND => queue::begin::<Notify>(job, app, progress),
        #[cfg(test)]
        Probe::KIND => queue::begin::<Probe>(job, app, progress),
        other => {
            let message = format!("`{other}` is no kind of job that this version knows");
            Box::pin(std::future::ready(Err(Failure::told(message, false))))
        }
    }
}

/// Writes down what it means that `job` was given up, where that means something.
pub(super) async fn given_up(app: &App, job: &Job, why: &str) -> Result<(), StoreError> {
    match job.kind.as_str() {
        ScanImage::KIND => scan::given_up(app, job, why).await,
        Notify::KIND => notify::given_up(app, job, why).await,
        _ => Ok(()),
    }
}

fn failure(error: &CatalogueError) -> Failure {
    Failure::told(error.story(), !error.is_permanent())
}
