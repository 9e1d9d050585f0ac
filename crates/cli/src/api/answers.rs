//! What the API answers, as far as commands show it. The names are those of `/openapi.json`; with
//! `--output json` they are printed as they are here, so a name that goes is a breaking change.

use std::collections::BTreeMap;

use portolan_model::{Digest, FileKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A repository in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryLine {
    pub(crate) repository: String,
    pub(crate) tags: u64,
    pub(crate) images: u64,
    pub(crate) updated_at: Option<Timestamp>,
}

/// A part of a list that comes in pages.
pub(crate) trait Paged {
    /// What is listed.
    type Item;

    /// The items of this part, and how many pages there are.
    fn parts(self) -> (Vec<Self::Item>, u64);
}

/// A part of the repositories.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryPage {
    images: Vec<RepositoryLine>,
    total_pages: u64,
}

impl Paged for RepositoryPage {
    type Item = RepositoryLine;

    fn parts(self) -> (Vec<RepositoryLine>, u64) {
        (self.images, self.total_pages)
    }
}

/// A tag in a list. What only the catalogue knows is none of a tag elsewhere.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagLine {
    pub(crate) tag: String,
    pub(crate) digest: Option<Digest>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) kind: Option<String>,
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) platforms: Vec<String>,
    pub(crate) compressed_bytes: Option<u64>,
    pub(crate) raw_bytes: Option<u64>,
    pub(crate) file_count: Option<u64>,
}

/// A part of the tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagPage {
    tags: Vec<TagLine>,
    total_pages: u64,
}

impl Paged for TagPage {
    type Item = TagLine;

    fn parts(self) -> (Vec<TagLine>, u64) {
        (self.tags, self.total_pages)
    }
}

/// Where a tag points and pointed, newest first.
#[derive(Debug, Deserialize)]
pub(crate) struct TagHistory {
    pub(crate) moves: Vec<TagMove>,
}

/// Where a tag pointed for some time.
#[derive(Debug, Deserialize)]
pub(crate) struct TagMove {
    pub(crate) digest: Option<Digest>,
}

/// An image, or a list of images. What only a scan tells is none of what was not scanned.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) kind: String,
    pub(crate) state: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) first_scanned_at: Option<Timestamp>,
    pub(crate) scanned_at: Option<Timestamp>,
    pub(crate) config_digest: Option<Digest>,
    pub(crate) built_at: Option<Timestamp>,
    pub(crate) platform: Option<String>,
    pub(crate) service_name: Option<String>,
    pub(crate) source_url: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) config: Value,
    pub(crate) compressed_bytes: u64,
    pub(crate) raw_bytes: Option<u64>,
    pub(crate) file_count: Option<u64>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) children: Vec<Child>,
    pub(crate) tags: Vec<ImageTag>,
}

/// A layer of an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Layer {
    pub(crate) digest: Digest,
    pub(crate) diff_id: Option<Digest>,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) raw_bytes: Option<u64>,
    pub(crate) entries: Option<u64>,
    pub(crate) created_by: Option<String>,
}

/// A manifest that an index lists.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Child {
    pub(crate) digest: Digest,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    pub(crate) platform: Option<String>,
}

/// A tag that points to an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageTag {
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) since: Option<Timestamp>,
}

/// A part of an image's files.
#[derive(Debug, Deserialize)]
pub(crate) struct FileList {
    pub(crate) image: Digest,
    pub(crate) files: Vec<File>,
    pub(crate) next: Option<String>,
}

/// A file of an image.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) kind: FileKind,
    pub(crate) mode: String,
    pub(crate) size: u64,
    pub(crate) digest: Option<Digest>,
    pub(crate) link: Option<String>,
    pub(crate) kept: bool,
    pub(crate) note: Option<String>,
    pub(crate) layer: Digest,
}

/// A job.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) progress: Option<Value>,
    pub(crate) error: Option<String>,
}
