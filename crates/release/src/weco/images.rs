//! Images by their labels, and by what releases say of them.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use portolan_aws::{RegistryImage, Tagged};
use portolan_model::{Tag, Target};

use super::item::target;
use super::{AT_ONCE, ReleaseItem, Weco, WecoError};
use crate::many::many;

/// The images that have a label: by image, the `ref.` tags of the one that has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labelled(pub BTreeMap<String, Vec<String>>);

impl Labelled {
    /// The tag of the image `id` that a release names: `kept` where that is one of them, else the
    /// first. None where the image does not have the label.
    pub fn tag(&self, id: &str, kept: Option<&str>) -> Option<&str> {
        let tags = self.0.get(id)?;
        let is_kept = |tag: &&String| kept.is_some_and(|kept| kept.ends_with(tag.as_str()));
        tags.iter().find(is_kept).or(tags.first()).map(String::as_str)
    }
}

/// An image of a release, as its repository has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) id: String,
    pub(super) repository: String,
    /// What the release finds it by.
    pub(super) source: Target,
    /// The image itself.
    pub(super) image: RegistryImage,
    /// What the environment's tag points to now.
    pub(super) before: Option<RegistryImage>,
}

impl Weco {
    /// The `ref.` tags of the images `ids` that have `label`.
    pub async fn labelled(&self, ids: &[String], label: &str) -> Result<Labelled, WecoError> {
        let label: Tag = label.parse().map_err(|_| WecoError::BadTag {
            image: ids.first().cloned().unwrap_or_default(),
            name: label.to_owned(),
        })?;
        let by = Target::Tag(label.clone());
        let reads = ids.iter().map(|id| {
            let (by, repository) = (&by, self.repository(id));
            async move { (id, self.ecr.image_detail(&repository, by).await, repository) }.boxed()
        });
        let mut labelled = BTreeMap::new();
        // Two other questions are asked beside these.
        for (id, read, repository) in many(reads.collect(), AT_ONCE - 2).await {
            let Some(detail) = read? else {
                labelled.insert(id.clone(), Vec::new());
                continue;
            };
            let tags: Vec<_> =
                detail.tags.into_iter().filter(|tag| tag.starts_with("ref.")).collect();
            if tags.is_empty() {
                return Err(WecoError::NoRef { repository, label: label.to_string() });
            }
            labelled.insert(id.clone(), tags);
        }
        Ok(Labelled(labelled))
    }

    /// Lets the tag `label` of the image `id` point to the one that has the tag `tag`.
    pub async fn label(&self, id: &str, tag: &str, label: &str) -> Result<(), WecoError> {
        let repository = self.repository(id);
        let source = target(id, tag)?;
        let found = self.ecr.images(&repository, std::slice::from_ref(&source)).await?;
        let Some((_, image)) = found.found.first() else {
            return Err(WecoError::Gone(vec![format!("{repository}:{tag}")]));
        };
        if self.ecr.put_tag(&repository, image, label).await? == Tagged::Immutable {
            let (tag, undone) = (label.to_owned(), format!("it was pushed as {tag}"));
            return Err(WecoError::Immutable { repository, tag, undone });
        }
        Ok(())
    }

    /// The images of `release`, each with what the tag `pointer` of its repository points to. Those
    /// that are not there any more are an error that names them all.
    pub(super) async fn found(
        &self,
        release: &ReleaseItem,
        pointer: Option<&Tag>,
    ) -> Result<Vec<Found>, WecoError> {
        let mut asked = Vec::new();
        for (id, name) in release.images() {
            if let Some(name) = name {
                asked.push((id.to_owned(), self.repository(id), target(id, name)?));
            }
        }
        let reads = asked.into_iter().map(|(id, repository, source)| {
            async move {
                let mut targets = vec![source.clone()];
                targets.extend(pointer.cloned().map(Target::Tag));
                let images = self.ecr.images(&repository, &targets).await;
                (id, repository, source, images)
            }
            .boxed()
        });
        let (mut found, mut gone) = (Vec::new(), Vec::new());
        for (id, repository, source, images) in many(reads.collect(), AT_ONCE).await {
            let images = match images {
                Err(error) if error.code() == Some("RepositoryNotFoundException") => {
                    gone.push(format!("{repository}: there is no such repository"));
                    continue;
                }
                images => images?,
            };
            let by = |wanted: &Target| {
                images.found.iter().find(|(target, _)| target == wanted).map(|(_, it)| it.clone())
            };
            let before = pointer.and_then(|tag| by(&Target::Tag(tag.clone())));
            match by(&source) {
                Some(image) => found.push(Found { id, repository, source, image, before }),
                None => gone.push(format!("{repository}:{source}")),
            }
        }
        if gone.is_empty() { Ok(found) } else { Err(WecoError::Gone(gone)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_tags_the_one_that_was_stays() {
        let tags = vec!["ref.a".to_owned(), "ref.b".to_owned()];
        let labelled = Labelled([("x".to_owned(), tags), ("y".to_owned(), Vec::new())].into());
        assert_eq!(labelled.tag("x", None), Some("ref.a"));
        assert_eq!(labelled.tag("x", Some("host/x:ref.b")), Some("ref.b"));
        assert_eq!(labelled.tag("x", Some("ref.c")), Some("ref.a"));
        assert_eq!(labelled.tag("y", None), None);
    }
}
