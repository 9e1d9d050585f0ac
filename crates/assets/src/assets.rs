//! The sets of one project, as one run may see them: where things lie, and who is believed.
//!
//! Below the bucket's prefix, for the project P and a scope S:
//!
//! - `P/S/blobs/sha256/<hex>`: bytes, named by their digest
//! - `P/S/commits/<commit>.json`: a manifest, written last and once
//! - `P/S/inputs/<hex>.json`: which commit was built from these inputs
//! - `P/S/uses/<commit>`: written when the set is found, at most once a day
//!
//! All of one scope is below one prefix, so that a policy of IAM can hold a run to its scope.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use portolan_bucket::{Attributes, Bucket, Key, Put, When};
use portolan_model::{Clock, CommitId, Digest};
use serde::{Deserialize, Serialize};

use crate::error::AssetsError;
use crate::keys::{PublicKey, Signer};
use crate::manifest::{
    Blob, MOST_ENVELOPE_BYTES, Manifest, ManifestError, Place, Tools, Who, Wrong,
};
use crate::name::{Project, Scope};

/// Bytes of a pointer from inputs to a commit at most.
const MOST_POINTER: u64 = 4096;
/// How long a use is remembered before it is written again, in milliseconds.
const USE_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What a run is, and what it may do.
#[derive(Debug)]
pub struct Run {
    /// Whose sets.
    pub project: Project,
    /// The scope that is written to, and read first.
    pub scope: Scope,
    /// Other scopes that are believed, in their order.
    pub reads: Vec<Scope>,
    /// Whether nothing is written.
    pub read_only: bool,
    /// Who must have signed, for each scope that asks for it.
    pub keys: BTreeMap<Scope, Vec<PublicKey>>,
    /// Who signs what is written.
    pub signer: Option<Signer>,
    /// Requests in flight at once.
    pub parallel: usize,
    /// What manifests tell of the tools.
    pub tools: Tools,
    /// What manifests tell of who had them written.
    pub who: Who,
}

/// The sets of one project.
#[derive(Debug)]
pub struct Assets {
    pub(crate) bucket: Bucket,
    pub(crate) run: Run,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A manifest that is believed.
#[derive(Debug, Clone)]
pub struct Found {
    /// It.
    pub manifest: Manifest,
    /// The id of the key that signed it, where its scope asks for a signature.
    pub signed_by: Option<String>,
}

/// Which commit was built from some inputs. It is a hint: what it leads to says itself what its
/// inputs were.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pointer {
    pub(crate) commit: CommitId,
}

impl Assets {
    /// The sets of `run`'s project in `bucket`.
    pub fn new(bucket: Bucket, run: Run, clock: Arc<dyn Clock>) -> Self {
        Self { bucket, run, clock }
    }

    /// What this run is.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The address of the bucket, for people.
    pub fn place(&self) -> String {
        self.bucket.name()
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// The scopes that are read: the own one first.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &Scope> {
        let others = self.run.reads.iter().filter(|scope| **scope != self.run.scope);
        std::iter::once(&self.run.scope).chain(others)
    }

    pub(crate) fn key(&self, scope: &Scope, rest: &str) -> Result<Key, AssetsError> {
        Ok(format!("{}/{scope}/{rest}", self.run.project).parse()?)
    }

    pub(crate) fn blob_key(&self, scope: &Scope, digest: &Digest) -> Result<Key, AssetsError> {
        self.key(scope, &format!("blobs/sha256/{}", digest.hex()))
    }

    pub(crate) fn commit_key(&self, scope: &Scope, id: &CommitId) -> Result<Key, AssetsError> {
        self.key(scope, &format!("commits/{id}.json"))
    }

    pub(crate) fn inputs_key(&self, scope: &Scope, hash: &Digest) -> Result<Key, AssetsError> {
        self.key(scope, &format!("inputs/{}.json", hash.hex()))
    }

    pub(crate) fn use_key(&self, id: &CommitId) -> Result<Key, AssetsError> {
        self.key(&self.run.scope, &format!("uses/{id}"))
    }

    /// The manifest of `commit` in `scope`, where there is one and it is believed.
    pub async fn manifest(
        &self,
        scope: &Scope,
        commit: &CommitId,
    ) -> Result<Option<Found>, AssetsError> {
        let key = self.commit_key(scope, commit)?;
        let Some((_, bytes)) = self.bucket.read(&key, MOST_ENVELOPE_BYTES).await? else {
            return Ok(None);
        };
        self.open(scope, commit, &bytes).map(Some)
    }

