//! The sets of all projects in a bucket, for whoever lists them and writes nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portolan_bucket::Bucket;
use portolan_model::{Clock, CommitId, Digest, Timestamp};

use crate::assets::{Assets, Run};
use crate::error::AssetsError;
use crate::keys::PublicKey;
use crate::legacy;
use crate::manifest::{Tools, Who};
use crate::name::{Project, Scope};

/// Requests of one reading in flight at once.
const PARALLEL: usize = 8;
/// What the keys of s3-asset-manager begin with.
const LEGACY: &str = "artifacts";

/// A set, by what its bucket knows it by: the key of its manifest, or, in the layout of
/// s3-asset-manager, the beginning of the keys of its objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// One of ours: `PROJECT/SCOPE/commits/COMMIT.json`.
    Own {
        /// The project.
        project: Project,
        /// The scope.
        scope: Scope,
        /// The commit.
        commit: CommitId,
    },
    /// One of s3-asset-manager: `artifacts/COMMIT/`.
    Legacy {
        /// The commit.
        commit: CommitId,
    },
}

/// A key that tells of no set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is the key of no asset set")]
pub struct KeptError(String);

impl Kept {
    /// The set that an object at `key` tells of, where it tells of one.
    pub fn of_key(key: &str) -> Option<Self> {
        let parts: Vec<&str> = key.split('/').collect();
        match parts.as_slice() {
            [project, scope, "commits", file] => Some(Self::Own {
                project: project.parse().ok()?,
                scope: scope.parse().ok()?,
                commit: commit(file.strip_suffix(".json")?)?,
            }),
            [LEGACY, ".portolan", file] => {
                Some(Self::Legacy { commit: commit(file.strip_suffix(".json")?)? })
            }
            [LEGACY, id, name, ..] if !name.is_empty() || parts.len() == 3 => {
                Some(Self::Legacy { commit: commit(id)? })
            }
            _ => None,
        }
    }

    /// The commit that it is the set of.
    pub fn commit(&self) -> &CommitId {
        match self {
            Self::Own { commit, .. } | Self::Legacy { commit } => commit,
        }
    }
}

/// The commit whose name is written as keys have it: in lower case.
fn commit(text: &str) -> Option<CommitId> {
    text.parse().ok().filter(|id: &CommitId| id.as_str() == text)
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own { project, scope, commit } => {
                write!(f, "{project}/{scope}/commits/{commit}.json")
            }
            Self::Legacy { commit } => write!(f, "{LEGACY}/{commit}/"),
        }
    }
}

impl FromStr for Kept {
    type Err = KeptError;

    fn from_str(key: &str) -> Result<Self, KeptError> {
        Self::of_key(key).ok_or_else(|| KeptError(key.chars().take(200).collect()))
    }
}

/// What is known of whether a set is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A manifest, or a marker, names all of it.
    Complete,
    /// It has neither.
    Unproven,
    /// Its upload was begun, and has not ended.
    Incomplete,
    /// Its manifest is not believed.
    Refused,
}

/// A set as it was found.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whether it is whole.
    pub standing: Standing,
    /// The commit that it was built for.
    pub built_commit: CommitId,
    /// The hash of what went into it.
    pub inputs: Option<String>,
    /// The key that signed it, where its scope asks for a signature.
    pub signed_by: Option<String>,
    /// Who had it written.
    pub who: Who,
    /// When it was made.
    pub made_at: Timestamp,
    /// Its files, by path.
    pub files: Vec<SeenFile>,
}

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Its path in the set.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// The digest of its contents; none where nobody told.
    pub digest: Option<Digest>,
}

/// The sets of all projects in a bucket.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The bucket.
    pub bucket: Bucket,
    /// Scopes whose bytes the sets of other scopes may name.
    pub reads: Vec<Scope>,
    /// Who must have signed, for each scope that asks for it.
    pub keys: BTreeMap<Scope, Vec<PublicKey>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl Watch {
    /// What is known of a set; none where it is not there.
    pub async fn read(&self, kept: &Kept) -> Result<Option<Seen>, AssetsError> {
        match kept {
            Kept::Own { project, scope, commit } => self.own(project, scope, commit).await,
            Kept::Legacy { commit } => self.legacy(commit).await,
        }
    }

    async fn own(
        &self,
        project: &Project,
        scope: &Scope,
        commit: &CommitId,
    ) -> Result<Option<Seen>, AssetsError> {
        let run = Run {
            project: project.clone(),
            scope: scope.clone(),
            reads: self.reads.clone(),
            read_only: true,
            keys: self.keys.clone(),
            signer: None,
            parallel: PARALLEL,
            tools: Tools::default(),
            who: Who::default(),
        };
        let assets = Assets::new(self.bucket.clone(), run, self.clock.clone());
        let found = match assets.manifest(scope, commit).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) if error.is_verification() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a set is not believed");
                return Ok(Some(Seen {
                    standing: Standing::Refused,
                    built_commit: commit.clone(),
                    inputs: None,
                    signed_by: None,
                    who: Who::default(),
                    made_at: self.clock.now(),
                    files: Vec::new(),
                }));
            }
            Err(error) => return Err(error),
        };
        let manifest = found.manifest;
        let file = |entry: &crate::manifest::Entry| SeenFile {
            path: entry.path().to_owned(),
            size: entry.size(),
            digest: entry.blob().map(|blob| blob.digest),
        };
        Ok(Some(Seen {
            standing: Standing::Complete,
            built_commit: manifest.built_commit,
            inputs: manifest.inputs.as_ref().map(|inputs| inputs.hash.hex()),
            signed_by: found.signed_by,
            made_at: manifest.created_at,
            files: manifest.entries.iter().map(file).collect(),
            who: manifest.who,
        }))
    }

    async fn legacy(&self, commit: &CommitId) -> Result<Option<Seen>, AssetsError> {
        let Some(look) = legacy::look(&self.bucket, commit.as_str()).await? else {
            return Ok(None);
        };
        let standing = match look.standing {
            legacy::Standing::Finished => Standing::Complete,
            legacy::Standing::Unmarked => Standing::Unproven,
            legacy::Standing::Part => Standing::Incomplete,
        };
        let digest = |told: &str| {
            let bytes = BASE64_STANDARD.decode(told).ok()?;
            Digest::try_from(bytes.as_slice()).ok()
        };
        let file = |package: legacy::Package| SeenFile {
            digest: package.sha256.as_deref().and_then(digest),
            path: package.name,
            size: package.size,
        };
        Ok(Some(Seen {
            standing,
            built_commit: look
                .built
                .and_then(|id| id.parse().ok())
                .unwrap_or_else(|| commit.clone()),
            inputs: look.code_hash,
            signed_by: None,
            who: Who::default(),
            made_at: look.made_at,
            files: look.packages.into_iter().map(file).collect(),
        }))
    }

    /// Every set that there is.
    pub async fn all(&self) -> Result<Vec<Kept>, AssetsError> {
        let mut found = Vec::new();
        for project in self.bucket.folders("").await? {
            if project.parse::<Project>().is_err() {
                continue;
            }
            for scope in self.bucket.folders(&project).await? {
                if scope.parse::<Scope>().is_err() {
                    continue;
                }
                let prefix = format!("{project}/{scope}/commits/");
                let mut listing = self.bucket.list(&prefix);
                while let Some(page) = listing.next_page().await? {
                    found.extend(page.iter().filter_map(|object| Kept::of_key(&object.name)));
                }
            }
        }
        for id in self.bucket.folders(LEGACY).await? {
            found.extend(commit(&id).map(|commit| Kept::Legacy { commit }));
        }
        Ok(found)
    }
}
