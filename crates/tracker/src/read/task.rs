//! `ECS Task State Change`, and the same of Portolan's own tasks.

use portolan_model::Timestamp;
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{Long, MaybeDigest, Moment, Name, Sentence, Whole, said, told};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{ContainerObserved, Observation, TaskObserved};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
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

impl Detail {
    /// The task, as it was at the moment that it tells, else at `time`. Where it was is not told.
    pub(super) fn observed(self, time: Option<Moment>, received: Timestamp) -> TaskObserved {
        let at = self.updated_at.or(time).or(self.created_at);
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.0);
        TaskObserved {
            arn: told(self.task_arn),
            version: self.version.map(|version| version.0),
            at: at.map_or(received, |at| at.0),
            created_at: moment(self.created_at),
            started_at: moment(self.started_at),
            stopping_at: moment(self.stopping_at),
            stopped_at: moment(self.stopped_at),
            last_status: self.last_status.0,
            desired_status: self.desired_status.0,
            health: told(self.health_status),
            group: told(self.group),
            started_by: told(self.started_by),
            task_definition: told(self.task_definition_arn),
            cpu: told(self.cpu),
            memory: told(self.memory),
            stop_code: told(self.stop_code),
            stopped_reason: said(self.stopped_reason),
            containers: self.containers.into_iter().map(|container| container.0.into()).collect(),
            ..TaskObserved::default()
        }
    }
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let mut event: Envelope<'_, Detail> = fields(Kind::EcsTask, body)?;
    let detail = event.detail();
    let cluster = told(detail.cluster_arn.take());
    let arn = detail.task_arn.as_ref().map(|arn| arn.0.clone());
    let origin = event.origin(cluster.as_deref(), [arn.as_deref(), cluster.as_deref()]);
    let (event_id, time) = (told(event.id.take()), event.time);
    let task = event.into_detail().observed(time, received);
    Ok(Observation::Task(Box::new(TaskObserved { origin, event_id, ..task })))
}