    /// The manifest that `bytes` are, which were found as that of `commit` in `scope`.
    pub(crate) fn open(
        &self,
        scope: &Scope,
        commit: &CommitId,
        bytes: &[u8],
    ) -> Result<Found, AssetsError> {
        let refused =
            |source| AssetsError::Refused { scope: scope.clone(), commit: commit.clone(), source };
        let place = Place { project: &self.run.project, scope, commit };
        let keys = self.run.keys.get(scope).map(Vec::as_slice).unwrap_or_default();
        let (manifest, signed_by) = Manifest::open(bytes, place, keys).map_err(refused)?;
        // What lies where this run does not look was not looked for either: whoever owns that scope
        // may take it away, or fill it.
        let known = |blob: &Blob| blob.scope == *scope || self.scopes().any(|it| *it == blob.scope);
        if let Some(blob) = manifest.blobs().into_iter().find(|blob| !known(blob)) {
            let wrong = Wrong::Scope(blob.scope.to_string());
            return Err(refused(ManifestError::Wrong(wrong)));
        }
        Ok(Found { manifest, signed_by })
    }

    /// The set of `commit` in the first scope that has one.
    pub async fn find(&self, commit: &CommitId) -> Result<Found, AssetsError> {
        let lookups = self.scopes().map(|scope| self.manifest(scope, commit));
        for found in futures::future::join_all(lookups).await {
            if let Some(found) = found? {
                return Ok(found);
            }
        }
        let scopes: Vec<_> = self.scopes().map(Scope::as_str).collect();
        Err(AssetsError::NoSet { commit: commit.clone(), scopes: scopes.join(", ") })
    }

    /// The commit that was built from the inputs `hash`, as `scope` has it; and the version of what
    /// says so.
    pub(crate) async fn pointer(
        &self,
        scope: &Scope,
        hash: &Digest,
    ) -> Result<Option<(CommitId, Attributes)>, AssetsError> {
        let key = self.inputs_key(scope, hash)?;
        let Some((attributes, bytes)) = self.bucket.read(&key, MOST_POINTER).await? else {
            return Ok(None);
        };
        // One that cannot be read leads nowhere, and the build that follows writes it again.
        let pointer: Option<Pointer> = serde_json::from_slice(&bytes).ok();
        Ok(pointer.map(|pointer| (pointer.commit, attributes)))
    }

    /// What is known of the last use of the set of `commit`; nothing where nobody asks.
    pub(crate) async fn last_use(
        &self,
        commit: &CommitId,
    ) -> Result<Option<Attributes>, AssetsError> {
        if self.run.read_only {
            return Ok(None);
        }
        Ok(self.bucket.head(&self.use_key(commit)?).await?)
    }

    /// Remembers that the set of `commit` is used, unless that is known of today.
    pub(crate) async fn used(
        &self,
        commit: &CommitId,
        last: Option<&Attributes>,
    ) -> Result<(), AssetsError> {
        let now = self.clock.now();
        let fresh = last.is_some_and(|last| now.millis_since(last.modified) < USE_MILLIS);
        if self.run.read_only || fresh {
            return Ok(());
        }
        self.bucket.put(&self.use_key(commit)?, Bytes::new(), &Put::default()).await?;
        Ok(())
    }

    /// Writes the manifest, signed; whether it was the first one.
    pub(crate) async fn publish(&self, manifest: &Manifest) -> Result<bool, AssetsError> {
        let bytes = manifest.close(self.run.signer.as_ref()).await?;
        let key = self.commit_key(&manifest.scope, &manifest.commit)?;
        let how = Put {
            when: When::Absent,
            content_type: Some("application/json".to_owned()),
            digest: Some(Digest::of(&bytes)),
            ..Put::default()
        };
        Ok(self.bucket.put(&key, Bytes::from(bytes), &how).await?.is_yes())
    }

    /// Writes down which commit has the inputs `hash`, in the own scope. What leads to a set that
    /// is gone is written anew.
    pub(crate) async fn point(&self, hash: &Digest, commit: &CommitId) -> Result<(), AssetsError> {
        let scope = &self.run.scope;
        let key = self.inputs_key(scope, hash)?;
        let pointer = Pointer { commit: commit.clone() };
        let bytes = Bytes::from(serde_json::to_vec(&pointer).unwrap_or_default());
        let put = |when| Put {
            when,
            content_type: Some("application/json".to_owned()),
            ..Put::default()
        };
        if self.bucket.put(&key, bytes.clone(), &put(When::Absent)).await?.is_yes() {
            return Ok(());
        }
        let Some(there) = self.bucket.head(&key).await? else { return Ok(()) };
        let leads = match self.pointer(scope, hash).await? {
            Some((known, _)) => self.bucket.head(&self.commit_key(scope, &known)?).await?.is_some(),
            None => false,
        };
        if !leads {
            // Somebody who wrote it meanwhile knows as well.
            let _ = self.bucket.put(&key, bytes, &put(When::Matches(there.etag))).await?;
        }
        Ok(())
    }
}
