//! The job that reads one asset set from its bucket.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_assets::AssetsError;
use portolan_assets::watch::{Kept, Seen, Standing, Watch};
use portolan_store::{Asset, AssetLayout, AssetSet, AssetState, StoreError};
use serde::{Deserialize, Serialize};

use crate::App;
use crate::workers::queue::{Failure, Progress, Work};

/// Reads one asset set, and remembers what it is; where it is gone, that it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadAssets {
    /// What its bucket knows it by.
    pub(crate) key: String,
}

impl Work for ReadAssets {
    const KIND: &'static str = "read-assets";
    const PRIORITY: i64 = 5;

    fn run(self, app: App, _progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            // The configuration may have changed since it was queued.
            let Some(assets) = &app.settings.assets else { return Ok(()) };
            let kept: Kept = self.key.parse().map_err(|error| Failure::new(&error, false))?;
            let watch = assets.watch(app.store.clock()).await.map_err(|error| failure(&error))?;
            read(&app, &watch, &kept).await
        }
        .boxed()
    }
}

/// Reads a set, and remembers it.
pub(crate) async fn read(app: &App, watch: &Watch, kept: &Kept) -> Result<(), Failure> {
    let seen = watch.read(kept).await.map_err(|error| failure(&error))?;
    let bucket = watch.bucket.name();
    let kept_now = if let Some(seen) = seen {
        keep(app, bucket, kept, seen).await
    } else {
        let key = kept.to_string();
        let forget = app.store.write(move |tx| {
            Box::pin(async move { tx.forget_assets(&bucket, &key).await.map(|_| ()) })
        });
        forget.await
    };
    kept_now.map_err(|error| Failure::new(&error, error.is_transient()))?;
    app.store.wake_changes().await;
    Ok(())
}

async fn keep(app: &App, bucket: String, kept: &Kept, seen: Seen) -> Result<(), StoreError> {
    let (layout, project, scope) = match kept {
        Kept::Own { project, scope, .. } => {
            (AssetLayout::Portolan, project.to_string(), scope.to_string())
        }
        Kept::Legacy { .. } => (AssetLayout::Legacy, String::new(), String::new()),
    };
    let file = |file: &portolan_assets::watch::SeenFile| Asset {
        path: file.path.clone(),
        size: file.size,
        digest: file.digest,
    };
    let files: Vec<Asset> = seen.files.iter().map(file).collect();
    let set = AssetSet {
        bucket,
        key: kept.to_string(),
        layout,
        project,
        scope,
        commit: kept.commit().clone(),
        built_commit: seen.built_commit,
        state: match seen.standing {
            Standing::Complete => AssetState::Complete,
            Standing::Unproven => AssetState::Unproven,
            Standing::Incomplete => AssetState::Incomplete,
            Standing::Refused => AssetState::Refused,
        },
        inputs: seen.inputs,
        signed_by: seen.signed_by,
        made_by: seen.who.actor,
        ci_url: seen.who.job,
        made_at: seen.made_at,
        seen_at: app.store.now(),
        files: files.len() as u64,
        bytes: files.iter().fold(0, |sum, file| sum.saturating_add(file.size)),
    };
    let see = app.store.write(move |tx| Box::pin(async move { tx.see_assets(&set, &files).await }));
    see.await
}

/// What it means that a bucket did not answer.
pub(crate) fn failure(error: &AssetsError) -> Failure {
    Failure::new(error, error.is_unreachable())
}
