//! How a deployment stands at a moment: a pure function of what is known.
//!
//! The rules are those of the portal's second model (`pending`, `running`, `stopping`, `stopped`,
//! `undeployed`, `failed`, `requested`), with two differences. How far a rollout came and how many of
//! its tasks are well are told apart, so that a task that ECS replaces does not undo a success. And
//! whatever depends on time alone, such as a request that nobody took up, becomes so by itself.

use std::collections::BTreeMap;

use portolan_model::Timestamp;
use portolan_store::{Deployment, DeploymentRequest, Task};
use serde::Serialize;

/// How long a request may wait for its deployment: 20 minutes.
pub const REQUEST_MILLIS: i64 = 20 * 60 * 1000;
/// How far back tasks are looked at to tell whether a deployment is stable: 6 minutes.
const UNSTABLE_MILLIS: i64 = 6 * 60 * 1000;
/// So many dead tasks in that time, besides living ones, are a crash loop.
const UNSTABLE_DEAD: usize = 4;
/// Reasons that are told at most.
const REASONS: usize = 10;

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Asked for, and nothing was seen of it.
    Requested,
    /// Tasks are being started.
    Pending,
    /// It runs.
    Running,
    /// Its last tasks are being stopped.
    Stopping,
    /// It ran, and does so no longer.
    Stopped,
    /// No task of it shall run.
    Undeployed,
    /// It did not come up, or went down without being told to.
    Failed,
    /// What ran before it runs again.
    RolledBack,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Requested,
        Self::Pending,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Undeployed,
        Self::Failed,
        Self::RolledBack,
    ];

    /// The word of the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Stopping => "STOPPING",
            Self::Stopped => "STOPPED",
            Self::Undeployed => "UNDEPLOYED",
            Self::Failed => "FAILED",
            Self::RolledBack => "ROLLED_BACK",
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = text.replace([' ', '-'], "_").to_uppercase();
        Self::ALL.into_iter().find(|status| status.name() == wanted).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            format!("`{}` is no status: one of {all}", text.chars().take(40).collect::<String>())
        })
    }
}

/// Where a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It is being started.
    Pending,
    /// It runs.
    Running,
    /// It is being stopped, or shall be.
    Stopping,
    /// It has stopped, or another has taken its place.
    Stopped,
}

/// The phase of `task` at `at`, and since when; none before it was made.
pub fn phase(task: &Task, at: Timestamp) -> Option<(Phase, Timestamp)> {
    let reached = |moment: Option<Timestamp>| moment.filter(|moment| *moment <= at);
    let stopped = [reached(task.fact.stopped_at), reached(task.superseded_at)];
    if let Some(since) = stopped.into_iter().flatten().min() {
        return Some((Phase::Stopped, since));
    }
    let phases = [
        (Phase::Stopping, task.fact.stopping_at),
        (Phase::Running, task.fact.running_at),
        (Phase::Pending, task.fact.pending_at),
    ];
    phases.into_iter().find_map(|(phase, moment)| Some((phase, reached(moment)?)))
}

/// Whether `task` runs at `at`.
pub fn runs(task: &Task, at: Timestamp) -> bool {
    phase(task, at).is_some_and(|(phase, _)| phase == Phase::Running)
}

/// How many tasks are in each phase. A task counts once, whatever its containers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Being started.
    pub pending: u64,
    /// Running.
    pub running: u64,
    /// Being stopped.
    pub stopping: u64,
    /// Stopped.
    pub stopped: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, phase: Phase) {
        match phase {
            Phase::Pending => self.pending += 1,
            Phase::Running => self.running += 1,
            Phase::Stopping => self.stopping += 1,
            Phase::Stopped => self.stopped += 1,
        }
    }
}

/// How far the rollout is, by ECS's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rollout {
    Unknown,
    InProgress,
    Completed,
    Failed,
}

/// What a deployment is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The deployment; none for a request that has not become one.
    pub deployment: Option<&'a Deployment>,
    /// What it came from, where it was asked for.
    pub request: Option<&'a DeploymentRequest>,
    /// Its tasks, all of them.
    pub tasks: &'a [Task],
    /// The deployment of the service in the environment that was made before it.
    pub before: Option<&'a Deployment>,
    /// The one that was made after it.
    pub after: Option<&'a Deployment>,
}

