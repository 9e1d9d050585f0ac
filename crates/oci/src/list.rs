//! What is in a repository: its tags, and what they lead to.

use futures::{StreamExt, TryStreamExt};
use portolan_model::{Digest, Tag, Target};

use crate::{Place, PlaceError};

/// A tag, and the manifest that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The tag.
    pub tag: Tag,
    /// The manifest; none where the tag was deleted while it was being listed.
    pub digest: Option<Digest>,
}

/// What each of `tags` leads to, in their order: one request for each, `streams` of them at once.
/// The names alone are [`Place::tags`], a page of a thousand for each request.
pub async fn resolve_all(
    place: &Place,
    tags: Vec<Tag>,
    streams: usize,
) -> Result<Vec<Listed>, PlaceError> {
    futures::stream::iter(tags)
        .map(async |tag| {
            let digest = place.resolve(&Target::Tag(tag.clone())).await?;
            Ok(Listed { tag, digest })
        })
        .buffered(streams.max(1))
        .try_collect()
        .await
}
