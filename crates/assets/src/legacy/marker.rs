//! What makes a set of ours whole: a marker beside the sets, written before their first object
//! ("started") and after their last one ("finished").
//!
//! `artifacts/.portolan/COMMIT.json` is of `artifacts/COMMIT/`, `cache/.portolan/HASH.json` of
//! `cache/HASH/`. The original lists neither. A set without a marker is the original's, and is taken
//! as the original takes it.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_bucket::{Bucket, Key, Put};
use serde::{Deserialize, Serialize};

use super::LegacyError;

/// The version of the form.
const VERSION: u32 = 1;
/// Bytes of a marker at most.
const MOST: u64 = 32 << 20;

/// The content of a marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Marker {
    version: u32,
    pub(super) state: State,
    /// The commit of the set, or the one that filled the cache.
    pub(super) commit: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code_hash: Option<String>,
    /// The set of the cache from which it was copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) served_from: Option<String>,
    /// The objects, by name.
    #[serde(default)]
    pub(super) objects: BTreeMap<String, Stored>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Objects are being written: there is no set.
    Started,
    /// All objects that it names are there.
    Finished,
}

/// An object of a finished set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    pub(super) size: u64,
    pub(super) etag: String,
    /// The SHA-256 in base64, as the object's `package-hash` has it; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
}

impl Marker {
    pub(super) fn started(commit: &str, code_hash: Option<&str>) -> Self {
        Self {
            version: VERSION,
            state: State::Started,
            commit: commit.to_owned(),
            code_hash: code_hash.map(ToOwned::to_owned),
            served_from: None,
            objects: BTreeMap::new(),
        }
    }

    pub(super) fn finished(self, objects: BTreeMap<String, Stored>) -> Self {
        Self { state: State::Finished, objects, ..self }
    }

    /// Where the marker of the set below `prefix` (as in `artifacts/COMMIT`) is.
    fn key(prefix: &str) -> Result<Key, LegacyError> {
        let (kind, name) = prefix.split_once('/').unwrap_or(("", prefix));
        let key = format!("{kind}/.portolan/{name}.json").parse();
        key.map_err(|source| LegacyError::Key(prefix.to_owned(), source))
    }

    pub(super) async fn read(bucket: &Bucket, prefix: &str) -> Result<Option<Self>, LegacyError> {
        let key = Self::key(prefix)?;
        let Some((_, bytes)) = bucket.read(&key, MOST).await? else { return Ok(None) };
        let unclear = |what: &str| LegacyError::Unclear {
            what: format!("the marker {key} in {} {what}", bucket.name()),
            hint: "a newer Portolan may have written it; `portolan assets` or this release's notes \
                   tell of forms, and without the marker the set counts as the original's",
        };
        let marker: Self = serde_json::from_slice(&bytes).map_err(|_| unclear("cannot be read"))?;
        if marker.version != VERSION {
            return Err(unclear("has a form that is not known"));
        }
        if marker.objects.keys().any(|name| name.is_empty() || name.contains('/')) {
            return Err(unclear("has a name that is none"));
        }
        Ok(Some(marker))
    }

    pub(super) async fn write(&self, bucket: &Bucket, prefix: &str) -> Result<(), LegacyError> {
        let key = Self::key(prefix)?;
        let bytes = serde_json::to_vec(self).map_err(|error| {
            LegacyError::io(format!("write {key}"), std::io::Error::from(error))
        })?;
        let content_type = Some("application/json".to_owned());
        let put = Put { content_type, ..Put::default() };
        bucket.put(&key, Bytes::from(bytes), &put).await?;
        Ok(())
    }
}
