//! Acting on what is said of objects of a bucket: an asset set came, changed or went.

use portolan_assets::watch::Kept;
use portolan_model::JobId;
use portolan_store::{RawEvent, StoreError};
use portolan_tracker::facts::Facts;

use crate::App;
use crate::workers::jobs::ReadAssets;
use crate::workers::queue;

/// How long a set is left alone after one of its objects changed: others are about to, in ms.
const SETTLE: i64 = 2_000;

/// Acts on one entry, in one commit. Objects that are of no asset set of ours are of no interest.
pub(super) async fn apply(app: &App, entry: &RawEvent) -> Result<(), StoreError> {
    let mut facts = Facts::default();
    if let Err(reason) = app.tracker.understand(entry, &mut facts) {
        return super::bury(&app.store, entry.id, reason).await;
    }
    let assets = app.settings.assets.as_ref();
    let of_ours = facts.objects.iter().filter_map(|object| {
        let key = assets?.url.key_below(&object.bucket, &object.key)?;
        Kept::of_key(key)
    });
    let run_at = app.store.now().plus_millis(SETTLE);
    let jobs: Vec<_> = of_ours
        .map(|kept| {
            let key = kept.to_string();
            let job =
                queue::new(&ReadAssets { key: key.clone() }, Some(format!("assets:{key}")), run_at);
            (JobId::new(app.store.ids()), job)
        })
        .collect();
    let (id, now) = (entry.id, app.store.now());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            // Another process may have acted on it since it was read.
            if tx.event_applied(id).await? {
                for (id, job) in jobs {
                    tx.enqueue(id, &job, now).await?;
                }
            }
            Ok(())
        })
    });
    write.await?;
    app.store.wake_jobs().await;
    Ok(())
}
