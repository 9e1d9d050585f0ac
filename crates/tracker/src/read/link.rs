//! `ECS Lambda Deployment Created`, `Updated` and `Event`: a deployment that was asked for has
//! become one of ECS.

use portolan_model::Timestamp;
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{Name, Sentence, Whole, said, told};
use super::{Kind, Object, Unreadable, fields, rollout};
use crate::observation::{LinkObserved, Observation, RequestObserved};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    deployment_id: Name,
    event_name: Option<Name>,
    reason: Option<Sentence>,
}

/// What the Lambda function writes beside the envelope.
#[derive(Debug, Deserialize)]
struct Beside {
    cdp_deployment_id: Name,
    deployed_by: Option<Name>,
    cdp_request: Option<Object<Request>>,
}

#[derive(Debug, Deserialize)]
struct Request {
    container_image: Name,
    container_version: Name,
    environment: Name,
    desired_count: Option<Whole>,
    task_cpu: Option<Name>,
    task_memory: Option<Name>,
    deployed_by: Option<Object<User>>,
}

#[derive(Debug, Default, Deserialize)]
struct User {
    user_id: Option<Name>,
    display_name: Option<Name>,
}

impl Request {
    fn observed(self, id: String, at: Timestamp) -> RequestObserved {
        let user = self.deployed_by.map(|user| user.0).unwrap_or_default();
        RequestObserved {
            id,
            service: self.container_image.0,
            version: self.container_version.0,
            environment: self.environment.0,
            at,
            user_id: told(user.user_id),
            user_name: told(user.display_name),
            instance_count: self.desired_count.map(|count| count.0),
            cpu: told(self.task_cpu),
            memory: told(self.task_memory),
        }
    }
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let mut event: Envelope<'_, Detail> = fields(Kind::DeploymentLink, body)?;
    let beside: Beside = fields(Kind::DeploymentLink, body)?;
    let (request, at) = (beside.cdp_deployment_id.0, event.at(received));
    let asked = beside.cdp_request.map(|asked| Box::new(asked.0.observed(request.clone(), at)));
    let origin = event.origin(None, []);
    let detail = event.into_detail();
    Ok(Observation::Link(LinkObserved {
        origin,
        deployment: detail.deployment_id.0,
        at,
        user: told(beside.deployed_by),
        state: detail.event_name.and_then(|name| rollout::state(&name.0)),
        reason: said(detail.reason),
        request,
        asked,
    }))
}
