//! What a release is prepared from, and what is said of it.

use std::collections::BTreeMap;

use portolan_model::{ReleaseId, Tag, Timestamp};
use serde::{Deserialize, Serialize};

/// What a release is prepared from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Source {
    /// Where a tag points.
    Tag {
        /// The tag.
        tag: Tag,
    },
    /// What was built from a commit.
    Commit {
        /// The commit's name, or the first seven or more digits of it.
        commit: String,
    },
    /// What runs in an environment, or ran there at a moment.
    Environment {
        /// The environment.
        environment: String,
        /// The moment; now where none is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// Another release, with changes.
    Release {
        /// The other release.
        release: ReleaseId,
        /// The images that are others than there: each a tag or a digest.
        changes: BTreeMap<String, String>,
    },
}

/// What is said of a release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// What people are told of it.
    pub description: String,
    /// Who prepares it.
    pub by: String,
    /// The page of the build that prepares it.
    pub ci_url: Option<String>,
}
