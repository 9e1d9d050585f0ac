//! `ECR Image Action`.
//!
//! Source: [events of ECR](https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html).

use portolan_model::{RepositoryName, Tag, Timestamp};
use serde::Deserialize;

use super::eventbridge::Envelope;
use super::field::{MaybeDigest, Name, parsed};
use super::{Kind, Unreadable, fields};
use crate::observation::{ImageObserved, Observation};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Detail {
    result: Name,
    action_type: Name,
    repository_name: RepositoryName,
    #[serde(default, deserialize_with = "parsed")]
    image_tag: Option<Tag>,
    #[serde(default)]
    image_digest: MaybeDigest,
}

pub(super) fn read(body: &str, received: Timestamp) -> Result<Observation, Unreadable> {
    let event: Envelope<'_, Detail> = fields(Kind::EcrImage, body)?;
    let at = event.at(received);
    let detail = event.into_detail();
    let (repository, tag) = (detail.repository_name, detail.image_tag);
    let digest = detail.image_digest.0;
    if detail.result.0 != "SUCCESS" {
        return Ok(Observation::Nothing("an action that did not succeed"));
    }
    if tag.is_none() && digest.is_none() {
        let problem = "neither `image-tag` nor `image-digest`: expected at least one of them";
        return Err(Unreadable::content(Kind::EcrImage, problem));
    }
    Ok(match detail.action_type.0.as_str() {
        "PUSH" => Observation::Image(ImageObserved::Pushed { repository, tag, digest, at }),
        "DELETE" => Observation::Image(ImageObserved::Deleted { repository, tag, digest, at }),
        _ => Observation::Nothing("an action that neither pushes nor deletes"),
    })
}
