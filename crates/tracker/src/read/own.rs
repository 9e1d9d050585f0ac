//! What Portolan itself says of the services that it runs: `CloudEvents` whose type begins with
//! `portolan.`.
//!
//! A task is told in the words of ECS, with the names of its environment, its service, its deployment
//! and its machine beside it.

use portolan_model::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::field::{Moment, Name, Sentence, said, told};
use super::task::Detail;
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{EndObserved, Observation, Origin, TaskObserved};

/// The type of an event that tells of a task.
pub(super) const TASK: &str = "portolan.task.observed";
/// The type of an event that tells that a deployment is complete.
pub(super) const COMPLETE: &str = "portolan.deployment.complete";
/// The type of an event that tells that a deployment failed.
pub(super) const FAILED: &str = "portolan.deployment.failed";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfTask {
    environment: Name,
    service: Name,
    deployment: Name,
    machine: Option<Name>,
    task: Object<Detail>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct End {
    environment: Name,
    service: Name,
    deployment: Name,
    reason: Option<Sentence>,
    #[serde(default)]
    rollback: bool,
    by: Option<Name>,
}

/// What an event of `event_type` says with its `data`; none where it is of none of these types.
pub(super) fn read(
    event_type: &str,
    data: Option<&RawValue>,
    time: Option<Moment>,
    received: Timestamp,
) -> Option<Result<Observation, Unreadable>> {
    let read = match event_type {
        TASK => task,
        COMPLETE => complete,
        FAILED => failed,
        _ => return None,
    };
    let missing =
        || Unreadable::content(Kind::CloudEvent, "`data` is missing: expected it as JSON");
    Some(data.ok_or_else(missing).and_then(|data| read(data.get(), time, received)))
}

fn task(data: &str, time: Option<Moment>, received: Timestamp) -> Result<Observation, Unreadable> {
    let told_of: OfTask = fields(Kind::CloudEvent, data)?;
    let task = told_of.task.0.observed(time, received);
    if task.arn.is_none() {
        let problem = "the task has no name: expected `taskArn`";
        return Err(Unreadable::content(Kind::CloudEvent, problem));
    }
    let cluster = told(told_of.machine).unwrap_or_default();
    Ok(Observation::Task(Box::new(TaskObserved {
        origin: Origin { cluster, ..Origin::default() },
        environment: Some(told_of.environment.0),
        deployment: Some(told_of.deployment.0),
        group: Some(format!("service:{}", told_of.service.0)),
        ..task
    })))
}

fn complete(
    data: &str,
    time: Option<Moment>,
    received: Timestamp,
) -> Result<Observation, Unreadable> {
    end(data, time, received, |_| None)
}

fn failed(
    data: &str,
    time: Option<Moment>,
    received: Timestamp,
) -> Result<Observation, Unreadable> {
    end(data, time, received, |reason| Some(said(reason).unwrap_or_default()))
}

fn end(
    data: &str,
    time: Option<Moment>,
    received: Timestamp,
    failed: impl FnOnce(Option<Sentence>) -> Option<String>,
) -> Result<Observation, Unreadable> {
    let end: End = fields(Kind::CloudEvent, data)?;
    Ok(Observation::Ended(Box::new(EndObserved {
        environment: end.environment.0,
        service: end.service.0,
        deployment: end.deployment.0,
        at: time.map_or(received, |at| at.0),
        failed: failed(end.reason),
        rollback: end.rollback,
        by: told(end.by),
    })))
}
