//! A task of Portolan's own as it was seen, and the event that says so.

use portolan_engine::{Container, HealthStatus, State};
use portolan_model::Timestamp;
use portolan_store::{RECORDED, RecordedService, Task};
use portolan_tracker::Message;
use serde_json::json;

/// Which way it came, in the journal.
const SOURCE: &str = "here";
/// The longest name of a machine that is told, in letters.
const MACHINE: usize = 64;
/// Deployments of commands that are run once: they are no tasks of a service.
pub(crate) const ONCE: &str = "once-";

/// What a task is, in the words of ECS.
pub(super) const PENDING: &str = "PENDING";
pub(super) const RUNNING: &str = "RUNNING";
pub(super) const STOPPED: &str = "STOPPED";
/// Why one stopped: it ended by itself, or it was told to.
const ENDED: &str = "EssentialContainerExited";
const TOLD: &str = "ServiceSchedulerInitiated";

/// What was said of a task last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) status: String,
    pub(super) desired: String,
    pub(super) health: Option<String>,
}

impl Word {
    /// What is known of a task.
    pub(super) fn of(task: &Task) -> Self {
        let word = &task.fact.word;
        // Of a task whose end is known nothing more is to be said.
        let is_over = task.fact.stopped_at.is_some();
        let end = |word: &str| if is_over { STOPPED.to_owned() } else { word.to_owned() };
        Self {
            status: if word.last_status == RECORDED {
                RECORDED.to_owned()
            } else {
                end(&word.last_status)
            },
            desired: end(&word.desired_status),
            health: word.health.clone(),
        }
    }

    fn is_over(&self) -> bool {
        self.status == STOPPED || (self.status == RECORDED && self.desired == STOPPED)
    }
}

/// A task as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenTask {
    /// Its name, which no other task ever has.
    pub(crate) id: String,
    /// Where it runs; empty where nothing runs it.
    machine: String,
    environment: String,
    service: String,
    deployment: String,
    image: String,
    status: &'static str,
    desired: &'static str,
    health: Option<&'static str>,
    exit_code: Option<i64>,
    reason: Option<String>,
    created_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    stopping_at: Option<Timestamp>,
    stopped_at: Option<Timestamp>,
}

/// The beginning of the names of all tasks that are containers.
pub(super) const LOCAL_TASKS: &str = "local/";

/// The beginning of the names of all tasks of a machine.
pub(super) fn of_machine(machine: &str) -> String {
    format!("{LOCAL_TASKS}{}/", shown(machine))
}

/// The beginning of the names of all tasks that are but recorded.
pub(super) const RECORDED_TASKS: &str = "recorded/";

fn shown(machine: &str) -> String {
    let fits = |it: &char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_');
    machine.chars().filter(fits).take(MACHINE).collect()
}

impl SeenTask {
    /// What is to be told of a container on `machine`; none where it is no task of a service, or was
    /// not begun.
    pub(crate) fn of(container: &Container, machine: &str) -> Option<Self> {
        let place = &container.place;
        if place.service.is_empty() || place.deployment.starts_with(ONCE) {
            return None;
        }
        // What was begun and is as if it had not been: the machine was started anew.
        let was_begun = container.started_at.is_some();
        let status = match container.state {
            State::Created | State::Other if !was_begun => PENDING,
            State::Created | State::Exited => STOPPED,
            State::Running | State::Stopping | State::Other => RUNNING,
        };
        let health = container.health.as_ref().map(|report| match report.status {
            HealthStatus::Starting => "UNKNOWN",
            HealthStatus::Healthy => "HEALTHY",
            HealthStatus::Unhealthy => "UNHEALTHY",
        });
        let is_over = status == STOPPED;
        let reason = match container.state {
            State::Created if is_over => Some("the machine was started anew".to_owned()),
            _ if container.out_of_memory => Some("out of memory".to_owned()),
            _ => Some(container.error.clone()).filter(|error| !error.is_empty()),
        };
        Some(Self {
            id: format!("{}{}", of_machine(machine), container.id),
            machine: shown(machine),
            environment: place.environment.clone(),
            service: place.service.clone(),
            deployment: place.deployment.clone(),
            image: container.image.as_ref().map(ToString::to_string).unwrap_or_default(),
            status,
            desired: if is_over { STOPPED } else { RUNNING },
            health: health.filter(|_| status == RUNNING),
            exit_code: container.exit_code,
            reason: reason.filter(|_| is_over),
            created_at: container.created_at.or(container.started_at),
            started_at: container.started_at,
            stopping_at: None,
            stopped_at: container.finished_at.filter(|_| is_over),
        })
    }

