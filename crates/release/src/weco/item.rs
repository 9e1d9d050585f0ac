//! A release as the table has it. What is in an item besides survives.

use std::collections::BTreeMap;

use portolan_aws::dynamo::Item;
use portolan_model::{Digest, Tag, Target};
use serde_json::{Value, json};

use super::WecoError;

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseItem {
    item: Item,
}

/// One deployment of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentItem {
    /// The release.
    pub release: String,
    /// Where to.
    pub environment: String,
    /// When it was recorded, as the table has it.
    pub created: String,
    /// Who asked for it.
    pub requested_by: String,
    /// What they said.
    pub description: String,
}

impl ReleaseItem {
    /// The release that `item` of `table` is.
    pub(super) fn of(item: Item, table: &str) -> Result<Self, WecoError> {
        let release = Self { item };
        let wrong =
            |what| WecoError::Item { id: release.id().to_owned(), table: table.to_owned(), what };
        if release.id().is_empty() {
            return Err(wrong("it has no release_id"));
        }
        if !release.item.get("images").is_some_and(Value::is_object) {
            return Err(wrong("it has no images"));
        }
        Ok(release)
    }

    /// The item.
    pub fn item(&self) -> &Item {
        &self.item
    }

    fn text(&self, name: &str) -> &str {
        self.item.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Its id.
    pub fn id(&self) -> &str {
        self.text("release_id")
    }

    /// When it was prepared, as the table has it.
    pub fn created(&self) -> &str {
        self.text("date_created")
    }

    /// Who prepared it.
    pub fn requested_by(&self) -> &str {
        self.text("requested_by")
    }

    /// Its images: a tag, the URI of an older record, or nothing where none was found.
    pub fn images(&self) -> BTreeMap<&str, Option<&str>> {
        let images = self.item.get("images").and_then(Value::as_object).into_iter().flatten();
        images.map(|(id, name)| (id.as_str(), name.as_str())).collect()
    }

    /// What people are told of it.
    pub(crate) fn description(&self) -> &str {
        self.text("description")
    }

    /// The digests of its images, where it says them: those that Portolan prepared do.
    pub(crate) fn digests(&self) -> BTreeMap<&str, Digest> {
        let digests = self.item.get("digests").and_then(Value::as_object).into_iter().flatten();
        digests.filter_map(|(id, text)| Some((id.as_str(), text.as_str()?.parse().ok()?))).collect()
    }

    /// Its deployments, oldest first.
    pub fn deployments(&self) -> Vec<DeploymentItem> {
        let all = self.item.get("deployments").and_then(Value::as_array).into_iter().flatten();
        let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        all.map(|it| DeploymentItem {
            release: self.id().to_owned(),
            environment: text(it, "environment"),
            created: text(it, "date_created"),
            requested_by: text(it, "requested_by"),
            description: text(it, "description"),
        })
        .collect()
    }
}

/// A release that is about to be prepared.
#[derive(Debug)]
pub(crate) struct NewRelease<'a> {
    pub(crate) id: String,
    pub(crate) project: &'a str,
    pub(crate) title: &'a str,
    pub(crate) created: String,
    pub(crate) requested_by: &'a str,
    pub(crate) description: &'a str,
    pub(crate) images: BTreeMap<String, Option<String>>,
    /// Which images they are, where that is known for good.
    pub(crate) digests: BTreeMap<String, Digest>,
}

impl NewRelease<'_> {
    pub(crate) fn item(self) -> ReleaseItem {
        let mut value = json!({
            "release_id": self.id,
            "project_id": self.project,
            "project_name": self.title,
            "date_created": self.created,
            "requested_by": self.requested_by,
            "description": self.description,
            "images": self.images,
            "deployments": [],
        });
        if !self.digests.is_empty() {
            let digests = self.digests.iter();
            value["digests"] =
                digests.map(|(id, it)| (id.clone(), json!(it.to_string()))).collect();
        }
        let item = if let Value::Object(item) = value { item } else { Item::new() };
        ReleaseItem { item }
    }
}

/// What the image `id` of a release is found by, from a tag or a whole URI.
pub(crate) fn target(id: &str, name: &str) -> Result<Target, WecoError> {
    let bad = || WecoError::BadTag { image: id.to_owned(), name: name.to_owned() };
    if let Some((_, digest)) = name.split_once('@') {
        return digest.parse().map(Target::Digest).map_err(|_| bad());
    }
    // A registry's port is before a slash; a tag has none.
    let tag = name.rsplit(':').next().unwrap_or(name);
    tag.parse::<Tag>().map(Target::Tag).map_err(|_| bad())
}

/// The short form of the commit that `name` is of, as tables show it.
pub(super) fn short(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).chars().take(7).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_uris_name_an_image() {
        let tag = |name: &str| target("a", name).map(|target| target.to_string());
        assert_eq!(tag("ref.0123456").unwrap(), "ref.0123456");
        let old = "760097843905.dkr.ecr.eu-west-1.amazonaws.com/uk.ac.wellcome/a:ref.0123456";
        assert_eq!(tag(old).unwrap(), "ref.0123456");
        assert!(tag("no tag at all").is_err());
        assert_eq!(short(old), "0123456");
        assert_eq!(short("ref.0123456789"), "0123456");
    }
}
