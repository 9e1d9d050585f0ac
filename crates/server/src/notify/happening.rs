//! What happened, in words: pure functions of what is known.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_model::{EventId, Timestamp};
use portolan_store::{DeadEvent, Release, Rollout, RolloutState, Sweep};
use portolan_tracker::status::REQUEST_MILLIS;
use portolan_tracker::{DeploymentView, Status};
use serde_json::{Value, json};

use super::Occasion;

/// Characters of one line at most.
const LINE: usize = 600;
/// Characters of one word in it: a name, a version.
const WORD: usize = 120;
/// The time for which dead events of one kind are told of once, in milliseconds.
const HOUR: i64 = 3_600_000;

/// Something that happened, whoever wants to hear of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Happening {
    /// The word for it.
    pub(super) occasion: Occasion,
    /// What it happened to. One subject is told of once.
    pub(super) subject: String,
    /// The environment that it is about.
    pub(super) environment: Option<String>,
    /// The services that it is about.
    pub(super) services: Vec<String>,
    /// All of it in one line.
    pub(super) summary: String,
    /// All that is told of it.
    pub(super) details: Value,
    /// When.
    pub(super) at: Timestamp,
}

/// `text` in one line of at most `most` characters.
pub(super) fn line(text: &str, most: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(most).map(plain).collect();
    if text.chars().nth(most).is_some() {
        line.push('…');
    }
    line
}

fn word(text: &str) -> String {
    line(text, WORD)
}

/// `what`, and why.
fn because(what: &str, why: Option<&str>) -> String {
    match why {
        Some(why) => line(&format!("{what}: {why}"), LINE),
        None => line(what, LINE),
    }
}

/// What happened to a deployment, as it stands at `now`.
pub(super) fn of_deployment(
    view: &DeploymentView,
    now: Timestamp,
    settle: Duration,
) -> Option<Happening> {
    let fact = view.deployment.as_ref().map(|deployment| &deployment.fact);
    let told_failed = fact.and_then(|fact| fact.failed.as_ref()).map(|(at, _)| *at);
    let (occasion, at) = match view.verdict.status {
        Status::Running => {
            let at = view.verdict.finished_at.or(view.running_since())?;
            (Occasion::DeploymentSucceeded, at)
        }
        Status::Failed => {
            let ended = view.tasks.iter().filter_map(|task| task.fact.stopped_at).max();
            let overdue = view.request.as_ref().map(|it| it.at.plus_millis(REQUEST_MILLIS));
            let at = told_failed.or(ended).or(overdue)?;
            // A task that ECS replaces at once leaves the service without any for a moment.
            let settle = i64::try_from(settle.as_millis()).unwrap_or(i64::MAX);
            if told_failed.is_none() && now.millis_since(at) < settle {
                return None;
            }
            (Occasion::DeploymentFailed, at)
        }
        Status::RolledBack => {
            let at = view.superseded_at.or(told_failed).or(view.verdict.finished_at)?;
            (Occasion::RolledBack, at)
        }
        Status::Requested
        | Status::Pending
        | Status::Stopping
        | Status::Stopped
        | Status::Undeployed => return None,
    };
    let subject = match fact {
        Some(fact) => format!("deployment:{}/{}", fact.environment, fact.key),
        None => format!("request:{}", view.id()),
    };
    let (service, environment) = (word(view.service()), word(view.environment()));
    let version = word(&view.version);
    let named = [service.as_str(), version.as_str()].join(" ");
    let what = match occasion {
        Occasion::DeploymentSucceeded => format!("{named} runs in {environment}"),
        Occasion::RolledBack => format!("{named} was rolled back in {environment}"),
        _ => format!("{named} failed in {environment}"),
    };
    let reasons: Vec<String> = view.verdict.reasons.iter().map(|it| line(it, LINE)).collect();
    let why = reasons.first().filter(|_| occasion != Occasion::DeploymentSucceeded);
    let details = json!({
        "deployment": view.id(),
        "service": service,
        "version": version,
        "previousVersion": view.previous.as_deref().map(word),
        "status": view.verdict.status,
        "image": view.deployment.as_ref().and_then(|it| it.image.as_deref()).map(word),
        "digest": view.digest(),
        "user": view.user().map(word),
        "createdAt": view.created_at(),
        "reasons": reasons,
    });
    Some(Happening {
        occasion,
        subject,
        environment: Some(view.environment().to_owned()),
        services: vec![view.service().to_owned()],
        summary: because(&what, why.map(String::as_str)),
        details,
        at,
    })
}

/// What happened to a rollout.
pub(super) fn of_rollout(rollout: &Rollout) -> Vec<Happening> {
    let services = services_of(&rollout.plan);
    let details = json!({
        "rollout": rollout.id,
        "project": word(&rollout.project),
        "release": rollout.release,
        "state": rollout.state.name(),
        "reason": rollout.reason.as_deref().map(|it| line(it, LINE)),
        "services": services,
        "createdBy": word(&rollout.created_by),
        "approvedBy": rollout.approved_by.as_deref().map(word),
        "ciUrl": rollout.ci_url,
        "createdAt": rollout.created_at,
        "startedAt": rollout.started_at,
        "finishedAt": rollout.finished_at,
    });
    let tell = |occasion: Occasion, at: Timestamp, what: &str, why: Option<&str>| {
        let (project, place) = (word(&rollout.project), word(&rollout.environment));
        Happening {
            occasion,
            subject: format!("rollout:{}", rollout.id),
            environment: Some(rollout.environment.clone()),
            services: services.clone(),
            summary: because(&format!("{project}: the rollout to {place} {what}"), why),
            details: details.clone(),
            at,
        }
    };
    let (by, why) = (word(&rollout.created_by), rollout.reason.as_deref());
    let mut told = Vec::new();
    if rollout.state == RolloutState::Waiting {
        let what = format!("waits for a second person besides {by}");
        told.push(tell(Occasion::RolloutWaiting, rollout.created_at, &what, None));
    }
    if let Some(at) = rollout.started_at {
        let what = format!("was started by {by}");
        told.push(tell(Occasion::RolloutStarted, at, &what, None));
    }
    if let Some(at) = rollout.finished_at.filter(|_| rollout.state.is_end()) {
        let (what, why) = match rollout.state {
            RolloutState::Succeeded => ("succeeded", None),
            RolloutState::RolledBack => ("was rolled back", why),
            RolloutState::Refused => ("was refused", why),
            _ => ("failed", why),
        };
        told.push(tell(Occasion::RolloutEnded, at, what, why));
        if rollout.state == RolloutState::RolledBack {
            told.push(tell(Occasion::RolledBack, at, what, why));
        }
    }
    told
}

