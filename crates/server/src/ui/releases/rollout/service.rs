//! How far a rollout is with one service.

use portolan_model::Timestamp;
use portolan_release::plan::{Action, ServicePlan};
use portolan_release::project::Moment;
use portolan_store::{RolloutStep, StepState};

use super::failure::Failure;
use super::step::{Counts, Steps, took};
use crate::ui::link::Link;
use crate::ui::show::{Chip, Shape, Visible, When};

/// A service that changes.
#[derive(Debug)]
pub(super) struct ServiceLine {
    pub(super) service: Visible,
    pub(super) link: Option<Link>,
    pub(super) deployment: Option<Link>,
    pub(super) action: &'static str,
    pub(super) chip: Chip,
    pub(super) is_done: bool,
    pub(super) counts: Option<Counts>,
    pub(super) hooks: Vec<(Visible, Chip)>,
    pub(super) begun: Option<When>,
    pub(super) took: String,
    pub(super) failures: Vec<Failure>,
}

impl ServiceLine {
    pub(super) fn new(
        plan: &ServicePlan,
        steps: &Steps<'_>,
        (link, deployment): (Option<Link>, Option<Link>),
        is_over: bool,
        now: Timestamp,
    ) -> Self {
        let of = |verb: &str| steps.of(verb, &plan.service);
        let watch = of("watch");
        let all = ["define", "start", "watch", "undo", "undone"].map(of);
        let hooks: Vec<(&portolan_release::project::Hook, Option<&RolloutStep>)> =
            plan.hooks.iter().map(|hook| (hook, steps.hook(&plan.service, &hook.name))).collect();
        let hook_steps = || hooks.iter().filter_map(|(_, step)| *step);
        let known = || all.iter().flatten().copied().chain(hook_steps());
        let first = known().map(|step| step.started_at).min();
        let last = known().filter_map(|step| step.finished_at).max();
        let is_done = is(watch, StepState::Done) && of("undo").is_none();
        let under_way = known().any(|step| step.state == StepState::Begun);
        Self {
            service: Visible::cut(&plan.service, 120),
            link,
            deployment,
            action: match plan.action {
                Action::Keep => "stays as it is",
                Action::Restart => "started anew",
                Action::Define => "new definition",
            },
            chip: chip(all, &hooks, is_over),
            is_done,
            counts: watch.and_then(Counts::of),
            hooks: hooks
                .iter()
                .map(|(hook, step)| (Visible::cut(&hook.name, 80), hook_chip(*step)))
                .collect(),
            begun: first.map(|at| When::new(at, now)),
            took: first.filter(|_| !under_way).map_or_else(String::new, |at| took(at, last)),
            failures: known().filter_map(Failure::of).collect(),
        }
    }
}

fn is(step: Option<&RolloutStep>, state: StepState) -> bool {
    step.is_some_and(|step| step.state == state)
}

/// How a service stands by its steps, the last of them first.
fn chip(
    [define, start, watch, undo, undone]: [Option<&RolloutStep>; 5],
    hooks: &[(&portolan_release::project::Hook, Option<&RolloutStep>)],
    is_over: bool,
) -> Chip {
    use StepState::{Begun, Done, Failed};
    let hook =
        |moment, state| hooks.iter().any(|(hook, step)| hook.moment == moment && is(*step, state));
    if is(undone, Done) {
        return Chip::new(Shape::Warn, "as it was before");
    }
    if is(undone, Failed) || is(undo, Failed) {
        return Chip::new(Shape::Bad, "could not be brought back");
    }
    if undo.is_some() {
        return Chip::new(Shape::Warn, "being brought back");
    }
    if [define, start, watch].iter().any(|step| is(*step, Failed)) {
        return Chip::new(Shape::Bad, "failed");
    }
    if hook(Moment::Before, Failed) || hook(Moment::After, Failed) {
        return Chip::new(Shape::Bad, "a hook failed");
    }
    if hook(Moment::After, Begun) || hook(Moment::Before, Begun) {
        return Chip::new(Shape::Run, "a hook runs");
    }
    if is(watch, Done) {
        return Chip::new(Shape::Ok, "well");
    }
    match (watch, start) {
        (Some(_), _) if is_over => Chip::new(Shape::Off, "not waited for"),
        (Some(_), _) => Chip::new(Shape::Run, "coming up"),
        (None, Some(_)) => Chip::new(Shape::Run, "started"),
        (None, None) if is_over => Chip::new(Shape::Off, "not begun"),
        (None, None) => Chip::new(Shape::Off, "waits for its turn"),
    }
}

fn hook_chip(step: Option<&RolloutStep>) -> Chip {
    match step.map(|step| step.state) {
        None => Chip::new(Shape::Off, "not yet"),
        Some(StepState::Begun) => Chip::new(Shape::Run, "runs"),
        Some(StepState::Done) => Chip::new(Shape::Ok, "done"),
        Some(StepState::Failed) => Chip::new(Shape::Bad, "failed"),
    }
}
