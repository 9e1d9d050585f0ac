//! Questions about artifacts that need more than a query.

use portolan_model::{RepositoryName, Tag, Timestamp, Version};
use portolan_store::{Artifact, StoreError};

use crate::Catalogue;

impl Catalogue {
    /// The tags of a repository that are versions and point to a scanned image, highest version
    /// first, each with since when it points there.
    pub async fn deployable_tags(
        &self,
        repository: &RepositoryName,
    ) -> Result<Vec<(Tag, Timestamp)>, StoreError> {
        Ok(highest_first(self.store().artifact_tags(repository).await?)
            .map(|(_, tag, since)| (tag, since))
            .collect())
    }

    /// The artifact under the highest version. A release goes before any pre-release: whoever asks
    /// for the latest does not mean to try something out. None where no tag is a version.
    pub async fn latest_artifact(
        &self,
        repository: &RepositoryName,
    ) -> Result<Option<Artifact>, StoreError> {
        match latest(self.store().artifact_tags(repository).await?) {
            Some(tag) => self.store().artifact(repository, &tag).await,
            None => Ok(None),
        }
    }
}

fn highest_first(
    tags: Vec<(Tag, Timestamp)>,
) -> impl Iterator<Item = (Version, Tag, Timestamp)> + Clone {
    let mut versions: Vec<_> = tags
        .into_iter()
        .filter_map(|(tag, since)| Some((tag.as_str().parse::<Version>().ok()?, tag, since)))
        .collect();
    versions.sort_by(|one, other| other.0.cmp(&one.0));
    versions.into_iter()
}

fn latest(tags: Vec<(Tag, Timestamp)>) -> Option<Tag> {
    let mut versions = highest_first(tags);
    let release = versions.clone().find(|(version, ..)| version.is_plain());
    release.or_else(|| versions.next()).map(|(_, tag, _)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(names: &[&str]) -> Vec<(Tag, Timestamp)> {
        names.iter().map(|name| (name.parse().unwrap(), Timestamp::default())).collect()
    }

    #[test]
    fn the_latest_is_the_highest_release() {
        let latest = |names: &[&str]| latest(tags(names)).map(|tag| tag.to_string());
        assert_eq!(latest(&["0.9.0", "v0.10.0", "main", "1.0.0-rc.1"]).unwrap(), "v0.10.0");
        assert_eq!(latest(&["1.0.0-rc.1", "1.0.0-rc.2"]).unwrap(), "1.0.0-rc.2");
        assert_eq!(latest(&["latest", "main"]), None);
    }

    #[test]
    fn versions_go_down_and_other_tags_are_left_out() {
        let order: Vec<_> = highest_first(tags(&["1.9.0", "x", "1.10.0", "1.10.0-a", "v2.0.0"]))
            .map(|(_, tag, _)| tag.to_string())
            .collect();
        assert_eq!(order, ["v2.0.0", "1.10.0", "1.10.0-a", "1.9.0"]);
    }
}
