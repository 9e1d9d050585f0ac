//! Which sets there are.

use futures::{StreamExt as _, TryStreamExt as _};
use portolan_model::{CommitId, Timestamp};

use crate::assets::{Assets, Found};
use crate::error::AssetsError;
use crate::name::Scope;

/// Sets of one scope that are listed at most.
const MOST: usize = 1_000_000;

/// One set.
#[derive(Debug)]
pub struct Listed {
    /// Its scope.
    pub scope: Scope,
    /// Its commit.
    pub commit: CommitId,
    /// When it was written, as the bucket has it.
    pub written_at: Timestamp,
    /// What it is, or why it is not believed. None where it was taken away meanwhile.
    pub found: Option<Result<Found, AssetsError>>,
}

impl Assets {
    /// The sets of the scopes that are read, the newest first: `most` of them after the first
    /// `skip`; and how many there are in all.
    pub async fn list(
        &self,
        skip: usize,
        most: usize,
    ) -> Result<(Vec<Listed>, usize), AssetsError> {
        let mut known = Vec::new();
        for scope in self.scopes() {
            let prefix = format!("{}/{scope}/commits/", self.run.project);
            for object in self.bucket.list(&prefix).all(MOST).await? {
                let name = object.name.strip_prefix(&prefix);
                let commit = name.and_then(|name| name.strip_suffix(".json")?.parse().ok());
                if let Some(commit) = commit {
                    known.push((object.modified, scope.clone(), commit));
                }
            }
        }
        let total = known.len();
        known.sort_by(|one: &(_, Scope, CommitId), other| {
            (other.0, &one.1, &one.2).cmp(&(one.0, &other.1, &other.2))
        });
        let page = known.into_iter().skip(skip).take(most);
        let read = page.map(|(written_at, scope, commit)| async move {
            let found = match self.manifest(&scope, &commit).await {
                Ok(found) => found.map(Ok),
                Err(error) if error.is_verification() => Some(Err(error)),
                Err(error) => return Err(error),
            };
            Ok(Listed { scope, commit, written_at, found })
        });
        let read = futures::stream::iter(read).buffered(self.run.parallel).try_collect().await?;
        Ok((read, total))
    }
}
