//! Commits, and what lies between two of them.

use std::collections::BTreeSet;

use portolan_model::{CommitId, Timestamp};

use crate::bulk::statements;
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError, Tx};

/// Commits that are walked back from one at most.
const MOST_WALKED: u64 = 5_000;
/// Commits that one statement asks about at most.
const CHUNK: usize = 500;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub id: CommitId,
    /// The commits that it came after, in git's order. Empty where the commit is read: only its way is
    /// asked for then.
    pub parents: Vec<CommitId>,
    /// The first line of what was said of it.
    pub subject: String,
    /// The name of who wrote it.
    pub author: String,
    /// When it was committed.
    pub committed_at: Timestamp,
}

/// What lies between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitSpan {
    /// Commits that come with the second, newest first: at most as many as were asked for.
    pub gained: Vec<Commit>,
    /// How many there are.
    pub gained_total: u64,
    /// Commits that go with the first, newest first.
    pub lost: Vec<Commit>,
    /// How many there are.
    pub lost_total: u64,
    /// Whether that is all of them: false where the way between them leads over commits that nobody
    /// told of.
    pub whole: bool,
}

impl Commit {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            parents: Vec::new(),
            subject: row.text("subject")?,
            author: row.text("author")?,
            committed_at: row.time("committed_at")?,
        })
    }
}

impl Tx {
    /// Remembers commits. Those that are known stay as they are: what a commit says never changes.
    pub async fn add_commits(&mut self, commits: &[Commit]) -> Result<(), StoreError> {
        let row = |it: &Commit| -> Vec<Value> {
            vec![
                it.id.as_str().into(),
                it.subject.as_str().into(),
                it.author.as_str().into(),
                it.committed_at.into(),
            ]
        };
        let rows = commits.iter().map(row).collect();
        let insert = "INSERT INTO source_commit (id, subject, author, committed_at) VALUES";
        for insert in statements(insert, rows, "ON CONFLICT (id) DO NOTHING") {
            self.run(insert).await?;
        }
        let parents = commits.iter().flat_map(|it| {
            let parents = it.parents.iter().enumerate();
            parents.map(|(position, parent)| -> Vec<Value> {
                vec![it.id.as_str().into(), (position as u64).into(), parent.as_str().into()]
            })
        });
        let insert = "INSERT INTO source_commit_parent (child, position, parent) VALUES";
        for insert in statements(insert, parents.collect(), "ON CONFLICT DO NOTHING") {
            self.run(insert).await?;
        }
        Ok(())
    }
}

/// The commits from which none that is known leads on, and whether all of them were walked.
struct Walked {
    all: BTreeSet<String>,
    whole: bool,
}

impl Store {
    /// A commit, where it is known.
    pub async fn commit(&self, id: &CommitId) -> Result<Option<Commit>, StoreError> {
        let select = sql("SELECT * FROM source_commit WHERE id = $1").bind(id.as_str());
        self.first(select).await?.as_ref().map(Commit::read).transpose()
    }

    /// The one commit whose name begins with these hexadecimal digits; none where there is no such
    /// commit, or more than one.
    pub async fn commit_named(&self, beginning: &str) -> Result<Option<Commit>, StoreError> {
        let digits = (4..=64).contains(&beginning.len())
            && beginning.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Ok(None);
        }
        let first = beginning.to_ascii_lowercase();
        // `g` comes after every digit.
        let select = sql("SELECT * FROM source_commit WHERE id >= $1 AND id < $2 LIMIT 2")
            .bind(first.as_str())
            .bind(format!("{first}g"));
        let found = self.all(select).await?;
        if found.len() == 1 { Commit::read(&found[0]).map(Some) } else { Ok(None) }
    }

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
        for chunk in commits.chunks(CHUNK) {
            let mut select = sql("SELECT parent FROM source_commit_parent WHERE child IN (");
            let marks = vec!["?"; chunk.len()].join(", ");
            select.push(&format!("{marks})"), chunk.iter().map(|id| Value::from(id.as_str())));
            for row in self.all(select).await? {
                let parent = row.text("parent")?;
                if !own.contains(&parent) && !others.contains(&parent) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The newest of `commits`.
    async fn newest(&self, commits: &[&String], most: usize) -> Result<Vec<Commit>, StoreError> {
        let mut found = Vec::with_capacity(commits.len());
        for chunk in commits.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM source_commit WHERE id IN (");
            let marks = vec!["?"; chunk.len()].join(", ");
            select.push(&format!("{marks})"), chunk.iter().map(|id| Value::from(id.as_str())));
            for row in self.all(select).await? {
                found.push(Commit::read(&row)?);
            }
        }
        found.sort_by(|a, b| (b.committed_at, &b.id).cmp(&(a.committed_at, &a.id)));
        found.truncate(most);
        Ok(found)
    }
}
