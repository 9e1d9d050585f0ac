//! Tasks of ECS, and of Portolan's own.

use portolan_model::Timestamp;
use portolan_store::{DeploymentFact, TaskFact, TaskWord};

use super::{Rules, Unplaced, mark};
use crate::facts::Facts;
use crate::observation::{ContainerObserved, TaskObserved};
use crate::read::image_reference;

/// What is told of an end that was wanted, and so is no reason for a failure.
const WANTED: &[&str] = &["UserInitiated", "EssentialContainerExited", "ServiceSchedulerInitiated"];

/// How far a task is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Pending,
    Running,
    Stopping,
    Stopped,
}

/// The phase that a task is in by ECS's two words for it; none for words that ECS does not have.
///
/// A task that shall stop counts as stopping from then on, whatever it still is.
fn phase(last: &str, desired: &str) -> Option<Phase> {
    let phase = match last {
        "PROVISIONING" | "PENDING" | "ACTIVATING" => Phase::Pending,
        "RUNNING" => Phase::Running,
        "DEACTIVATING" | "STOPPING" | "DEPROVISIONING" => Phase::Stopping,
        "STOPPED" | "DELETED" => Phase::Stopped,
        _ => return None,
    };
    Some(if desired == "STOPPED" { phase.max(Phase::Stopping) } else { phase })
}

/// What an event says of the service or family of a task: the text after the last colon.
fn group_name(group: &str) -> Option<&str> {
    let (kind, name) = group.split_once(':')?;
    let name = name.rsplit(':').next().unwrap_or(name);
    (matches!(kind, "service" | "family") && !name.is_empty()).then_some(name)
}

/// What a task and its deployment are called.
struct Names {
    task: String,
    deployment: String,
    /// What the API calls the deployment.
    deployment_id: String,
    /// Whether no further word of this task will come: it had no name of its own.
    anonymous: bool,
}

fn names(task: &TaskObserved) -> Names {
    let definition = task.task_definition.as_deref().unwrap_or_default();
    let Some(arn) = &task.arn else {
        // The same message from two accounts is about two tasks.
        let made = task.created_at.unwrap_or(task.at).millis();
        let event = task.event_id.as_deref().unwrap_or_default();
        let first = task.containers.first().map_or("", |container| container.image.as_str());
        let name = format!("event:{}:{made}:{event}:{first}", task.origin.account);
        let id = [event, definition, &name].into_iter().find(|text| !text.is_empty());
        let deployment_id = id.unwrap_or_default().to_owned();
        return Names { task: name.clone(), deployment: name, deployment_id, anonymous: true };
    };
    let started = task.started_by.as_deref().filter(|by| by.starts_with("ecs-svc/"));
    let key = task
        .deployment
        .as_deref()
        .or(started)
        .unwrap_or(if definition.is_empty() { arn } else { definition })
        .to_owned();
    Names { task: arn.clone(), deployment: key.clone(), deployment_id: key, anonymous: false }
}

/// The first moment of each phase, as far as one event tells.
struct Phases {
    pending: Timestamp,
    running: Option<Timestamp>,
    stopping: Option<Timestamp>,
    stopped: Option<Timestamp>,
}

fn phases(task: &TaskObserved, phase: Option<Phase>) -> Phases {
    let when = |told: Option<Timestamp>, of: Phase| {
        told.or_else(|| (phase == Some(of)).then_some(task.at))
    };
    Phases {
        pending: task.created_at.unwrap_or(task.at),
        running: when(task.started_at, Phase::Running),
        stopping: when(task.stopping_at, Phase::Stopping),
        stopped: when(task.stopped_at, Phase::Stopped),
    }
}

/// Why the task stopped, or is about to, in the words of ECS.
fn reason(task: &TaskObserved, container: &ContainerObserved) -> Option<String> {
    let timed_out = container.name.ends_with("-timeout")
        && container.exit_code == Some(1)
        && container.last_status.as_deref() == Some("STOPPED");
    let unwanted = task.stop_code.as_deref().is_none_or(|code| !WANTED.contains(&code));
    let stopped = task.stopped_reason.as_deref().filter(|_| unwanted);
    let reasons: Vec<&str> =
        [container.reason.as_deref(), timed_out.then_some("exceeded maximum run time"), stopped]
            .into_iter()
            .flatten()
            .filter(|reason| !reason.is_empty())
            .collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn word(task: &TaskObserved, container: &ContainerObserved) -> TaskWord {
    let last_status = container
        .last_status
        .as_deref()
        .filter(|status| !status.is_empty())
        .unwrap_or(&task.last_status)
        .to_owned();
    let reason = reason(task, container);
    let exit_code = container.exit_code.map(|code| code.to_string());
    let mark = mark(&[
        &last_status,
        &task.desired_status,
        task.health.as_deref().unwrap_or_default(),
        exit_code.as_deref().unwrap_or_default(),
        task.stop_code.as_deref().unwrap_or_default(),
        reason.as_deref().unwrap_or_default(),
    ]);
    TaskWord {
        version: task.version.unwrap_or(0),
        at: task.at,
        mark,
        last_status,
        desired_status: task.desired_status.clone(),
        health: task.health.clone(),
        exit_code: container.exit_code,
        stop_code: task.stop_code.clone(),
        reason,
    }
}

pub(super) fn project(
    task: TaskObserved,
    rules: &Rules,
    facts: &mut Facts,
) -> Result<(), Unplaced> {
    let environment = match &task.environment {
        Some(name) => rules.named(name)?.name.clone(),
        None => rules.place(&task.origin)?.name.clone(),
    };
    let names = names(&task);
    let last = if task.last_status.is_empty() {
        task.containers.first().and_then(|container| container.last_status.as_deref())
    } else {
        Some(task.last_status.as_str())
    };
    let phases = phases(&task, phase(last.unwrap_or_default(), &task.desired_status));
    let ecs_service = task.group.as_deref().and_then(group_name).map(str::to_owned);
    let mut counted = false;
    for (position, container) in task.containers.iter().enumerate() {
        if rules.ignored_containers.contains(&container.name) {
            continue;
        }
        counted = true;
        let image = image_reference(&container.image);
        let slot = names.anonymous.then(|| {
            let repository = image.repository.as_ref().map_or(&*container.image, |it| it.as_str());
            format!("{environment}/{repository}/{}", container.name)
        });
        facts.task(TaskFact {
            id: names.task.clone(),
            container: container.name.clone(),
            position: u32::try_from(position).unwrap_or(u32::MAX),
            environment: environment.clone(),
            account: task.origin.account.clone(),
            region: task.origin.region.clone(),
            cluster: task.origin.cluster.clone(),
            ecs_service: ecs_service.clone(),
            deployment: names.deployment.clone(),
            task_definition: task.task_definition.clone(),
            image: container.image.clone(),
            repository: image.repository,
            tag: image.tag,
            stated: container.digest.or(image.digest),
            cpu: task.cpu.clone(),
            memory: task.memory.clone(),
            word: word(&task, container),
            pending_at: Some(phases.pending),
            running_at: phases.running,
            stopping_at: phases.stopping,
            stopped_at: phases.stopped,
            slot,
        });
    }
    if counted {
        facts.deployment(DeploymentFact {
            environment,
            key: names.deployment,
            id: names.deployment_id,
            account: task.origin.account,
            region: task.origin.region,
            cluster: task.origin.cluster,
            ecs_service,
            task_definition: task.task_definition,
            created_at: Some(phases.pending),
            ..DeploymentFact::default()
        });
    }
    Ok(())
}
