//! Whether a commit must be built.

use futures::{StreamExt as _, TryStreamExt as _};
use portolan_bucket::Attributes;
use portolan_model::{CommitId, Digest};

use crate::assets::{Assets, Found};
use crate::error::AssetsError;
use crate::inputs::Inputs;
use crate::manifest::{Blob, BuildInputs, Manifest, ServedFrom};
use crate::name::Scope;

/// How a set was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The commit itself has one.
    Commit,
    /// Another commit with the same inputs has one.
    Inputs,
}

/// A set that can be used for the commit.
#[derive(Debug, Clone)]
pub struct Hit {
    /// How it was found.
    pub by: By,
    /// Its manifest: where it was found by its inputs, the one that now is the commit's own.
    pub found: Found,
    /// Whether a manifest was written for the commit.
    pub written: bool,
}

/// What is known of a commit.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The set that can be used; none where a build is needed.
    pub hit: Option<Hit>,
    /// The scope of a set of the commit that is not served, as it was built from other inputs.
    pub passed_over: Option<Scope>,
}

impl Assets {
    /// The set of `commit`, or one of another commit with the same inputs, which then becomes that
    /// of `commit` too, in the own scope. All that may be asked is asked at once.
    pub async fn check(
        &self,
        commit: &CommitId,
        inputs: Option<&Inputs>,
    ) -> Result<Answer, AssetsError> {
        let manifests = self.scopes().map(|scope| self.manifest(scope, commit));
        let pointers = self.scopes().map(|scope| async move {
            match inputs {
                Some(inputs) => self.pointer(scope, &inputs.hash).await,
                None => Ok(None),
            }
        });
        let (manifests, pointers, last_use) = futures::join!(
            futures::future::join_all(manifests),
            futures::future::join_all(pointers),
            self.last_use(commit),
        );
        let mut passed_over = None;
        for found in manifests {
            if let Some(found) = found? {
                if inputs.is_some_and(|inputs| !found.manifest.is_for(inputs)) {
                    passed_over.get_or_insert(found.manifest.scope);
                    continue;
                }
                if found.manifest.scope == self.run.scope {
                    self.note_use(commit, last_use).await;
                }
                let hit = Some(Hit { by: By::Commit, found, written: false });
                return Ok(Answer { hit, passed_over: None });
            }
        }
        let Some(inputs) = inputs else { return Ok(Answer::default()) };
        for (scope, pointer) in self.scopes().zip(pointers) {
            let Some((built, _)) = pointer? else { continue };
            if let Some(hit) = self.serve(scope, &built, commit, inputs).await? {
                return Ok(Answer { hit: Some(hit), passed_over });
            }
        }
        Ok(Answer { hit: None, passed_over })
    }

    /// Makes the set of `built` in `scope` that of `commit`, where it has the same inputs and all
    /// its bytes are there.
    async fn serve(
        &self,
        scope: &Scope,
        built: &CommitId,
        commit: &CommitId,
        inputs: &Inputs,
    ) -> Result<Option<Hit>, AssetsError> {
        let Some(origin) = self.manifest(scope, built).await? else { return Ok(None) };
        let same = origin.manifest.inputs.as_ref().is_some_and(|told| told.hash == inputs.hash);
        if !same || !self.are_there(&origin.manifest, true).await? {
            return Ok(None);
        }
        if self.run.read_only {
            return Ok(Some(Hit { by: By::Inputs, found: origin, written: false }));
        }
        let listing = origin.manifest.inputs.as_ref().and_then(|told| told.listing.clone());
        let manifest = Manifest {
            scope: self.run.scope.clone(),
            commit: commit.clone(),
            served_from: Some(ServedFrom {
                scope: scope.clone(),
                commit: built.clone(),
                inputs: inputs.hash,
            }),
            created_at: self.clock.now(),
            inputs: Some(build_inputs(inputs, listing)),
            tools: self.run.tools.clone(),
            who: self.run.who.clone(),
            ..origin.manifest.clone()
        };
        let written = self.publish(&manifest).await?;
        if !written {
            // Somebody answered the same question first.
            let theirs = self.manifest(&self.run.scope, commit).await?;
            let theirs = theirs.filter(|theirs| theirs.manifest.is_for(inputs));
            let hit = |found| Hit { by: By::Commit, found, written: false };
            let served = || Hit { by: By::Inputs, found: origin, written: false };
            return Ok(Some(theirs.map_or_else(served, hit)));
        }
        if *scope == self.run.scope {
            let last = self.last_use(built).await;
            self.note_use(built, last).await;
        }
        // Whoever prunes looks at all manifests after it took some away, and before it takes bytes
        // away: so while the origin still stands, ours was seen.
        let stands = self.bucket.head(&self.commit_key(scope, built)?).await?.is_some();
        if !stands && !self.are_there(&manifest, false).await? {
            self.bucket.delete(&[self.commit_key(&manifest.scope, commit)?]).await?;
            return Ok(None);
        }
        let signed_by = self.run.signer.as_ref().map(|signer| signer.public().id());
        let found = Found { manifest, signed_by };
        Ok(Some(Hit { by: By::Inputs, found, written }))
    }

    /// Remembers a use. What cannot be remembered changes no answer.
    async fn note_use(&self, commit: &CommitId, last: Result<Option<Attributes>, AssetsError>) {
        let noted = match last {
            Ok(last) => self.used(commit, last.as_ref()).await,
            Err(error) => Err(error),
        };
        if let Err(error) = noted {
            tracing::warn!(%commit, %error, "could not remember that the set is used");
        }
    }

    /// Whether all bytes of a set are there, as far as their sizes tell. With `keep`, those that are
    /// old and in the own scope are made young: a manifest that is written now outlives them else,
    /// where a rule of the bucket takes away what is old.
    async fn are_there(&self, manifest: &Manifest, keep: bool) -> Result<bool, AssetsError> {
        let asked = manifest.blobs().into_iter().map(|blob| async move {
            let there = self.is_there(&blob).await?;
            if let Some(attributes) = &there
                && keep
                && blob.scope == self.run.scope
                && !self.run.read_only
                && self.is_old(attributes)
            {
                self.renew(&blob).await?;
            }
            Ok::<_, AssetsError>(there.is_some())
        });
        let mut answers = futures::stream::iter(asked).buffer_unordered(self.run.parallel);
        while let Some(there) = answers.try_next().await? {
            if !there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is known of a blob, where it is there with all its bytes.
    pub(crate) async fn is_there(&self, blob: &Blob) -> Result<Option<Attributes>, AssetsError> {
        let known = self.bucket.head(&self.blob_key(&blob.scope, &blob.digest)?).await?;
        Ok(known.filter(|attributes| attributes.size == blob.size))
    }
}

/// What a manifest tells of the inputs.
pub(crate) fn build_inputs(inputs: &Inputs, listing: Option<Blob>) -> BuildInputs {
    BuildInputs {
        hash: inputs.hash,
        patterns: inputs.patterns.clone(),
        keys: inputs.keys.clone(),
        count: inputs.count,
        listing,
    }
}

/// The digest of inputs that a manifest tells.
pub(crate) fn told_hash(manifest: &Manifest) -> Option<Digest> {
    manifest.inputs.as_ref().map(|inputs| inputs.hash)
}
