//! What the outside world said: the entries of the journal.

use serde::{Deserialize, Serialize};

use crate::{Digest, RepositoryName, Tag, Timestamp};

/// Something that happened, as it is appended to the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who said it: `registry` for the built-in one.
    pub source: String,
    /// What happened.
    pub kind: EventKind,
    /// Two events with one key are the same event; the second is not recorded.
    pub dedupe_key: String,
    /// When it happened, by the word of who said it.
    pub occurred_at: Timestamp,
}

/// What happened. The JSON of this is the journal's payload, and `kind` its column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum EventKind {
    /// A manifest was put into a registry, under a tag or under its digest alone.
    ImagePushed {
        /// Where it was put.
        repository: RepositoryName,
        /// The tag that now points to it.
        tag: Option<Tag>,
        /// The manifest.
        digest: Digest,
    },
    /// A tag was removed from a registry; what it pointed to may still be there.
    TagDeleted {
        /// Where it was.
        repository: RepositoryName,
        /// The tag.
        tag: Tag,
    },
    /// A manifest, with every tag that pointed to it, was removed from a repository.
    ImageDeleted {
        /// Where it was.
        repository: RepositoryName,
        /// The manifest.
        digest: Digest,
    },
}

impl EventKind {
    /// The name of the kind, as in the journal's column.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ImagePushed { .. } => "image-pushed",
            Self::TagDeleted { .. } => "tag-deleted",
            Self::ImageDeleted { .. } => "image-deleted",
        }
    }
}
