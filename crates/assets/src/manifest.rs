//! A set's manifest: which files one build made of one commit, and how it came about.

mod entry;
mod hostile;

use std::collections::BTreeMap;

use portolan_model::{CommitId, Digest, Timestamp};
use serde::{Deserialize, Serialize};

pub use entry::{Entry, Permissions};
pub use hostile::Wrong;
pub(crate) use hostile::{path_is_sane, target_is_sane};

use crate::envelope::{Envelope, EnvelopeError};
use crate::inputs::Inputs;
use crate::keys::{PublicKey, SignError, Signer};
use crate::name::{Project, Scope};
use crate::tree::TreeHash;

/// Its media type. What a later version cannot say in this one gets another.
pub const MEDIA_TYPE: &str = "application/vnd.portolan.assets.v1+json";
/// Bytes of a manifest at most, outside its envelope.
pub const MOST_BYTES: usize = 16 << 20;
/// Bytes of the envelope of a manifest: base64 makes four of three.
pub const MOST_ENVELOPE_BYTES: u64 = 24 << 20;
/// Files of one set at most.
pub const MOST_ENTRIES: usize = 100_000;

/// What one build made of one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Whose build it is.
    pub project: Project,
    /// Where it was written.
    pub scope: Scope,
    /// The commit that it is the set of.
    pub commit: CommitId,
    /// The commit that was built: another one where the set was served from it.
    pub built_commit: CommitId,
    /// Where it was served from; none where it was built for this commit.
    pub served_from: Option<ServedFrom>,
    /// When this manifest was written.
    pub created_at: Timestamp,
    /// The files, in the order of their paths.
    pub entries: Vec<Entry>,
    /// What went into the build; none where nobody said.
    pub inputs: Option<BuildInputs>,
    /// What wrote it.
    pub tools: Tools,
    /// Who had it written.
    pub who: Who,
}

/// The set that another one was made of, without a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedFrom {
    /// Its scope.
    pub scope: Scope,
    /// Its commit.
    pub commit: CommitId,
    /// The inputs that both have.
    pub inputs: Digest,
}

/// What went into a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BuildInputs {
    /// The hash.
    pub hash: Digest,
    /// The patterns that chose the files.
    pub patterns: Vec<String>,
    /// The user's own keys.
    pub keys: BTreeMap<String, String>,
    /// How many files there were.
    pub count: u64,
    /// The list of them, a blob packed with zstd.
    pub listing: Option<Blob>,
}

/// Bytes in a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    /// The scope that holds them.
    pub scope: Scope,
    /// Their digest.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
    /// Their BLAKE3, where they are more than 32 MiB: they can then be fetched in several ranges at
    /// once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blake3: Option<TreeHash>,
}

/// What wrote a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tools {
    /// The version of Portolan.
    pub portolan: String,
    /// The version of git, where it was asked.
    pub git: Option<String>,
}

/// Who had a manifest written, as the CI system tells it: nobody checks it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Who {
    /// The URL of the job.
    pub job: Option<String>,
    /// The user.
    pub actor: Option<String>,
}

/// Why a manifest cannot be believed, or written.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Its envelope cannot be opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It is not JSON, or not of this shape.
    #[error("it is no manifest")]
    Json(#[from] serde_json::Error),
    /// What it says cannot be.
    #[error(transparent)]
    Wrong(#[from] Wrong),
}

/// Where a manifest was found: what it must say of itself.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The project.
    pub project: &'a Project,
    /// The scope.
    pub scope: &'a Scope,
    /// The commit.
    pub commit: &'a CommitId,
}

impl Manifest {
    /// What is stored for it, signed where there is a signer.
    pub async fn close(&self, signer: Option<&Signer>) -> Result<Vec<u8>, CloseError> {
        hostile::check(self)?;
        let text = serde_json::to_vec(self)?;
        if text.len() > MOST_BYTES {
            return Err(Wrong::Large(text.len()).into());
        }
        Ok(serde_json::to_vec(&Envelope::close(MEDIA_TYPE, &text, signer).await?)?)
    }

    /// The manifest that `bytes` are, which were found at `place`; signed by one of `keys` where
    /// there are any. Answers the id of the key too.
    pub fn open(
        bytes: &[u8],
        place: Place<'_>,
        keys: &[PublicKey],
    ) -> Result<(Self, Option<String>), ManifestError> {
        let (text, by) = Envelope::read(bytes)?.open(MEDIA_TYPE, keys)?;
        if text.len() > MOST_BYTES {
            return Err(Wrong::Large(text.len()).into());
        }
        let manifest: Self = serde_json::from_slice(&text)?;
        let found = (&manifest.project, &manifest.scope, &manifest.commit);
        if found != (place.project, place.scope, place.commit) {
            let text = format!("{}/{} {}", found.0, found.1, found.2);
            return Err(Wrong::Elsewhere(text).into());
        }
        hostile::check(&manifest)?;
        Ok((manifest, by))
    }

    /// Bytes of all its files.
    pub fn size(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.size()))
    }

    /// Whether the set is what is asked for with `inputs` of its commit. Other keys, or other files
    /// (of a working tree), are another build; other patterns are but another choice of what is
    /// looked at. A set without inputs is for all.
    pub fn is_for(&self, inputs: &Inputs) -> bool {
        self.inputs.as_ref().is_none_or(|told| {
            let chosen = told.keys == inputs.keys && told.patterns != inputs.patterns;
            told.hash == inputs.hash || chosen
        })
    }

    /// Every blob that it names, once.
    pub fn blobs(&self) -> std::collections::BTreeSet<Blob> {
        let listing = self.inputs.as_ref().and_then(|inputs| inputs.listing.clone());
        self.entries.iter().filter_map(Entry::blob).cloned().chain(listing).collect()
    }
}

/// Why a manifest was not made.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// What it would say cannot be.
    #[error(transparent)]
    Wrong(#[from] Wrong),
    /// It cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It cannot be written down.
    #[error("could not write the manifest down")]
    Json(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests;
