//! Taking away what nobody used for long: sets, and then bytes that no set names.

mod known;
mod named;

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _};
use portolan_bucket::Key;
use portolan_model::{CommitId, Digest};

use crate::assets::Assets;
use crate::error::AssetsError;
use crate::manifest::{MOST_ENVELOPE_BYTES, Manifest, Place};
use crate::name::Scope;
use known::{Kind, Known, Set};
use named::Named;

/// How old bytes that no manifest names must be: those of an upload that is under way are younger.
const SPARED_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Objects that are deleted at once.
const BATCH: usize = 1000;

/// What was taken away, or would be.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// The sets.
    pub sets: Vec<(Scope, CommitId)>,
    /// How many sets are kept.
    pub kept: u64,
    /// How many blobs.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Assets {
    /// Takes away the sets of all scopes of the project that were neither written nor found for
    /// `unused_millis`, and then the bytes that no set names any more. A set that another one was
    /// served from counts as used when that one was written. With `plan`, nothing is taken away.
    pub async fn prune(&self, unused_millis: i64, plan: bool) -> Result<Pruned, AssetsError> {
        if self.run.read_only && !plan {
            return Err(AssetsError::ReadOnly("pruned"));
        }
        let known = self.known().await?;
        let mut sets = Vec::new();
        self.read_all(&known, |set, _| sets.push(set)).await?;
        let since = self.clock.now().plus_millis(-unused_millis);
        let expired: HashSet<_> = known.unused(&sets, since).into_iter().collect();
        let mut pruned = Pruned { sets: expired.iter().cloned().collect(), ..Pruned::default() };
        pruned.sets.sort();
        if !plan {
            let gone = sets.iter().filter(|set| expired.contains(&set.id()));
            let forget = gone.map(|set| self.forget(&set.scope, &set.commit, set.inputs));
            let forget = futures::stream::iter(forget).buffer_unordered(self.run.parallel);
            forget.try_collect::<()>().await?;
        }
        drop((sets, known));
        // Once more: a manifest that was written meanwhile may name what no other one does, be it of a
        // commit whose set just went.
        let mut named = Named::default();
        let visit = |set: Set, manifest: &Manifest| {
            if plan && expired.contains(&set.id()) {
                return;
            }
            pruned.kept += 1;
            for blob in manifest.blobs() {
                named.insert(&blob.scope, &blob.digest);
            }
        };
        self.read_all(&self.known().await?, visit).await?;
        self.sweep(&named, plan, &mut pruned).await?;
        Ok(pruned)
    }

    /// Takes away what leads to a set, and then the set.
    async fn forget(
        &self,
        scope: &Scope,
        commit: &CommitId,
        inputs: Option<Digest>,
    ) -> Result<(), AssetsError> {
        let mut keys = Vec::new();
        if let Some(hash) = inputs
            && let Some((known, _)) = self.pointer(scope, &hash).await?
            && known == *commit
        {
            keys.push(self.inputs_key(scope, &hash)?);
        }
        keys.push(self.key(scope, &format!("uses/{commit}"))?);
        self.bucket.delete(&keys).await?;
        self.bucket.delete(&[self.commit_key(scope, commit)?]).await?;
        Ok(())
    }

    /// Takes away the blobs that are not `named`, page by page.
    async fn sweep(
        &self,
        named: &Named,
        plan: bool,
        pruned: &mut Pruned,
    ) -> Result<(), AssetsError> {
        let before = self.clock.now().plus_millis(-SPARED_MILLIS);
        let mut listing = self.bucket.list(&format!("{}/", self.run.project));
        while let Some(page) = listing.next_page().await? {
            let mut keys: Vec<Key> = Vec::with_capacity(BATCH);
            for object in &page {
                let Some((scope, Kind::Blob(digest))) = self.kind(&object.name) else { continue };
                if object.modified < before && !named.contains(&scope, &digest) {
                    pruned.blobs += 1;
                    pruned.bytes += object.size;
                    keys.push(object.key()?);
                }
            }
            if !plan {
                self.bucket.delete(&keys).await?;
            }
        }
        Ok(())
    }

    /// Visits every set that is known, with its manifest. One that cannot be read stops everything:
    /// what it names would be taken for what nothing names.
    async fn read_all(
        &self,
        known: &Known,
        mut visit: impl FnMut(Set, &Manifest),
    ) -> Result<(), AssetsError> {
        let read = known.commits.iter().map(|(scope, commit, written)| async move {
            let key = self.commit_key(scope, commit)?;
            let Some((_, bytes)) = self.bucket.read(&key, MOST_ENVELOPE_BYTES).await? else {
                return Ok(None);
            };
            let place = Place { project: &self.run.project, scope, commit };
            // Whoever signed it: what it names is kept.
            let opened = Manifest::open(&bytes, place, &[]);
            let refused = |source| AssetsError::Refused {
                scope: scope.clone(),
                commit: commit.clone(),
                source,
            };
            let (manifest, _) = opened.map_err(refused)?;
            Ok::<_, AssetsError>(Some((manifest, *written)))
        });
        let mut read = futures::stream::iter(read).buffered(self.run.parallel);
        while let Some(found) = read.try_next().await? {
            if let Some((manifest, written)) = found {
                visit(Set::of(&manifest, written), &manifest);
            }
        }
        Ok(())
    }
}
