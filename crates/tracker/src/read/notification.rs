//! One event of a notification of the CNCF's registry.
//!
//! Source: [its notifications](https://distribution.github.io/distribution/about/notifications/).

use portolan_model::{RepositoryName, Tag, Timestamp};
use serde::Deserialize;

use super::field::{MaybeDigest, Moment, Name, parsed};
use super::{Kind, Unreadable, fields};
use crate::observation::{ImageObserved, Observation};

#[derive(Debug, Deserialize)]
struct Notification<'a> {
    action: Name,
    timestamp: Option<Moment>,
    #[serde(borrow)]
    target: &'a serde_json::value::RawValue,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    media_type: Option<Name>,
    repository: RepositoryName,
    #[serde(default, deserialize_with = "parsed")]
    tag: Option<Tag>,
    #[serde(default)]
    digest: MaybeDigest,
}

/// Manifests and indexes, of OCI and of Docker. Layers are pushed too, one by one.
fn is_manifest(media_type: &str) -> bool {
    media_type.contains(".manifest.") || media_type.contains(".index.")
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let kind = Kind::RegistryNotification;
    let event: Notification<'_> = fields(kind, body)?;
    let at = event.timestamp.map_or(received, |at| at.0);
    if !matches!(event.action.0.as_str(), "push" | "delete") {
        return Ok(Observation::Nothing("an action that neither pushes nor deletes"));
    }
    let Target { media_type, repository, tag, digest } = fields(kind, event.target.get())?;
    if media_type.is_some_and(|name| !name.0.is_empty() && !is_manifest(&name.0)) {
        return Ok(Observation::Nothing("a layer, not an image"));
    }
    let digest = digest.0;
    if tag.is_none() && digest.is_none() {
        let problem = "neither `target.tag` nor `target.digest`: expected at least one of them";
        return Err(Unreadable::content(kind, problem));
    }
    Ok(Observation::Image(if event.action.0 == "push" {
        ImageObserved::Pushed { repository, tag, digest, at }
    } else {
        ImageObserved::Deleted { repository, tag, digest, at }
    }))
}