    /// The tasks that would run of a service, where nothing runs it.
    pub(crate) fn recorded(service: &RecordedService, image: &str, count: u32) -> Vec<Self> {
        let task = |number| Self {
            id: format!("{RECORDED_TASKS}{}/{number}", service.deployment),
            machine: String::new(),
            environment: service.environment.clone(),
            service: service.service.clone(),
            deployment: service.deployment.clone(),
            image: image.to_owned(),
            status: RECORDED,
            desired: RUNNING,
            health: None,
            exit_code: None,
            reason: None,
            created_at: Some(service.at),
            started_at: Some(service.at),
            stopping_at: None,
            stopped_at: None,
        };
        (0..count).map(task).collect()
    }

    /// A task that is no longer there, and of whose end nothing is known but that it was before
    /// `now`.
    pub(crate) fn gone(task: &Task, now: Timestamp) -> Self {
        let fact = &task.fact;
        let is_recorded = fact.is_recorded_only();
        let reason = "it is not on this machine any more".to_owned();
        Self {
            id: fact.id.clone(),
            machine: fact.cluster.clone(),
            environment: fact.environment.clone(),
            service: fact.ecs_service.clone().unwrap_or_default(),
            deployment: fact.deployment.clone(),
            image: fact.image.clone(),
            status: if is_recorded { RECORDED } else { STOPPED },
            desired: STOPPED,
            health: None,
            exit_code: None,
            reason: Some(reason).filter(|_| !is_recorded),
            created_at: fact.pending_at,
            started_at: fact.running_at,
            stopping_at: None,
            stopped_at: Some(now),
        }
    }

    /// The same task on its way to its end, since it was told so at `now`.
    pub(crate) fn stopping(self, now: Timestamp) -> Self {
        Self { desired: STOPPED, stopping_at: Some(now), ..self }
    }

    /// What is to be said of it after `before` was, at the moment `now`; none where it is nothing new.
    pub(super) fn news(&self, before: Option<&Word>, now: Timestamp) -> Option<(Message, Word)> {
        // Of a task that was told to stop it is not said that it shall run.
        let told = before.is_some_and(|word| word.desired == STOPPED) || self.stopping_at.is_some();
        let desired = if told { STOPPED } else { self.desired };
        let health = self.health.map(str::to_owned);
        if let Some(before) = before {
            // A look at a task that was not looked at since this process began is no news.
            let is_well =
                self.health.is_none_or(|health| health == "UNKNOWN") || before.health == health;
            let same = before.status == self.status && before.desired == desired;
            if before.is_over() || (same && is_well) {
                return None;
            }
        }
        let is_over = self.status == STOPPED;
        let stopped_at =
            if is_over { Some(self.stopped_at.unwrap_or(now)) } else { self.stopped_at };
        let first = before.is_none_or(|before| before.status != self.status);
        // What is seen by several is said in the same words by each, where its moment is known.
        let (stage, at) = match self.status {
            PENDING => (1, self.created_at),
            STOPPED if self.exit_code.is_some() => (4, stopped_at),
            // A better word may come.
            STOPPED => (3, stopped_at),
            _ if desired == STOPPED => (3, stopped_at.or(self.stopping_at)),
            _ if first => (2, self.started_at),
            _ => (2, None),
        };
        let at = at.unwrap_or(now);
        let stop_code = (is_over || desired == STOPPED).then_some(if told { TOLD } else { ENDED });
        let event = json!({
            "specversion": "1.0",
            "id": format!("{}:{}", self.id, self.status.to_lowercase()),
            "type": "portolan.task.observed",
            "source": if self.machine.is_empty() { "portolan".to_owned() } else { format!("/machines/{}", self.machine) },
            "time": at,
            "data": {
                "environment": self.environment,
                "service": self.service,
                "deployment": self.deployment,
                "machine": self.machine,
                "task": {
                    "taskArn": self.id,
                    "version": stage,
                    "lastStatus": self.status,
                    "desiredStatus": desired,
                    "healthStatus": health,
                    "createdAt": self.created_at,
                    "startedAt": self.started_at,
                    "stoppingAt": self.stopping_at,
                    "stoppedAt": stopped_at,
                    "stopCode": stop_code,
                    "stoppedReason": self.reason,
                    "containers": [{
                        "name": self.service,
                        "image": self.image,
                        "lastStatus": self.status,
                        "exitCode": self.exit_code,
                        "reason": self.reason,
                    }],
                },
            },
        });
        let body = event.to_string();
        let message = Message { source: SOURCE.to_owned(), body, id: None, sent_at: None };
        let word = Word { status: self.status.to_owned(), desired: desired.to_owned(), health };
        Some((message, word))
    }
}
