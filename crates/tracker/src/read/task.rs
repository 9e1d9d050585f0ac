//! `ECS Task State Change`.

use portolan_model::Timestamp;
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{Long, MaybeDigest, Moment, Name, Sentence, Whole, said, told};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{ContainerObserved, Observation, TaskObserved};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    created_at: Option<Moment>,
    started_at: Option<Moment>,
    stopping_at: Option<Moment>,
    stopped_at: Option<Moment>,
    updated_at: Option<Moment>,
    last_status: Name,
    desired_status: Name,
    health_status: Option<Name>,
    group: Option<Name>,
    started_by: Option<Name>,
    task_arn: Option<Long>,
    task_definition_arn: Option<Long>,
    cluster_arn: Option<Long>,
    cpu: Option<Name>,
    memory: Option<Name>,
    stop_code: Option<Name>,
    stopped_reason: Option<Sentence>,
    version: Option<Whole>,
    containers: Vec<Object<Container>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: Name,
    image: Option<Long>,
    #[serde(default)]
    image_digest: MaybeDigest,
    last_status: Option<Name>,
    exit_code: Option<i64>,
    reason: Option<Sentence>,
}

impl From<Container> for ContainerObserved {
    fn from(container: Container) -> Self {
        Self {
            name: container.name.0,
            image: told(container.image).unwrap_or_default(),
            digest: container.image_digest.0,
            last_status: told(container.last_status),
            exit_code: container.exit_code,
            reason: said(container.reason),
        }
    }
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let mut event: Envelope<'_, Detail> = fields(Kind::EcsTask, body)?;
    let detail = event.detail();
    let (cluster, arn) = (told(detail.cluster_arn.take()), told(detail.task_arn.take()));
    let origin = event.origin(cluster.as_deref(), [arn.as_deref(), cluster.as_deref()]);
    let (event_id, time) = (told(event.id.take()), event.time);
    let detail = event.into_detail();
    let at = detail.updated_at.or(time).or(detail.created_at);
    let moment = |moment: Option<Moment>| moment.map(|moment| moment.0);
    Ok(Observation::Task(Box::new(TaskObserved {
        origin,
        arn,
        event_id,
        version: detail.version.map(|version| version.0),
        at: at.map_or(received, |at| at.0),
        created_at: moment(detail.created_at),
        started_at: moment(detail.started_at),
        stopping_at: moment(detail.stopping_at),
        stopped_at: moment(detail.stopped_at),
        last_status: detail.last_status.0,
        desired_status: detail.desired_status.0,
        health: told(detail.health_status),
        group: told(detail.group),
        started_by: told(detail.started_by),
        task_definition: told(detail.task_definition_arn),
        cpu: told(detail.cpu),
        memory: told(detail.memory),
        stop_code: told(detail.stop_code),
        stopped_reason: said(detail.stopped_reason),
        containers: detail.containers.into_iter().map(|container| container.0.into()).collect(),
    })))
}
