//! Why a step failed: what was said, which tasks stopped, with what, and their last lines.

use portolan_release::target::{Explanation, StoppedContainer, StoppedTask};
use portolan_store::{RolloutStep, StepState};

use crate::ui::releases::words::in_short;
use crate::ui::show::Visible;

/// Events, tasks and lines that are shown at most of one failure.
const EVENTS: usize = 10;
const TASKS: usize = 5;
const LINES: usize = 30;

/// Why a step failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: Visible,
    pub(super) tasks: Vec<Stopped>,
    pub(super) events: Vec<Visible>,
}

/// A task that stopped.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) id: Visible,
    pub(super) whole: Visible,
    pub(super) reason: Option<Visible>,
    pub(super) containers: Vec<Container>,
}

/// A container of it.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: Visible,
    pub(super) exit: Option<i64>,
    pub(super) reason: Option<Visible>,
    pub(super) log: Option<Visible>,
}

impl Failure {
    /// Why `step` failed; none where it did not.
    pub(super) fn of(step: &RolloutStep) -> Option<Self> {
        let outcome = step.outcome.as_ref().filter(|_| step.state == StepState::Failed)?;
        let reason = outcome["reason"].as_str().unwrap_or("it failed");
        let why = serde_json::from_value::<Explanation>(outcome["why"].clone()).unwrap_or_default();
        // What is told of its tasks below is not told twice.
        let short = if why.tasks.is_empty() { reason } else { in_short(reason) };
        Some(Self {
            reason: Visible::cut(short, 1000),
            tasks: why.tasks.iter().take(TASKS).map(Stopped::new).collect(),
            events: why.events.iter().take(EVENTS).map(|it| Visible::cut(it, 500)).collect(),
        })
    }
}

impl Stopped {
    fn new(task: &StoppedTask) -> Self {
        let short = task.id.rsplit(['/', ':']).next().unwrap_or(&task.id);
        Self {
            id: Visible::cut(short, 24),
            whole: Visible::cut(&task.id, 300),
            reason: task.reason.as_deref().map(|it| Visible::cut(it, 500)),
            containers: task.containers.iter().map(Container::new).collect(),
        }
    }
}

impl Container {
    fn new(container: &StoppedContainer) -> Self {
        let from = container.log.len().saturating_sub(LINES);
        let lines: Vec<String> =
            container.log.iter().skip(from).map(|it| it.chars().take(1000).collect()).collect();
        Self {
            name: Visible::cut(&container.name, 80),
            exit: container.exit_code,
            reason: container.reason.as_deref().map(|it| Visible::cut(it, 500)),
            log: (!lines.is_empty()).then(|| Visible::lines(lines.join("\n"))),
        }
    }
}
