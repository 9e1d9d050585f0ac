//! What lies between two commits.

use std::collections::BTreeSet;

use portolan_model::CommitId;

use super::{Commit, order};
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError};

/// Commits that are walked back from one at most.
const MOST_WALKED: u64 = 5_000;
/// Commits that one statement asks about at most.
const CHUNK: usize = 500;

/// What lies between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSpan {
    /// Commits that come with the second, newest first and none before one that came after it: at most as many as were asked for.
    pub gained: Vec<Commit>,
    /// How many there are.
    pub gained_total: u64,
    /// Commits that go with the first, in the same order.
    pub lost: Vec<Commit>,
    /// How many there are.
    pub lost_total: u64,
    /// Whether that is all of them: false where the way between them leads over commits that nobody
    /// told of.
    pub whole: bool,
}

/// The commits from which none that is known leads on, and whether all of them were walked.
struct Walked {
    all: BTreeSet<String>,
    whole: bool,
}

impl Store {
    /// What lies between two commits, with at most `most` of each side; none where one of them is
    /// not known.
    pub async fn commits_between(
        &self,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<Option<CommitSpan>, StoreError> {
        if self.commit(from).await?.is_none() || self.commit(to).await?.is_none() {
            return Ok(None);
        }
        let (before, after) = (self.walked(from).await?, self.walked(to).await?);
        let gained: Vec<&String> = after.all.difference(&before.all).collect();
        let lost: Vec<&String> = before.all.difference(&after.all).collect();
        // Each side's walk ends where nobody told more; what is on both is no matter of either.
        let whole = before.whole && after.whole
            || self.all_told(&gained, &before.all).await?
                && self.all_told(&lost, &after.all).await?;
        Ok(Some(CommitSpan {
            gained_total: gained.len() as u64,
            lost_total: lost.len() as u64,
            gained: self.newest(&gained, most).await?,
            lost: self.newest(&lost, most).await?,
            whole,
        }))
    }

    /// A commit and all that it came after.
    async fn walked(&self, from: &CommitId) -> Result<Walked, StoreError> {
        let select = sql("WITH RECURSIVE way (id) AS ( \
             SELECT id FROM source_commit WHERE id = $1 UNION \
             SELECT p.parent FROM way JOIN source_commit_parent AS p ON p.child = way.id \
             JOIN source_commit AS c ON c.id = p.parent) SELECT id FROM way LIMIT $2")
        .bind(from.as_str())
        .bind(MOST_WALKED + 1);
        let mut all = BTreeSet::new();
        for row in self.all(select).await? {
            all.insert(row.text("id")?);
        }
        let short = all.len() as u64 <= MOST_WALKED;
        let everything: Vec<&String> = all.iter().collect();
        let whole = short && self.all_told(&everything, &BTreeSet::new()).await?;
        Ok(Walked { all, whole })
    }

    /// Whether every parent of `commits` is one of them, or one of `others`.
    async fn all_told(
        &self,
        commits: &[&String],
        others: &BTreeSet<String>,
    ) -> Result<bool, StoreError> {
        let own: BTreeSet<&String> = commits.iter().copied().collect();
        let parents = self.parents(commits).await?;
        Ok(parents.iter().all(|(_, parent)| own.contains(parent) || others.contains(parent)))
    }

    /// Each of `commits` with each of its parents.
    async fn parents(&self, commits: &[&String]) -> Result<Vec<(String, String)>, StoreError> {
        let select = "SELECT child, parent FROM source_commit_parent WHERE child IN";
        let rows = self.of_each(select, commits).await?;
        rows.iter().map(|row| Ok((row.text("child")?, row.text("parent")?))).collect()
    }

    /// The newest of `commits`.
    async fn newest(&self, commits: &[&String], most: usize) -> Result<Vec<Commit>, StoreError> {
        let rows = self.of_each("SELECT * FROM source_commit WHERE id IN", commits).await?;
        let found = rows.iter().map(Commit::read).collect::<Result<Vec<_>, _>>()?;
        let parents = if found.len() > 1 { self.parents(commits).await? } else { Vec::new() };
        Ok(order::newest_first(found, &parents, most))
    }

    /// What `select` finds of `commits`, whose names it wants in brackets at its end.
    async fn of_each(
        &self,
        select: &'static str,
        commits: &[&String],
    ) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::with_capacity(commits.len());
        for chunk in commits.chunks(CHUNK) {
            let mut select = sql(select);
            let marks = vec!["?"; chunk.len()].join(", ");
            select.push(&format!(" ({marks})"), chunk.iter().map(|id| Value::from(id.as_str())));
            found.extend(self.all(select).await?);
        }
        Ok(found)
    }
}
