//! What lies in a bucket of one project, by the names of its objects.

use std::collections::BTreeMap;

use portolan_model::{CommitId, Digest, Timestamp};

use crate::assets::Assets;
use crate::check::told_hash;
use crate::error::AssetsError;
use crate::manifest::Manifest;
use crate::name::Scope;

/// The sets of a project, and when they were used.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) commits: Vec<(Scope, CommitId, Timestamp)>,
    uses: BTreeMap<(Scope, CommitId), Timestamp>,
}

/// What an object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blob(Digest),
    Commit(CommitId),
    Use(CommitId),
}

/// What matters of a manifest here.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) scope: Scope,
    pub(super) commit: CommitId,
    pub(super) inputs: Option<Digest>,
    written: Timestamp,
    served_from: Option<(Scope, CommitId)>,
}

impl Set {
    pub(super) fn of(manifest: &Manifest, written: Timestamp) -> Self {
        let from = manifest.served_from.as_ref();
        Self {
            inputs: told_hash(manifest),
            served_from: from.map(|from| (from.scope.clone(), from.commit.clone())),
            scope: manifest.scope.clone(),
            commit: manifest.commit.clone(),
            written,
        }
    }

    pub(super) fn id(&self) -> (Scope, CommitId) {
        (self.scope.clone(), self.commit.clone())
    }
}

impl Known {
    /// The sets that were neither written nor used since.
    pub(super) fn unused(&self, sets: &[Set], since: Timestamp) -> Vec<(Scope, CommitId)> {
        let mut last: BTreeMap<(Scope, CommitId), Timestamp> = BTreeMap::new();
        let mut used = |set: (Scope, CommitId), at: Timestamp| {
            let known = last.entry(set).or_insert(at);
            *known = at.max(*known);
        };
        for set in sets {
            used(set.id(), set.written);
            if let Some(from) = &set.served_from {
                used(from.clone(), set.written);
            }
        }
        for (set, at) in &self.uses {
            used(set.clone(), *at);
        }
        sets.iter().map(Set::id).filter(|set| last.get(set).is_none_or(|at| *at < since)).collect()
    }
}

impl Assets {
    /// The sets of all scopes of the project, by the names of objects.
    pub(super) async fn known(&self) -> Result<Known, AssetsError> {
        let mut known = Known::default();
        let mut listing = self.bucket.list(&format!("{}/", self.run.project));
        while let Some(page) = listing.next_page().await? {
            for object in page {
                match self.kind(&object.name) {
                    Some((scope, Kind::Commit(commit))) => {
                        known.commits.push((scope, commit, object.modified));
                    }
                    Some((scope, Kind::Use(commit))) => {
                        known.uses.insert((scope, commit), object.modified);
                    }
                    _ => {}
                }
            }
        }
        Ok(known)
    }

    /// What the object `name` is, and of which scope; none where it is not one of ours.
    pub(super) fn kind(&self, name: &str) -> Option<(Scope, Kind)> {
        let rest = name.strip_prefix(self.run.project.as_str())?.strip_prefix('/')?;
        let (scope, rest) = rest.split_once('/')?;
        let scope = scope.parse().ok()?;
        let kind = if let Some(hex) = rest.strip_prefix("blobs/sha256/") {
            Kind::Blob(format!("sha256:{hex}").parse().ok()?)
        } else if let Some(name) = rest.strip_prefix("commits/") {
            Kind::Commit(name.strip_suffix(".json")?.parse().ok()?)
        } else {
            Kind::Use(rest.strip_prefix("uses/")?.parse().ok()?)
        };
        Some((scope, kind))
    }
}
