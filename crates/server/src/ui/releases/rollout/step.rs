//! The steps of a rollout, by what they are done to and in their order.

use std::collections::HashMap;

use portolan_model::Timestamp;
use portolan_release::target::Started;
use portolan_store::{RolloutStep, StepState};

use super::failure::Failure;
use crate::ui::show::{Chip, Shape, Visible, When, duration};

/// Steps by their names.
#[derive(Debug)]
pub(super) struct Steps<'s>(HashMap<&'s str, &'s RolloutStep>);

impl<'s> Steps<'s> {
    pub(super) fn new(steps: &'s [RolloutStep]) -> Self {
        Self(steps.iter().map(|step| (step.name.as_str(), step)).collect())
    }

    /// The step `verb` of a service.
    pub(super) fn of(&self, verb: &str, service: &str) -> Option<&'s RolloutStep> {
        self.0.get(format!("{verb}:{service}").as_str()).copied()
    }

    /// The step of a hook of a service.
    pub(super) fn hook(&self, service: &str, hook: &str) -> Option<&'s RolloutStep> {
        self.0.get(format!("hook:{service}:{hook}").as_str()).copied()
    }

    /// The deployment that was started for a service.
    pub(super) fn deployment(&self, service: &str) -> Option<String> {
        let step = self.of("start", service).filter(|step| step.state == StepState::Done)?;
        let started: Started = serde_json::from_value(step.outcome.clone()?).ok()?;
        Some(started.deployment)
    }
}

/// A step as a line of a table.
#[derive(Debug)]
pub(super) struct StepLine {
    pub(super) what: Visible,
    pub(super) name: Visible,
    pub(super) chip: Chip,
    pub(super) counts: Option<String>,
    pub(super) begun: When,
    pub(super) took: String,
    pub(super) reason: Option<Visible>,
}

impl StepLine {
    pub(super) fn new(step: &RolloutStep, now: Timestamp) -> Self {
        Self {
            what: Visible::cut(&words(&step.name), 200),
            name: Visible::cut(&step.name, 200),
            chip: match step.state {
                StepState::Begun => Chip::new(Shape::Run, "begun"),
                StepState::Done => Chip::new(Shape::Ok, "done"),
                StepState::Failed => Chip::new(Shape::Bad, "failed"),
            },
            counts: Counts::of(step).map(Counts::told),
            begun: When::new(step.started_at, now),
            took: took(step.started_at, step.finished_at),
            reason: Failure::of(step).map(|failure| failure.reason),
        }
    }
}

/// How long something took that ended.
pub(super) fn took(from: Timestamp, to: Option<Timestamp>) -> String {
    to.map_or_else(String::new, |to| duration(to.millis_since(from)))
}

/// How far a deployment is that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) desired: u64,
    pub(super) running: u64,
    pub(super) failed: u64,
}

impl Counts {
    /// How far the deployment is that `step` watches; none where that is not told.
    pub(super) fn of(step: &RolloutStep) -> Option<Self> {
        let told = step.outcome.as_ref().filter(|_| step.state == StepState::Begun)?;
        let count = |name: &str| told.get(name).and_then(serde_json::Value::as_u64);
        let (desired, running) = (count("desired")?, count("running")?);
        Some(Self { desired, running, failed: count("failed").unwrap_or_default() })
    }

    /// How much of a bar is full.
    pub(super) fn part(self) -> u64 {
        self.running.min(self.desired)
    }

    /// How long the bar is.
    pub(super) fn whole(self) -> u64 {
        self.desired.max(1)
    }

    /// The counts in words.
    pub(super) fn told(self) -> String {
        let Self { desired, running, failed } = self;
        let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        format!("{running} of {desired} run{failed}")
    }
}

/// What a step does, in words.
fn words(name: &str) -> String {
    let (verb, rest) = name.split_once(':').unwrap_or((name, ""));
    let (first, second) = rest.split_once(':').unwrap_or((rest, ""));
    match verb {
        "copy" => format!("Copy image {rest}"),
        "verify" => "See that the images are there".to_owned(),
        "define" => format!("Define {rest}"),
        "start" => format!("Start {rest}"),
        "watch" => format!("Wait until {rest} is well"),
        "hook" => format!("Run {second} of {first}"),
        "tag" => format!("Move the tag {second} of {first}"),
        "untag" => format!("Move the tag {second} of {first} back"),
        "undo" => format!("Bring {rest} back"),
        "undone" => format!("Wait until {rest} is back"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_in_words() {
        for (name, told) in [
            ("watch:api", "Wait until api is well"),
            ("hook:worker:migrate", "Run migrate of worker"),
            ("untag:api:env.prod", "Move the tag env.prod of api back"),
            ("verify:images", "See that the images are there"),
            ("of-tomorrow", "of-tomorrow"),
        ] {
            assert_eq!(words(name), told);
        }
    }
}
