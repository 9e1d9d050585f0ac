//! In what an environment is left by a rollout that did not succeed, and what to do now.

use std::collections::BTreeMap;

use portolan_release::Plan;
use portolan_release::rollout::is_change;
use serde_json::Value;

use crate::api::releases::{Rollout, Step};
use crate::table::printable;

/// What a service is left in.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// Nothing was done to it, or all that was is undone.
    Before,
    /// It runs the release.
    New,
    /// It may run some of both, for this reason.
    Between(String),
}

/// What runs now where the rollout was to change something, in a line for each kind.
pub(super) fn now(rollout: &Rollout) -> Vec<String> {
    let Some(plan) = &rollout.plan else { return Vec::new() };
    let mut by_kind: BTreeMap<Left, Vec<&str>> = BTreeMap::new();
    for service in plan.changed() {
        by_kind.entry(left(rollout, &service.service)).or_default().push(&service.service);
    }
    let mut lines = Vec::new();
    for (kind, services) in by_kind {
        let (services, run) =
            (services.join(", "), if services.len() == 1 { "runs" } else { "run" });
        lines.push(match kind {
            Left::Before => format!("{services} {run} what was there before"),
            Left::New => format!("{services} {run} release {}", rollout.release),
            Left::Between(why) => format!("{services} may run some of both ({why})"),
        });
    }
    let moved = moved(rollout, plan);
    if !moved.is_empty() {
        lines.push(format!("moved, and not moved back: {}", moved.join(", ")));
    }
    let place = format!("{} now: ", rollout.environment);
    lines.iter().map(|line| printable(&format!("{place}{line}"))).collect()
}

fn step<'a>(rollout: &'a Rollout, name: &str) -> Option<&'a Step> {
    rollout.steps.iter().find(|step| step.name == name)
}

fn is_done(rollout: &Rollout, name: &str) -> bool {
    step(rollout, name).is_some_and(|step| step.state == "done")
}

fn left(rollout: &Rollout, service: &str) -> Left {
    if step(rollout, &format!("start:{service}")).is_none() {
        return Left::Before;
    }
    let undo = step(rollout, &format!("undo:{service}"));
    let undone = step(rollout, &format!("undone:{service}"));
    let nothing = undo.is_some_and(|it| it.state == "done" && is_null(it.outcome.as_ref()));
    if nothing || undone.is_some_and(|step| step.state == "done") {
        return Left::Before;
    }
    let failed = [undone, undo].into_iter().flatten().find(|step| step.state == "failed");
    if let Some(step) = failed {
        return Left::Between(format!("it could not be brought back, {}", reason(step)));
    }
    if is_done(rollout, &format!("watch:{service}")) {
        return Left::New;
    }
    Left::Between("no deployment of it has come to its end".to_owned())
}

fn is_null(outcome: Option<&Value>) -> bool {
    outcome.is_none_or(Value::is_null)
}

fn reason(step: &Step) -> &str {
    let outcome = step.outcome.as_ref();
    outcome.and_then(|it| it["reason"].as_str()).unwrap_or("and does not say why")
}

/// Tags that point to the release, as `repository:tag`.
fn moved(rollout: &Rollout, plan: &Plan) -> Vec<String> {
    let mut moved = Vec::new();
    for image in &plan.images {
        for tag in &image.tags {
            let name = format!("{}:{}", image.image, tag.tag);
            if is_done(rollout, &format!("tag:{name}"))
                && !is_done(rollout, &format!("untag:{name}"))
            {
                moved.push(format!("{}:{}", image.spot.repository, tag.tag));
            }
        }
    }
    moved
}

/// What to do now.
pub(super) fn hint(rollout: &Rollout) -> String {
    let Rollout { release, environment, .. } = rollout;
    match rollout.state.as_str() {
        "refused" => format!(
            "`portolan deploy {release} --env {environment} --plan` shows what would be done now"
        ),
        "rolled-back" => format!(
            "nothing is left to undo: mend what failed, and prepare another release; \
             `portolan release quarantine {release} --reason …` keeps this one from being deployed"
        ),
        _ if is_changed(rollout) => format!(
            "`portolan rollback --env {environment}` brings back what was there before; \
             `portolan deploy {release} --env {environment}` does what is left to do"
        ),
        _ => format!(
            "nothing was changed: mend what failed, and `portolan deploy {release} --env \
             {environment}` once more"
        ),
    }
}

fn is_changed(rollout: &Rollout) -> bool {
    rollout.steps.iter().any(|step| is_change(&step.name))
}
