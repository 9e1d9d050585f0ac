//! `ECS Deployment State Change`.

use std::borrow::Cow;

use portolan_model::Timestamp;
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{Moment, Name, Sentence, said};
use super::{Kind, Unreadable, arn, fields};
use crate::observation::{Observation, RolloutObserved, RolloutState};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    event_name: Name,
    deployment_id: Name,
    updated_at: Option<Moment>,
    reason: Option<Sentence>,
}

/// How far a deployment is, by the name of the event; none where it says something else.
pub(super) fn state(event_name: &str) -> Option<RolloutState> {
    match event_name {
        "SERVICE_DEPLOYMENT_IN_PROGRESS" => Some(RolloutState::InProgress),
        "SERVICE_DEPLOYMENT_COMPLETED" => Some(RolloutState::Completed),
        "SERVICE_DEPLOYMENT_FAILED" => Some(RolloutState::Failed),
        _ => None,
    }
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let mut event: Envelope<'_, Detail> = fields(Kind::EcsDeployment, body)?;
    let Some(state) = state(&event.detail().event_name.0) else {
        return Ok(Observation::Nothing("a deployment's event of a name that is not tracked"));
    };
    let resources: Vec<Cow<'_, str>> = match event.resources {
        Some(resources) => serde_json::from_str(resources.get())
            .map_err(|error| Unreadable::content(Kind::EcsDeployment, error))?,
        None => Vec::new(),
    };
    let resources: Vec<&str> = resources.iter().map(AsRef::as_ref).collect();
    let origin = event.origin(None, resources.iter().map(|arn| Some(*arn)));
    let time = event.at(received);
    let detail = event.into_detail();
    Ok(Observation::Rollout(RolloutObserved {
        origin,
        service: arn::service(&resources),
        deployment: detail.deployment_id.0,
        state,
        at: detail.updated_at.map_or(time, |at| at.0),
        reason: said(detail.reason),
    }))
}
