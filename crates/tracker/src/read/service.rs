//! `ECS Service Observed`: what our own sweep found, in the words of `DescribeServices`.
//!
//! Source: [the service as ECS describes it](https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html).

use portolan_model::Timestamp;
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{Long, Moment, Name, Sentence, Whole, said, told};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{DeploymentObserved, Observation, RolloutState, ServiceObserved};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    cluster_arn: Option<Long>,
    service_name: Name,
    desired_count: Whole,
    #[serde(default)]
    deployments: Vec<Object<Deployment>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    id: Name,
    task_definition: Option<Long>,
    desired_count: Whole,
    rollout_state: Option<Name>,
    rollout_state_reason: Option<Sentence>,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
}

impl From<Deployment> for DeploymentObserved {
    fn from(deployment: Deployment) -> Self {
        let state = match deployment.rollout_state.as_ref().map(|state| state.0.as_str()) {
            Some("IN_PROGRESS") => Some(RolloutState::InProgress),
            Some("COMPLETED") => Some(RolloutState::Completed),
            Some("FAILED") => Some(RolloutState::Failed),
            _ => None,
        };
        Self {
            id: deployment.id.0,
            task_definition: told(deployment.task_definition),
            desired: deployment.desired_count.0,
            state,
            reason: said(deployment.rollout_state_reason),
            created_at: deployment.created_at.map(|at| at.0),
            updated_at: deployment.updated_at.map(|at| at.0),
        }
    }
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let mut event: Envelope<'_, Detail> = fields(Kind::EcsService, body)?;
    let cluster = told(event.detail().cluster_arn.take());
    let origin = event.origin(cluster.as_deref(), [cluster.as_deref()]);
    let at = event.at(received);
    let detail = event.into_detail();
    Ok(Observation::Service(ServiceObserved {
        origin,
        at,
        service: detail.service_name.0,
        desired: detail.desired_count.0,
        deployments: detail.deployments.into_iter().map(|each| each.0.into()).collect(),
    }))
}