/// How a deployment stands, and what that is said by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The word for it.
    pub status: Status,
    /// Its tasks by phase.
    pub counts: Counts,
    /// Tasks that shall run: as told, or else the most that were alive at once.
    pub desired: u64,
    /// Whether its tasks die and are started again in a loop.
    pub unstable: bool,
    /// Why it failed, or why its tasks did.
    pub reasons: Vec<String>,
    /// When it was complete, or had failed.
    pub finished_at: Option<Timestamp>,
}

/// How the deployment of `case` stands at `at`.
pub fn judge(case: Case<'_>, at: Timestamp) -> Verdict {
    let tasks = distinct(case.tasks, at);
    let mut counts = Counts::default();
    for (_, phase, _) in &tasks {
        counts.add(*phase);
    }
    let told = told(case, at);
    let desired = told.unwrap_or_else(|| most_at_once(&tasks, at));
    let (rollout, finished_at) = rollout(case.deployment, at);
    let mut reasons = reasons(&tasks, case.deployment, rollout);
    let unstable = is_unstable(&tasks, desired, at);
    // Of a deployment that another followed, ECS says too that no task of it shall run.
    let superseded = case.after.is_some_and(|after| after.created_at() <= at);
    let status = if told == Some(0) && !superseded {
        Status::Undeployed
    } else if went_back(case, at) {
        Status::RolledBack
    } else {
        let status = by_tasks(rollout, counts, desired, superseded, !reasons.is_empty());
        status.unwrap_or_else(|| requested(case.request, at, &mut reasons))
    };
    Verdict { status, counts, desired, unstable, reasons, finished_at }
}

/// Each task once, with its phase and since when it is in it.
fn distinct(tasks: &[Task], at: Timestamp) -> Vec<(&Task, Phase, Timestamp)> {
    let mut first: BTreeMap<&str, &Task> = BTreeMap::new();
    for task in tasks {
        let known = first.entry(&task.fact.id).or_insert(task);
        if (task.fact.position, &task.fact.container) < (known.fact.position, &known.fact.container)
        {
            *known = task;
        }
    }
    let phased = |task: &'_ &Task| phase(task, at);
    first
        .into_values()
        .filter_map(|task| phased(&task).map(|(phase, since)| (task, phase, since)))
        .collect()
}

fn told(case: Case<'_>, at: Timestamp) -> Option<u64> {
    let by_ecs = case.deployment.and_then(|it| it.fact.desired).filter(|(when, _)| *when <= at);
    by_ecs
        .map(|(_, count)| count)
        .or_else(|| case.request.and_then(|request| request.instance_count))
}

/// The most tasks that were alive at once until `at`; at least one.
fn most_at_once(tasks: &[(&Task, Phase, Timestamp)], at: Timestamp) -> u64 {
    let mut moves: Vec<(Timestamp, i64)> = Vec::with_capacity(tasks.len() * 2);
    for (task, ..) in tasks {
        let Some(from) = task.fact.pending_at.filter(|from| *from <= at) else { continue };
        moves.push((from, 1));
        moves.extend(task.until().filter(|until| *until <= at).map(|until| (until, -1)));
    }
    // At one moment those that end make room before others begin.
    moves.sort_unstable();
    let (mut alive, mut most) = (0_i64, 1_i64);
    for (_, step) in moves {
        alive += step;
        most = most.max(alive);
    }
    most.unsigned_abs()
}

fn rollout(deployment: Option<&Deployment>, at: Timestamp) -> (Rollout, Option<Timestamp>) {
    let Some(fact) = deployment.map(|deployment| &deployment.fact) else {
        return (Rollout::Unknown, None);
    };
    let reached = |moment: Option<Timestamp>| moment.filter(|moment| *moment <= at);
    let (completed, failed) =
        (reached(fact.completed_at), reached(fact.failed.as_ref().map(|(when, _)| *when)));
    match (completed, failed) {
        (Some(done), Some(broken)) if broken >= done => (Rollout::Failed, Some(broken)),
        (Some(done), _) => (Rollout::Completed, Some(done)),
        (None, Some(broken)) => (Rollout::Failed, Some(broken)),
        (None, None) if reached(fact.in_progress_at).is_some() => (Rollout::InProgress, None),
        (None, None) => (Rollout::Unknown, None),
    }
}

