//! Commits, and what lies between two of them.

mod between;
mod order;

use portolan_model::{CommitId, Timestamp};

use crate::bulk::statements;
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError, Tx};

pub use between::CommitSpan;

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
}
