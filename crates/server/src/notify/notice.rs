//! Noticing: what is so now, and was not told of before.

use std::collections::{BTreeMap, HashSet};

use portolan_model::{JobId, NotificationId, Timestamp};
use portolan_store::{
    DeploymentFilter, Notification, NotificationKey, NotificationState, Page, RolloutFilter,
    StoreError,
};
use portolan_tracker::Wanted;

use super::happening::{self, Happening};
use super::{NotificationRule, Occasion};
use crate::App;
use crate::workers::jobs::Notify;

/// What is older than this is told of no more, in milliseconds: a day.
const WINDOW: i64 = 24 * 3_600_000;
/// Deployments that are looked at, the newest first.
const DEPLOYMENTS: u64 = 1_000;
/// Rollouts, and releases, that are looked at.
const ORDERED: u64 = 200;
/// Dead events that are looked at.
const DEAD: u32 = 500;
/// Notifications that are recorded in one change.
const BATCH: usize = 200;

/// Since when each rule has been looking at what.
type Since = BTreeMap<(String, String), Timestamp>;

/// Looks at what is so now, records whom to tell of what is new, and queues that; how much it was.
pub(crate) async fn notice(app: &App) -> Result<usize, StoreError> {
    let rules = &app.settings.notifications.rules;
    let now = app.store.now();
    let since = watched(app, rules, now).await?;
    let from = now.plus_millis(-WINDOW);
    let happened = happened(app, rules, from, now).await?;
    // A little longer than the window: what was noticed at its beginning is known at its end.
    let known = app.store.noticed_since(from.plus_millis(-WINDOW)).await?;
    let fresh = fresh(app, rules, &happened, &since, &known, from);
    let many = fresh.len();
    let mut fresh = fresh.into_iter();
    loop {
        let part: Vec<Notification> = fresh.by_ref().take(BATCH).collect();
        if part.is_empty() {
            break;
        }
        record(app, part).await?;
    }
    if many > 0 {
        app.store.wake_jobs().await;
        app.store.wake_changes().await;
    }
    Ok(many)
}

/// Since when each rule looks at what; what is new begins now, and is not told of the past.
async fn watched(
    app: &App,
    rules: &[NotificationRule],
    now: Timestamp,
) -> Result<Since, StoreError> {
    let of = |rule: &NotificationRule| {
        let name = rule.name.clone();
        rule.occasions.clone().into_iter().map(move |it| (name.clone(), it.name().to_owned()))
    };
    let watched: Vec<(String, String)> = rules.iter().flat_map(of).collect();
    app.store.write(move |tx| Box::pin(async move { tx.watch(&watched, now).await })).await
}

/// What happened of all that some rule wants to hear of, the oldest first.
async fn happened(
    app: &App,
    rules: &[NotificationRule],
    from: Timestamp,
    now: Timestamp,
) -> Result<Vec<Happening>, StoreError> {
    let wanted = |any: &[Occasion]| {
        rules.iter().any(|rule| rule.occasions.iter().any(|occasion| any.contains(occasion)))
    };
    let mut happened = Vec::new();
    let of_deployments =
        [Occasion::DeploymentSucceeded, Occasion::DeploymentFailed, Occasion::RolledBack];
    if wanted(&of_deployments) {
        let filter = DeploymentFilter { from: Some(from), ..DeploymentFilter::default() };
        let wanted = Wanted { filter, ..Wanted::default() };
        let found = app.tracker.deployments(&wanted, now, Page::first(DEPLOYMENTS)).await?;
        let settle = app.settings.notifications.settle;
        let tell = |view| happening::of_deployment(view, now, settle);
        happened.extend(found.items.iter().filter_map(tell));
    }
    let of_rollouts = [
        Occasion::RolloutWaiting,
        Occasion::RolloutStarted,
        Occasion::RolloutEnded,
        Occasion::RolledBack,
    ];
    if wanted(&of_rollouts) {
        let found = app.store.rollouts(&RolloutFilter::default(), Page::first(ORDERED)).await?;
        happened.extend(found.items.iter().flat_map(happening::of_rollout));
    }
    if wanted(&[Occasion::ReleasePrepared]) {
        let found = app.store.releases(None, Page::first(ORDERED)).await?;
        happened.extend(found.items.iter().map(happening::of_release));
    }
    if wanted(&[Occasion::EventDead]) {
        happened.extend(happening::of_dead(&app.store.dead_events(DEAD).await?));
    }
    if wanted(&[Occasion::SweepDrift]) {
        happened.extend(app.store.sweeps().await?.iter().filter_map(happening::of_sweep));
    }
    happened.sort_by_key(|happening| happening.at);
    Ok(happened)
}

/// Those notifications of what happened that a rule wants and that were not recorded before.
fn fresh(
    app: &App,
    rules: &[NotificationRule],
    happened: &[Happening],
    since: &Since,
    known: &HashSet<NotificationKey>,
    from: Timestamp,
) -> Vec<Notification> {
    let mut fresh = Vec::new();
    for happening in happened.iter().filter(|happening| happening.at >= from) {
        let (occasion, place) = (happening.occasion, happening.environment.as_deref());
        for rule in rules {
            let watch = (rule.name.clone(), occasion.name().to_owned());
            let looks = since.get(&watch).is_some_and(|since| happening.at >= *since);
            if !looks || !rule.wants(occasion, place, &happening.services) {
                continue;
            }
            let key = (watch.0, watch.1, happening.subject.clone());
            if !known.contains(&key) {
                fresh.push(notification(app, rule, happening));
            }
        }
    }
    fresh
}

fn notification(app: &App, rule: &NotificationRule, happening: &Happening) -> Notification {
    let service = match happening.services.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    Notification {
        id: NotificationId::new(app.store.ids()),
        rule: rule.name.clone(),
        occasion: happening.occasion.name().to_owned(),
        subject: happening.subject.clone(),
        environment: happening.environment.clone(),
        service,
        summary: happening.summary.clone(),
        details: happening.details.clone(),
        happened_at: happening.at,
        state: NotificationState::Waiting,
        attempts: 0,
        status: None,
        error: None,
        next_at: None,
        created_at: app.store.now(),
        ended_at: None,
    }
}

/// Records these notifications, each with the job that sends it; another process may have recorded
/// some, and sends those.
async fn record(app: &App, part: Vec<Notification>) -> Result<(), StoreError> {
    let now = app.store.now();
    let part: Vec<_> = part
        .into_iter()
        .map(|it| (JobId::new(app.store.ids()), Notify::job(it.id, now), it))
        .collect();
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            for (job, send, notification) in part {
                if tx.add_notification(&notification).await? {
                    tx.enqueue(job, &send, now).await?;
                }
            }
            Ok(())
        })
    });
    write.await
}
