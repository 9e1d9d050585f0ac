//! One attempt at one notification: what is about to be done is recorded before, what it came to
//! after.

use portolan_model::{Digest, JobId, NotificationId, Timestamp, failpoint};
use portolan_store::{Delivery, Notification, NotificationState, StoreError};
use serde_json::json;

use super::send::{Refusal, send};
use super::{NotificationRule, Occasion};
use crate::App;
use crate::workers::jobs::Notify;

/// The longest wait between two attempts, in milliseconds: 15 minutes.
const LONGEST: u64 = 15 * 60_000;

/// Sends the notification, unless it was received or given up. Where it was not received and trying
/// again may help, the next attempt is queued in the change that records this one.
pub(crate) async fn deliver(app: &App, id: NotificationId) -> Result<(), StoreError> {
    let begin = app.store.write(move |tx| Box::pin(async move { tx.begin_delivery(id).await }));
    if !begin.await? {
        return Ok(());
    }
    let Some(notification) = app.store.notification(id).await? else { return Ok(()) };
    failpoint::hit("notify.before-send");
    let outcome = match app.settings.notifications.rule(&notification.rule) {
        Some(rule) => {
            let patience = app.settings.notifications.patience;
            send(rule, &notification, patience, app.store.now()).await
        }
        None => Err(Refusal::told("its rule is no longer in the configuration", false)),
    };
    failpoint::hit("notify.after-send");
    let delivery = judge(app, &notification, outcome);
    log(&notification, &delivery);
    let now = app.store.now();
    let next = delivery.next_at.map(|at| (JobId::new(app.store.ids()), Notify::job(id, at)));
    let end = app.store.write(move |tx| {
        Box::pin(async move {
            if tx.end_delivery(id, &delivery, now).await?
                && let Some((job, next)) = next
            {
                tx.enqueue(job, &next, now).await?;
            }
            Ok(())
        })
    });
    end.await?;
    app.store.wake_jobs().await;
    app.store.wake_changes().await;
    Ok(())
}

/// Gives a notification up whose job was given up.
pub(crate) async fn give_up(app: &App, id: NotificationId, why: &str) -> Result<(), StoreError> {
    let delivery = Delivery {
        state: NotificationState::Failed,
        status: None,
        error: Some(why.to_owned()),
        next_at: None,
    };
    let now = app.store.now();
    let end = app
        .store
        .write(move |tx| Box::pin(async move { tx.end_delivery(id, &delivery, now).await }));
    end.await.map(|_| ())
}

/// Sends a notification of nothing by `rule`, once and here, and records what became of it.
pub(crate) async fn try_out(
    app: &App,
    rule: &NotificationRule,
) -> Result<Notification, StoreError> {
    let (id, now) = (NotificationId::new(app.store.ids()), app.store.now());
    let mut notification = Notification {
        id,
        rule: rule.name.clone(),
        occasion: Occasion::Test.name().to_owned(),
        subject: format!("test:{id}"),
        environment: None,
        service: None,
        summary: format!("A test of Portolan's notifications by the rule {}", rule.name),
        details: json!({}),
        happened_at: now,
        state: NotificationState::Waiting,
        attempts: 1,
        status: None,
        error: None,
        next_at: None,
        created_at: now,
        ended_at: None,
    };
    match send(rule, &notification, app.settings.notifications.patience, now).await {
        Ok(status) => {
            notification.state = NotificationState::Sent;
            notification.status = Some(status);
        }
        Err(refusal) => {
            notification.state = NotificationState::Failed;
            notification.status = refusal.status;
            notification.error = Some(refusal.message);
        }
    }
    notification.ended_at = Some(app.store.now());
    let kept = notification.clone();
    let add = app.store.write(move |tx| Box::pin(async move { tx.add_notification(&kept).await }));
    add.await?;
    app.store.wake_changes().await;
    Ok(notification)
}

/// What an attempt came to, and when the next one is.
fn judge(app: &App, notification: &Notification, outcome: Result<u16, Refusal>) -> Delivery {
    let refusal = match outcome {
        Ok(status) => {
            return Delivery {
                state: NotificationState::Sent,
                status: Some(status),
                error: None,
                next_at: None,
            };
        }
        Err(refusal) => refusal,
    };
    let again = refusal.transient && notification.attempts < app.settings.notifications.attempts;
    let next_at = again.then(|| {
        let first = app.settings.notifications.first_wait;
        let soonest = wait(notification, u64::try_from(first.as_millis()).unwrap_or(LONGEST));
        let asked = refusal.wait.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(0));
        app.store.now().plus_millis(soonest.max(asked))
    });
    let message = if refusal.transient && !again {
        format!("given up after {} attempts: {}", notification.attempts, refusal.message)
    } else {
        refusal.message
    };
    Delivery {
        state: if again { NotificationState::Waiting } else { NotificationState::Failed },
        status: refusal.status,
        error: Some(message),
        next_at,
    }
}

/// Milliseconds until the next attempt: doubled with each, and spread over half to all of that by
/// the identity, so that what failed together does not come back together.
fn wait(notification: &Notification, first: u64) -> i64 {
    let doublings = u32::try_from(notification.attempts.saturating_sub(1)).unwrap_or(20).min(20);
    let whole = first.saturating_mul(1 << doublings).min(LONGEST);
    let hash = Digest::of(format!("{} {}", notification.id, notification.attempts).as_bytes());
    let spread = u64::from(hash.as_bytes()[0]) * whole / 2 / 255;
    i64::try_from(whole / 2 + spread).unwrap_or(i64::MAX)
}

fn log(notification: &Notification, delivery: &Delivery) {
    let (id, rule, event) = (notification.id, &notification.rule, &notification.occasion);
    let error = delivery.error.as_deref().unwrap_or_default();
    let next: Option<Timestamp> = delivery.next_at;
    match delivery.state {
        NotificationState::Sent => tracing::info!(notification = %id, rule, event, "was received"),
        NotificationState::Waiting => {
            let next = next.map(|at| at.to_string());
            tracing::warn!(notification = %id, rule, event, error, next, "will be sent again");
        }
        NotificationState::Failed => {
            tracing::error!(notification = %id, rule, event, error, "was not received");
        }
    }
}
