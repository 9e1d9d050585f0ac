//! Looking through the bucket of assets every now and then, for what no event told.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_assets::watch::Kept;
use portolan_store::StoreError;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::jobs::read_assets;
use super::queue::{Failure, Progress, Work};
use super::turns;
use crate::App;

/// How long a set of s3-asset-manager is read again at each look, in milliseconds: somebody may still
/// write to it.
const RESTLESS_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Sets whose sight is written down in one commit.
const CHUNK: usize = 500;

/// Looks through the bucket of assets, remembers what is new, and forgets what is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SweepAssets {}

/// How far a look is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    /// Sets that there are.
    sets: usize,
    /// Those that had to be read.
    read: usize,
    /// Only at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
}

impl SweepAssets {
    /// One look at a time.
    pub(crate) const KEY: &'static str = "sweep-assets";
}

/// Queues a look whenever it is time, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    let interval = app.settings.assets.as_ref().and_then(|assets| assets.sweep);
    let Some(interval) = interval else { return };
    turns::run(app, SweepAssets {}, SweepAssets::KEY.to_owned(), interval, stop).await;
}

impl Work for SweepAssets {
    const KIND: &'static str = "sweep-assets";
    const PRIORITY: i64 = -5;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            let lost = |error: StoreError| Failure::new(&error, error.is_transient());
            // The configuration may have changed since it was queued.
            let Some(assets) = &app.settings.assets else { return Ok(()) };
            let failed = |error| read_assets::failure(&error);
            let watch = assets.watch(app.store.clock()).await.map_err(failed)?;
            let (bucket, begun) = (watch.bucket.name(), app.store.now());
            let all = watch.all().await.map_err(failed)?;
            let mut told = Told { sets: all.len(), ..Told::default() };
            let since = begun.plus_millis(-RESTLESS_MILLIS);
            let settled = app.store.settled_assets(&bucket, since).await.map_err(lost)?;
            let settled: BTreeSet<String> = settled.into_iter().collect();
            let (known, news): (Vec<&Kept>, Vec<&Kept>) =
                all.iter().partition(|kept| settled.contains(&kept.to_string()));
            for chunk in known.chunks(CHUNK) {
                let keys: Vec<String> = chunk.iter().map(ToString::to_string).collect();
                let bucket = bucket.clone();
                let touch = app.store.write(move |tx| {
                    Box::pin(async move { tx.assets_still_there(&bucket, &keys, begun).await })
                });
                touch.await.map_err(lost)?;
            }
            for kept in news {
                read_assets::read(&app, &watch, kept).await?;
                told.read += 1;
                if told.read.is_multiple_of(50) && !progress.keep(&told).await.map_err(lost)? {
                    return Ok(());
                }
            }
            let forget = app.store.write(move |tx| {
                Box::pin(async move { tx.forget_assets_unseen(&bucket, begun).await })
            });
            told.removed = Some(forget.await.map_err(lost)?);
            progress.keep(&told).await.map_err(lost)?;
            app.store.wake_changes().await;
            Ok(())
        }
        .boxed()
    }
}
