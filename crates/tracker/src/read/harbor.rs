//! Webhooks of Harbor, in its own form or as `CloudEvents`.
//!
//! Source: [their payloads](https://goharbor.io/docs/2.13.0/working-with-projects/project-configuration/configure-webhooks/).

use portolan_model::{RepositoryName, Timestamp};
use serde::Deserialize;

use super::field::{MaybeDigest, Moment, Name, digest};
use super::{Kind, Object, Unreadable, fields};
use crate::observation::{ImageObserved, Observation};

#[derive(Debug, Deserialize)]
struct Webhook<'a> {
    #[serde(rename = "type")]
    event_type: Name,
    #[serde(alias = "time")]
    occur_at: Option<Moment>,
    #[serde(borrow, alias = "data")]
    event_data: &'a serde_json::value::RawValue,
}

#[derive(Debug, Deserialize)]
struct Data {
    resources: Vec<Object<Resource>>,
    repository: Object<Repository>,
}

#[derive(Debug, Deserialize)]
struct Resource {
    #[serde(default)]
    digest: MaybeDigest,
    tag: Option<Name>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    repo_full_name: RepositoryName,
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let kind = Kind::Harbor;
    let event: Webhook<'_> = fields(kind, body)?;
    let at = event.occur_at.map_or(received, |at| at.0);
    let pushed = match event.event_type.0.as_str() {
        "PUSH_ARTIFACT" | "harbor.artifact.pushed" => true,
        "DELETE_ARTIFACT" | "harbor.artifact.deleted" => false,
        _ => return Ok(Observation::Nothing("an action that neither pushes nor deletes")),
    };
    let data: Data = fields(kind, event.event_data.get())?;
    let repository = data.repository.0.repo_full_name;
    let [Object(resource)] = <[Object<Resource>; 1]>::try_from(data.resources).map_err(|all| {
        Unreadable::content(kind, format!("{} `resources`: expected one", all.len()))
    })?;
    // An artefact without a tag is told with its digest in the tag's place.
    let tag = resource.tag.filter(|tag| !tag.0.is_empty() && digest(&tag.0).is_none());
    let tag = tag.map(|tag| tag.0.parse()).transpose();
    let tag = tag.map_err(|error| Unreadable::content(kind, error))?;
    let digest = resource.digest.0;
    if tag.is_none() && digest.is_none() {
        let problem = "neither `tag` nor `digest` in `resources`: expected at least one of them";
        return Err(Unreadable::content(kind, problem));
    }
    Ok(Observation::Image(if pushed {
        ImageObserved::Pushed { repository, tag, digest, at }
    } else {
        // Harbor deletes artefacts: every tag goes with it.
        let tag = tag.filter(|_| digest.is_none());
        ImageObserved::Deleted { repository, tag, digest, at }
    }))
}
