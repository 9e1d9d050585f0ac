//! What is known of an object besides its bytes: a small file that is bound to the object's file by
//! its moment and size, so that the two can never be mixed up by a crash between them, and stay
//! together when the tree is copied with its times.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use portolan_model::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Directory, is_missing};
use crate::{Attributes, Key};

/// The most bytes of such a file.
const MOST: u64 = 64 << 10;

/// The file's content.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remembered {
    /// Whose it is, for who looks by eye.
    pub(super) key: String,
    /// The digest of the bytes.
    pub(super) etag: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
}

impl Directory {
    /// The folder of what is known of `key`.
    pub(super) fn known(&self, key: &Key) -> PathBuf {
        let hex = Digest::of(key.as_str().as_bytes()).hex();
        self.hidden().join("attributes").join(&hex[..2]).join(hex)
    }

    /// What is known of the object whose file has `metadata`.
    pub(super) fn attributes(&self, key: &Key, metadata: &Metadata) -> io::Result<Attributes> {
        let file = self.known(key).join(bound(metadata));
        let remembered = match fs::metadata(&file) {
            Ok(found) if found.len() <= MOST => {
                let read = fs::read(&file)?;
                serde_json::from_slice::<Remembered>(&read).map_err(io::Error::from).map(Some)?
            }
            Ok(_) => return Err(io::Error::other("the file of its attributes is too large")),
            Err(error) if is_missing(&error) => None,
            Err(error) => return Err(error),
        };
        // A file that something else put here has no more than its moment and size.
        let (etag, content_type, metadata_of) = match remembered {
            Some(it) => (it.etag, it.content_type, it.metadata),
            None => (bound(metadata), None, BTreeMap::new()),
        };
        Ok(Attributes {
            size: metadata.len(),
            etag,
            modified: modified(metadata),
            content_type,
            metadata: metadata_of,
            storage_class: None,
        })
    }
}

/// What binds the attributes to the file.
pub(super) fn bound(metadata: &Metadata) -> String {
    format!("{}.{:09}-{}", metadata.mtime(), metadata.mtime_nsec(), metadata.len())
}

pub(super) fn modified(metadata: &Metadata) -> Timestamp {
    let millis = metadata.mtime().saturating_mul(1000);
    Timestamp::from_millis(millis.saturating_add(metadata.mtime_nsec() / 1_000_000))
}
