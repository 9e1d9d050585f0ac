//! Looking for what somebody wants to be told of: when something has changed, and every now and
//! then, as some things become so by time alone.

use std::time::Duration;

use portolan_model::Timestamp;
use portolan_store::StoreError;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::notify::notice;

/// How long nothing is looked for where nothing changes.
const LOOK: Duration = Duration::from_secs(20);
/// The time between two looks at least: a stream of changes is looked at together.
const REST: Duration = Duration::from_secs(2);
/// Between two rounds of forgetting, in milliseconds.
const TIDY: i64 = 3_600_000;
/// What was told is remembered for so long at least, in milliseconds: a week, so that nothing that
/// is still looked at is forgotten.
const KEPT: i64 = 7 * 24 * 3_600_000;

/// Looks for what is new, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    if app.settings.notifications.rules.is_empty() {
        return;
    }
    let mut wakes = app.store.change_wakes();
    loop {
        // Seen first and looked second, so that what changes in between is looked at.
        wakes.borrow_and_update();
        match notice::notice(&app).await {
            Ok(0) => {}
            Ok(many) => tracing::debug!(many, "somebody is to be told"),
            Err(error) => tracing::warn!(%error, "what happened is looked for later"),
        }
        if let Err(error) = tidy(&app).await {
            tracing::warn!(%error, "old notifications are forgotten later");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            _ = wakes.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Forgets what ended long ago; of several processes, one does.
async fn tidy(app: &App) -> Result<(), StoreError> {
    let now = app.store.now();
    let kept = i64::try_from(app.settings.jobs_kept.as_millis()).unwrap_or(i64::MAX).max(KEPT);
    let before: Timestamp = now.plus_millis(kept.saturating_neg());
    let forget = app.store.write(move |tx| {
        Box::pin(async move {
            if tx.take_turn("notifications-tidy", now, now.plus_millis(TIDY)).await? {
                tx.forget_notifications(before).await?;
            }
            Ok(())
        })
    });
    forget.await
}