/// Whether what ran before runs again: by ECS's circuit breaker, or because somebody said so.
fn went_back(case: Case<'_>, at: Timestamp) -> bool {
    let Some(mine) = case.deployment else { return false };
    let breaker = mine.fact.failed.as_ref().filter(|(when, _)| *when <= at);
    let says_so = breaker.and_then(|(_, reason)| reason.as_deref()).is_some_and(|reason| {
        let reason = reason.to_lowercase();
        reason.contains("rolling back") || reason.contains("rolled back")
    });
    let Some(after) = case.after.filter(|after| after.created_at() <= at) else { return says_so };
    let same = |one: &Deployment, other: &Deployment| {
        let definition = one.fact.task_definition.is_some()
            && one.fact.task_definition == other.fact.task_definition;
        definition || (one.digest.is_some() && one.digest == other.digest)
    };
    // Trying again what failed before is no way back.
    let back = case.before.is_some_and(|before| {
        before.fact.failed.is_none() && same(before, after) && !same(before, mine)
    });
    says_so || after.fact.rollback || back
}

/// The status by rollout and tasks; none where there is neither.
fn by_tasks(
    rollout: Rollout,
    counts: Counts,
    desired: u64,
    superseded: bool,
    troubled: bool,
) -> Option<Status> {
    let gone = if superseded || !troubled { Status::Stopped } else { Status::Failed };
    Some(match rollout {
        Rollout::Failed => Status::Failed,
        Rollout::Completed if counts.running > 0 => Status::Running,
        Rollout::Unknown if counts.running > 0 && counts.running >= desired => Status::Running,
        _ if counts.pending > 0 => Status::Pending,
        _ if counts.running > 0 => Status::Pending,
        _ if counts.stopping > 0 => Status::Stopping,
        Rollout::InProgress if !superseded => Status::Pending,
        Rollout::InProgress | Rollout::Completed => gone,
        Rollout::Unknown if counts.stopped > 0 => gone,
        Rollout::Unknown => return None,
    })
}

fn requested(
    request: Option<&DeploymentRequest>,
    at: Timestamp,
    reasons: &mut Vec<String>,
) -> Status {
    let Some(request) = request else { return Status::Pending };
    if request.at.plus_millis(REQUEST_MILLIS) >= at {
        return Status::Requested;
    }
    reasons.push("Deployment timed out.".to_owned());
    Status::Failed
}

fn is_unstable(tasks: &[(&Task, Phase, Timestamp)], desired: u64, at: Timestamp) -> bool {
    let recent = tasks.iter().filter(|(_, _, since)| at.millis_since(*since) <= UNSTABLE_MILLIS);
    let (dead, alive): (Vec<Phase>, Vec<Phase>) =
        recent.map(|(_, phase, _)| *phase).partition(|phase| *phase >= Phase::Stopping);
    tasks.len() as u64 > desired && !alive.is_empty() && dead.len() >= UNSTABLE_DEAD
}

/// Why it or its tasks failed: each reason once, in the order in which they came up.
fn reasons(
    tasks: &[(&Task, Phase, Timestamp)],
    deployment: Option<&Deployment>,
    rollout: Rollout,
) -> Vec<String> {
    let mut stopped: Vec<_> =
        tasks.iter().filter(|(_, phase, _)| *phase == Phase::Stopped).collect();
    stopped.sort_by_key(|(task, _, since)| (*since, &task.fact.id));
    let failure = deployment
        .and_then(|deployment| deployment.fact.failed.as_ref())
        .filter(|_| rollout == Rollout::Failed)
        .and_then(|(_, reason)| reason.clone());
    let mut reasons: Vec<String> = Vec::new();
    let told = stopped.into_iter().filter_map(|(task, ..)| {
        let word = &task.fact.word;
        let code = word.exit_code.filter(|code| *code != 0);
        match (code, &word.reason) {
            (Some(code), Some(reason)) => Some(format!("exit {code}, {reason}")),
            (None, Some(reason)) => Some(reason.clone()),
            // A task that was told to stop may end with any code.
            (Some(code), None) if word.stop_code.as_deref() == Some("EssentialContainerExited") => {
                Some(format!("exit {code}"))
            }
            _ => None,
        }
    });
    for reason in failure.into_iter().chain(told) {
        if reasons.len() < REASONS && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}