/// The services that a plan changes.
fn services_of(plan: &Value) -> Vec<String> {
    let services = plan["services"].as_array().map(Vec::as_slice).unwrap_or_default();
    let changed = services.iter().filter(|service| service["action"] != "keep");
    changed.filter_map(|service| service["service"].as_str().map(ToOwned::to_owned)).collect()
}

/// That a release was prepared.
pub(super) fn of_release(release: &Release) -> Happening {
    let (project, by) = (word(&release.project), word(&release.created_by));
    let images: BTreeMap<&str, Value> = release
        .images
        .iter()
        .map(|it| (it.image.as_str(), json!({ "digest": it.digest, "tag": it.tag })))
        .collect();
    let description = Some(release.description.as_str()).filter(|text| !text.is_empty());
    Happening {
        occasion: Occasion::ReleasePrepared,
        subject: format!("release:{}", release.id),
        environment: None,
        services: Vec::new(),
        summary: because(&format!("{project}: a release was prepared by {by}"), description),
        details: json!({
            "release": release.id,
            "project": project,
            "description": line(&release.description, LINE),
            "createdBy": by,
            "ciUrl": release.ci_url,
            "images": images,
        }),
        at: release.created_at,
    }
}

/// That a sweep found differences; none where it did not.
pub(super) fn of_sweep(sweep: &Sweep) -> Option<Happening> {
    if sweep.drift == 0 {
        return None;
    }
    let (environment, drift) = (word(&sweep.environment), sweep.drift);
    Some(Happening {
        occasion: Occasion::SweepDrift,
        subject: format!("sweep:{}@{}", sweep.environment, sweep.at.millis()),
        environment: Some(sweep.environment.clone()),
        services: Vec::new(),
        summary: format!("{environment}: {drift} tasks and services were not as events had told"),
        details: json!({
            "drift": drift,
            "services": sweep.services,
            "tasks": sweep.tasks,
        }),
        at: sweep.at,
    })
}

/// That events are dead: once for each kind and hour, however many they are.
pub(super) fn of_dead(events: &[DeadEvent]) -> Vec<Happening> {
    let mut grouped: BTreeMap<(&str, i64), Vec<&DeadEvent>> = BTreeMap::new();
    for event in events {
        let hour = event.recorded_at.millis().div_euclid(HOUR);
        grouped.entry((&event.kind, hour)).or_default().push(event);
    }
    let told = grouped.into_iter().filter_map(|((kind, hour), events)| {
        let newest = events.iter().max_by_key(|event| event.id)?;
        let kind = word(kind);
        let what = match events.len() {
            1 => format!("an event of kind {kind} was set aside"),
            many => format!("{many} events of kind {kind} were set aside"),
        };
        let ids: Vec<EventId> = events.iter().take(10).map(|event| event.id).collect();
        Some(Happening {
            occasion: Occasion::EventDead,
            subject: format!("events:{kind}@{hour}"),
            environment: None,
            services: Vec::new(),
            summary: because(&what, newest.reason.as_deref()),
            details: json!({
                "kind": kind,
                "count": events.len(),
                "reason": newest.reason.as_deref().map(|it| line(it, LINE)),
                "events": ids,
            }),
            at: newest.recorded_at,
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(line("a\nb\u{1b}[31mc", 100), "a b [31mc");
        assert_eq!(line("åäö", 2), "åä…");
        assert_eq!(line("åä", 2), "åä");
    }

    #[test]
    fn only_changed_services_are_named() {
        let plan = json!({"services": [
            {"service": "shop", "action": "define"},
            {"service": "till", "action": "keep"},
            {"service": "cart", "action": "restart"},
        ]});
        assert_eq!(services_of(&plan), ["shop", "cart"]);
        assert!(services_of(&Value::Null).is_empty());
    }

    #[test]
    fn dead_events_are_told_of_once_an_hour() {
        let event = |number: u128, kind: &str, millis: i64| DeadEvent {
            id: uuid::Uuid::from_u128(number).to_string().parse().unwrap(),
            kind: kind.to_owned(),
            reason: Some(format!("reason {number}")),
            recorded_at: Timestamp::from_millis(millis),
        };
        let events =
            [event(3, "a", HOUR), event(2, "a", HOUR - 1), event(1, "a", 0), event(4, "b", 5)];
        let told = of_dead(&events);
        let lines: Vec<_> =
            told.iter().map(|it| format!("{} {}", it.subject, it.summary)).collect();
        assert_eq!(
            lines,
            [
                "events:a@0 2 events of kind a were set aside: reason 2",
                "events:a@1 an event of kind a was set aside: reason 3",
                "events:b@0 an event of kind b was set aside: reason 4",
            ]
        );
    }
}
