//! A deployment that was asked for, in our own form: what `POST /deployments` keeps.

use portolan_model::Timestamp;
use serde::Deserialize;

use super::field::{Moment, Name, Whole, told};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{Observation, RequestObserved};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    deployment_id: Name,
    service: Name,
    version: Name,
    environment: Name,
    at: Option<Moment>,
    user: Option<Object<User>>,
    instance_count: Option<Whole>,
    cpu: Option<Name>,
    memory: Option<Name>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    id: Option<Name>,
    display_name: Option<Name>,
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let request: Request = fields(Kind::DeploymentRequest, body)?;
    let user = request.user.map(|user| user.0).unwrap_or_default();
    Ok(Observation::Request(Box::new(RequestObserved {
        id: request.deployment_id.0,
        service: request.service.0,
        version: request.version.0,
        environment: request.environment.0,
        at: request.at.map_or(received, |at| at.0),
        user_id: told(user.id),
        user_name: told(user.display_name),
        instance_count: request.instance_count.map(|count| count.0),
        cpu: told(request.cpu),
        memory: told(request.memory),
    })))
}
