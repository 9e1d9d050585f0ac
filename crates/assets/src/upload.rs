//! Storing what a build made: bytes first, the manifest last, each once.
//!
//! Killed anywhere, nothing is visible that is not whole; begun again, what is there is not sent
//! again.

mod hashed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use portolan_model::{CommitId, failpoint};
use tokio::sync::Semaphore;

use crate::assets::{Assets, Found};
use crate::blob::Stored;
use crate::check::{build_inputs, told_hash};
use crate::error::AssetsError;
use crate::inputs::Inputs;
use crate::manifest::{Blob, Entry, Manifest, Permissions};
use crate::walk::Planned;
use hashed::{Content, Stamp};

/// Files of at most so many bytes are read once, and held meanwhile.
const SMALL: u64 = 1 << 20;
/// Files from so many bytes go in parts, of which many are held: one such file at a time.
const LARGE: u64 = 8 << 20;
/// Files that are hashed at once.
const HASHING: usize = 4;

/// How an upload ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The set is there now.
    Written,
    /// The same set was there.
    Already,
}

/// What an upload did.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// How it ended.
    pub outcome: Outcome,
    /// The set's manifest.
    pub manifest: Manifest,
    /// Files whose bytes were sent.
    pub sent: u64,
    /// How many bytes those were.
    pub sent_bytes: u64,
}

/// One file, on its way.
struct Step {
    entry: Entry,
    sent: bool,
    /// What was not sent: it is looked at once more when the set is visible.
    source: Option<(Blob, PathBuf)>,
}

