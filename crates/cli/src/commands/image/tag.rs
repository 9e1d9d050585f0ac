//! `portolan image tag`: point a tag to an image.

use portolan_model::Digest;
use portolan_oci::Location;
use serde::Serialize;

use crate::args::image::TagArgs;
use crate::error::Outcome;
use crate::registries;
use crate::session::{Session, Whereabouts, whereabouts};

/// A tag, and what it points to now.
#[derive(Debug, Serialize)]
struct Answer {
    tag: String,
    digest: Digest,
}

pub(super) async fn run(session: &Session<'_>, arguments: TagArgs) -> Outcome {
    let TagArgs { image, tag } = arguments;
    let digest = match whereabouts(&image) {
        Whereabouts::BuiltIn(reference) => session.api().await?.tag(&reference, &tag).await?,
        Whereabouts::Elsewhere => {
            let place = session.open(&image).await?;
            let failed = |error| registries::failure(&error);
            let target = match image.target() {
                Some(target) => target,
                None => place.default_target().await.map_err(failed)?,
            };
            place.tag(&target, &tag).await.map_err(failed)?
        }
    };
    let place = match &image {
        Location::Registry(reference) => {
            let registry = reference.registry.as_deref().map(|host| format!("{host}/"));
            format!("{}{}", registry.unwrap_or_default(), reference.repository)
        }
        Location::Layout { path, .. } => format!("oci:{}", path.display()),
    };
    let answer = Answer { tag: format!("{place}:{tag}"), digest };
    session.context.printer.answer(&answer, |it| format!("{} points to {}\n", it.tag, it.digest))
}
