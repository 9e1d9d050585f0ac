//! What is asked about commits, and what a release changes.

use portolan_model::CommitId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Api, Request};
use crate::error::Outcome;
use crate::exit::Code;
use crate::git::Told;

/// What a release changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) release: String,
    pub(crate) against: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) images: Vec<ImageChange>,
}

/// What becomes of an image.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ImageChange {
    pub(crate) image: String,
    pub(crate) before: Vec<Side>,
    pub(crate) after: Option<Side>,
    pub(crate) commits: Option<Span>,
    pub(crate) files: Option<Files>,
}

/// An image on one side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Side {
    pub(crate) digest: String,
    pub(crate) revision: Option<String>,
}

/// What lies between two commits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    pub(crate) gained: Vec<Commit>,
    pub(crate) gained_total: u64,
    pub(crate) lost: Vec<Commit>,
    pub(crate) lost_total: u64,
    pub(crate) whole: bool,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) author: String,
    pub(crate) committed_at: String,
}

/// Files that differ.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Files {
    pub(crate) added: u64,
    pub(crate) removed: u64,
    pub(crate) changed: u64,
    pub(crate) whole: bool,
    pub(crate) first: Vec<FileChange>,
}

/// A path that is not the same. What is on each side is passed on as it came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Api {
    /// What a release changes.
    pub(crate) async fn changes(&self, id: &str, query: &[(&str, &str)]) -> Outcome<Changes> {
        self.get(&format!("/releases/{id}/changes"), query).await
    }

    /// Whether somebody told of a commit.
    pub(crate) async fn knows_commit(&self, id: &CommitId) -> Outcome<bool> {
        match self.send(Request::get(format!("/commits/{id}"))).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.code == Code::NotFound => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Tells of commits.
    pub(crate) async fn tell_commits(&self, commits: &[Told]) -> Outcome {
        let _: Value = self.post("/commits", &json!({ "commits": commits })).await?;
        Ok(())
    }
}