impl Assets {
    /// Stores `files` as the set of `commit`, with what went into the build where that is known.
    /// `told` hears of bytes as they are through. A set that is there already is compared: the same
    /// one is as good, another one is a conflict.
    pub async fn upload(
        &self,
        commit: &CommitId,
        files: BTreeMap<String, Planned>,
        inputs: Option<&Inputs>,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Uploaded, AssetsError> {
        if self.run.read_only {
            return Err(AssetsError::ReadOnly("uploaded"));
        }
        let there = self.manifest(&self.run.scope, commit).await?;
        let lanes = Lanes {
            hashing: Arc::new(Semaphore::new(HASHING)),
            large: Arc::new(Semaphore::new(1)),
            send: there.is_none(),
        };
        let steps = files.into_iter().map(|(path, planned)| self.step(path, planned, &lanes, told));
        let steps: Vec<Step> =
            futures::stream::iter(steps).buffered(self.run.parallel).try_collect().await?;
        let sent = steps.iter().filter(|step| step.sent).count() as u64;
        let sent_bytes = steps.iter().filter(|step| step.sent).map(|step| step.entry.size()).sum();
        let (mut entries, mut present) = (Vec::with_capacity(steps.len()), Vec::new());
        for step in steps {
            present.extend(step.source);
            entries.push(step.entry);
        }
        let already = |manifest| Uploaded { outcome: Outcome::Already, manifest, sent, sent_bytes };
        if let Some(there) = there {
            let manifest = self.same(there, &entries, commit)?;
            // Who was killed right after the manifest comes back here, and so does who looks after
            // bytes that somebody took away.
            let named: BTreeSet<_> =
                manifest.blobs().into_iter().map(|blob| (blob.scope, blob.digest)).collect();
            present.retain(|(blob, _)| named.contains(&(blob.scope.clone(), blob.digest)));
            self.still_there(present, told).await?;
            if let Some(inputs) = inputs
                && told_hash(&manifest) == Some(inputs.hash)
            {
                self.point(&inputs.hash, commit).await?;
            }
            return Ok(already(manifest));
        }
        let listing = self.store_listing(inputs).await?;
        let manifest = Manifest {
            project: self.run.project.clone(),
            scope: self.run.scope.clone(),
            commit: commit.clone(),
            built_commit: commit.clone(),
            served_from: None,
            created_at: self.clock.now(),
            entries,
            inputs: inputs.map(|inputs| build_inputs(inputs, listing)),
            tools: self.run.tools.clone(),
            who: self.run.who.clone(),
        };
        failpoint::hit("assets.before-manifest");
        if !self.publish(&manifest).await? {
            let there = self.manifest(&self.run.scope, commit).await?;
            let there = there.ok_or_else(|| AssetsError::NoSet {
                commit: commit.clone(),
                scopes: self.run.scope.to_string(),
            })?;
            return self.same(there, &manifest.entries, commit).map(already);
        }
        failpoint::hit("assets.after-manifest");
        self.still_there(present, told).await?;
        if let Some(inputs) = inputs {
            self.point(&inputs.hash, commit).await?;
        }
        failpoint::hit("assets.after-inputs");
        Ok(Uploaded { outcome: Outcome::Written, manifest, sent, sent_bytes })
    }

    async fn step(
        &self,
        path: String,
        planned: Planned,
        lanes: &Lanes,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Step, AssetsError> {
        let (source, size, mode) = match planned {
            Planned::Symlink { target } => {
                let entry = Entry::Symlink { path, target };
                return Ok(Step { entry, sent: false, source: None });
            }
            Planned::File { source, size, mode } => (source, size, mode),
        };
        let permit = lanes.hashing.acquire().await;
        let file = source.clone();
        let read = move || hashed::read(&file, size <= SMALL);
        let content = tokio::task::spawn_blocking(read).await??;
        drop(permit);
        let entry = |blob: Blob, mode: Option<Permissions>| Entry::File { path, blob, mode };
        let blob =
            |digest, size, blake3| Blob { scope: self.run.scope.clone(), digest, size, blake3 };
        let (blob, stored) = match content {
            Content::Small(digest, bytes) => {
                let blob = blob(digest, bytes.len() as u64, None);
                if !lanes.send {
                    let source = Some((blob.clone(), source));
                    return Ok(Step { entry: entry(blob, mode), sent: false, source });
                }
                let stored = self.store_bytes(&blob, Bytes::from(bytes)).await?;
                told(blob.size);
                (blob, stored)
            }
            Content::Large(digest, tree, stamp) => {
                let blob = blob(digest, stamp.size(), tree);
                if !lanes.send {
                    let source = Some((blob.clone(), source));
                    return Ok(Step { entry: entry(blob, mode), sent: false, source });
                }
                (blob.clone(), self.store_large(&blob, &source, &stamp, lanes, told).await?)
            }
        };
        let present = (stored == Stored::Present).then(|| (blob.clone(), source));
        Ok(Step { entry: entry(blob, mode), sent: present.is_none(), source: present })
    }

    async fn store_large(
        &self,
        blob: &Blob,
        source: &std::path::Path,
        stamp: &Stamp,
        lanes: &Lanes,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<Stored, AssetsError> {
        let permit = if blob.size >= LARGE { lanes.large.acquire().await.ok() } else { None };
        let stored = self.store_file(blob, source, told).await?;
        drop(permit);
        if stored == Stored::Present {
            told(blob.size);
        } else if Stamp::of(source)? != *stamp {
            // What was sent is perhaps not what was hashed, and has the name of its hash.
            self.bucket.delete(&[self.blob_key(&blob.scope, &blob.digest)?]).await?;
            let why = "it was changed while it was stored: store it when the build has ended";
            return Err(AssetsError::File { path: source.to_owned(), why: why.to_owned() });
        }
        Ok(stored)
    }

    /// Looks once more at what was not sent because it was there: somebody may have pruned it before
    /// our manifest was seen.
    async fn still_there(
        &self,
        present: Vec<(Blob, PathBuf)>,
        told: &(dyn Fn(u64) + Sync),
    ) -> Result<(), AssetsError> {
        let looks = present.into_iter().map(|(blob, source)| async move {
            if self.is_there(&blob).await?.is_none() {
                self.store_file(&blob, &source, told).await?;
            }
            Ok::<_, AssetsError>(())
        });
        futures::stream::iter(looks).buffer_unordered(self.run.parallel).try_collect().await
    }

    async fn store_listing(&self, inputs: Option<&Inputs>) -> Result<Option<Blob>, AssetsError> {
        let Some(packed) = inputs.and_then(|inputs| inputs.listing.as_ref()) else {
            return Ok(None);
        };
        let blob = Blob {
            scope: self.run.scope.clone(),
            digest: portolan_model::Digest::of(packed),
            size: packed.len() as u64,
            blake3: None,
        };
        self.store_bytes(&blob, Bytes::from(packed.clone())).await?;
        Ok(Some(blob))
    }

    /// The set that is there, where it has the same files.
    fn same(
        &self,
        there: Found,
        entries: &[Entry],
        commit: &CommitId,
    ) -> Result<Manifest, AssetsError> {
        let theirs = there.manifest;
        let Some(difference) = difference(&theirs.entries, entries) else { return Ok(theirs) };
        let by = theirs.who.job.as_ref().or(theirs.who.actor.as_ref());
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let described =
            format!("{} files, written {}{by}", theirs.entries.len(), theirs.created_at);
        Err(AssetsError::Conflict {
            commit: commit.clone(),
            scope: self.run.scope.clone(),
            theirs: described,
            ours: format!("{} files", entries.len()),
            difference,
        })
    }
}

struct Lanes {
    hashing: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// Whether bytes are sent, or only compared.
    send: bool,
}

/// The first file in which two sets differ.
fn difference(theirs: &[Entry], ours: &[Entry]) -> Option<String> {
    let known: BTreeMap<_, _> = theirs.iter().map(|entry| (entry.path(), entry)).collect();
    for entry in ours {
        match known.get(entry.path()) {
            None => return Some(format!("`{}` is not in it", entry.path())),
            Some(other) if !entry.is_same(other) => {
                return Some(format!("its `{}` is another", entry.path()));
            }
            Some(_) => {}
        }
    }
    let own: std::collections::BTreeSet<_> = ours.iter().map(Entry::path).collect();
    let more = known.keys().find(|path| !own.contains(*path))?;
    Some(format!("only it has `{more}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Scope;

    #[test]
    fn two_sets_are_one_where_their_files_are() {
        let file = |path: &str, text: &str, scope: &str| Entry::File {
            path: path.to_owned(),
            blob: Blob {
                scope: scope.parse::<Scope>().unwrap(),
                digest: portolan_model::Digest::of(text.as_bytes()),
                size: text.len() as u64,
                blake3: None,
            },
            mode: None,
        };
        let one = [file("a", "1", "main"), file("b", "2", "main")];
        assert_eq!(difference(&one, &[file("a", "1", "x"), file("b", "2", "x")]), None);
        let told = |ours: &[Entry]| difference(&one, ours).unwrap();
        assert!(told(&one[..1]).contains("only it has `b`"));
        assert!(told(&[file("a", "1", "x"), file("b", "3", "x")]).contains("`b` is another"));
        assert!(told(&[file("a", "1", "x"), file("c", "3", "x")]).contains("`c` is not in it"));
    }
}
