//! A set, as programs and people are told of it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portolan_assets::Found;
use portolan_assets::Scope;
use portolan_assets::manifest::{Entry, Permissions, ServedFrom, Tools, Who};
use portolan_model::{CommitId, Digest, Timestamp};
use serde::Serialize;

/// A set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Set {
    pub(super) scope: Scope,
    pub(super) commit: CommitId,
    pub(super) built_commit: CommitId,
    pub(super) served_from: Option<ServedFrom>,
    pub(super) created_at: Timestamp,
    pub(super) bytes: u64,
    pub(super) file_count: usize,
    pub(super) inputs: Option<Digest>,
    pub(super) signed_by: Option<String>,
    pub(super) who: Who,
    tools: Tools,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) files: Vec<File>,
}

/// One file of a set.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) digest: Option<Digest>,
    /// As Lambda and Terraform's `source_code_hash` have it.
    pub(super) sha256_base64: Option<String>,
    pub(super) mode: Option<Permissions>,
    pub(super) target: Option<String>,
}

impl Set {
    /// With its files.
    pub(super) fn of(found: &Found) -> Self {
        Self { files: found.manifest.entries.iter().map(File::of).collect(), ..Self::short(found) }
    }

    /// Without its files.
    pub(super) fn short(found: &Found) -> Self {
        let manifest = &found.manifest;
        Self {
            scope: manifest.scope.clone(),
            commit: manifest.commit.clone(),
            built_commit: manifest.built_commit.clone(),
            served_from: manifest.served_from.clone(),
            created_at: manifest.created_at,
            bytes: manifest.size(),
            file_count: manifest.entries.len(),
            inputs: manifest.inputs.as_ref().map(|inputs| inputs.hash),
            signed_by: found.signed_by.clone(),
            who: manifest.who.clone(),
            tools: manifest.tools.clone(),
            files: Vec::new(),
        }
    }
}

impl File {
    fn of(entry: &Entry) -> Self {
        let blob = entry.blob();
        let (mode, target) = match entry {
            Entry::File { mode, .. } => (*mode, None),
            Entry::Symlink { target, .. } => (None, Some(target.clone())),
        };
        Self {
            path: entry.path().to_owned(),
            size: entry.size(),
            digest: blob.map(|blob| blob.digest),
            sha256_base64: blob.map(|blob| BASE64_STANDARD.encode(blob.digest.as_bytes())),
            mode,
            target,
        }
    }
}
