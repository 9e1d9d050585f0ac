//! Making a release: from a label, or from another release with some images changed.

use std::collections::BTreeMap;

use super::item::{NewRelease, short};
use super::{ReleaseItem, Weco, WecoError, stamp};

/// A release that was made, or would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The release before it.
    pub previous: Option<ReleaseItem>,
    /// The release.
    pub release: ReleaseItem,
}

/// How an image of a release differs from the release before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The image.
    pub image: String,
    /// The commit that it was of.
    pub before: Option<String>,
    /// The commit that it is of.
    pub after: Option<String>,
}

impl Prepared {
    /// Each image, with the short forms of its commits.
    pub fn differences(&self) -> Vec<Difference> {
        let before = self.previous.as_ref().map(ReleaseItem::images).unwrap_or_default();
        let images = self.release.images().into_iter();
        images
            .map(|(image, name)| Difference {
                image: image.to_owned(),
                before: before.get(image).copied().flatten().map(short),
                after: name.map(short),
            })
            .collect()
    }
}

impl Weco {
    /// A release of all images that have `label`. It is not written yet.
    pub async fn prepare(&self, label: &str, description: &str) -> Result<Prepared, WecoError> {
        let ids = &self.project.images;
        let labelled = self.labelled(ids, label);
        let (labelled, previous, by) =
            futures::try_join!(labelled, self.table.latest(), self.caller())?;
        let before = previous.as_ref().map(ReleaseItem::images).unwrap_or_default();
        let tag = |id: &String| {
            let kept = before.get(id.as_str()).copied().flatten();
            (id.clone(), labelled.tag(id, kept).map(str::to_owned))
        };
        let images: BTreeMap<_, _> = ids.iter().map(tag).collect();
        if images.values().all(Option::is_none) {
            return Err(WecoError::Nothing);
        }
        let release = self.made(images, description, &by);
        Ok(Prepared { previous, release })
    }

    /// The release `from` with the images `ids` as `label` has them now. It is not written yet.
    pub async fn update(
        &self,
        from: &str,
        ids: &[String],
        label: &str,
    ) -> Result<Prepared, WecoError> {
        let has = &self.project.images;
        let asked: Vec<_> = ids.iter().filter(|id| !has.contains(id)).cloned().collect();
        if !asked.is_empty() || ids.is_empty() {
            return Err(WecoError::UnknownImages { asked, has: has.clone() });
        }
        let labelled = self.labelled(ids, label);
        let (labelled, release, previous, by) =
            futures::try_join!(labelled, self.release(from), self.table.latest(), self.caller())?;
        let mut images: BTreeMap<String, Option<String>> = release
            .images()
            .into_iter()
            .map(|(id, name)| (id.to_owned(), name.map(str::to_owned)))
            .collect();
        let mut none = Vec::new();
        for id in ids {
            let kept = images.get(id).cloned().flatten();
            match labelled.tag(id, kept.as_deref()) {
                Some(tag) => drop(images.insert(id.clone(), Some(tag.to_owned()))),
                None => none.push(id.clone()),
            }
        }
        if !none.is_empty() {
            return Err(WecoError::Unlabelled { images: none, label: label.to_owned() });
        }
        let named = ids.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
        let description = format!("Release based on {from}, updating [{named}] to {label}");
        let release = self.made(images, &description, &by);
        Ok(Prepared { previous, release })
    }

    /// Writes a release that was prepared, so that it can be deployed.
    pub async fn write(&self, release: &ReleaseItem) -> Result<(), WecoError> {
        self.table.put(release).await
    }

    fn made(
        &self,
        images: BTreeMap<String, Option<String>>,
        description: &str,
        requested_by: &str,
    ) -> ReleaseItem {
        let project = &self.project.project;
        let created = stamp(self.now());
        NewRelease {
            id: self.ids.next().to_string(),
            project: &project.id,
            title: &project.title,
            created,
            requested_by,
            description,
            images,
            digests: BTreeMap::new(),
        }
        .item()
    }
}
