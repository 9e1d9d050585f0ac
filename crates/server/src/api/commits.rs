//! Commits: told by whoever has a checkout, so that it can be said what a release changes.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use portolan_model::{CommitId, Timestamp};
use portolan_store::{Commit, CommitSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Name, shown};
use super::error::{ApiError, ApiResult, Message};
use super::who::body_of;
use crate::App;

/// Commits of one request at most.
const MOST: usize = 2_000;
/// Parents of a commit at most.
const MOST_PARENTS: usize = 64;
/// The longest subject and name that are kept, in characters; what is longer is cut.
const MOST_SUBJECT: usize = 300;
const MOST_AUTHOR: usize = 100;

/// Commits that somebody tells of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitsWish {
    /// The commits, in any order: 2,000 at most.
    commits: Vec<CommitInfo>,
}

/// A commit.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CommitInfo {
    /// Its whole name: 40 or 64 hexadecimal digits.
    #[schema(value_type = String)]
    id: CommitId,
    /// The commits that it came after. Left out in answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    parents: Vec<CommitId>,
    /// The first line of its message.
    subject: String,
    /// The name of who wrote it.
    author: String,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime)]
    committed_at: Timestamp,
}

/// What lies between two commits.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpanInfo {
    /// Commits that come, newest first.
    gained: Vec<CommitInfo>,
    /// How many come.
    gained_total: u64,
    /// Commits that go, newest first: of a way back.
    lost: Vec<CommitInfo>,
    /// How many go.
    lost_total: u64,
    /// Whether that is all: false where the way leads over commits that nobody told of.
    whole: bool,
}

/// What became of commits that were told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CommitsTold {
    /// How many were told.
    told: usize,
}

impl From<Commit> for CommitInfo {
    fn from(commit: Commit) -> Self {
        Self {
            id: commit.id,
            parents: commit.parents,
            subject: commit.subject,
            author: commit.author,
            committed_at: commit.committed_at,
        }
    }
}

impl From<CommitSpan> for SpanInfo {
    fn from(span: CommitSpan) -> Self {
        Self {
            gained: span.gained.into_iter().map(Into::into).collect(),
            gained_total: span.gained_total,
            lost: span.lost.into_iter().map(Into::into).collect(),
            lost_total: span.lost_total,
            whole: span.whole,
        }
    }
}

/// One line, without what no line has, cut where it is long.
fn line(text: &str, most: usize) -> String {
    let first = text.lines().next().unwrap_or_default().trim();
    first.chars().filter(|it| !it.is_control()).take(most).collect()
}

impl CommitInfo {
    fn commit(self) -> ApiResult<Commit> {
        if self.parents.len() > MOST_PARENTS {
            let message = format!("commit {} has more than {MOST_PARENTS} parents", self.id);
            return Err(ApiError::bad(message));
        }
        Ok(Commit {
            subject: line(&self.subject, MOST_SUBJECT),
            author: line(&self.author, MOST_AUTHOR),
            id: self.id,
            parents: self.parents,
            committed_at: self.committed_at,
        })
    }
}

/// Tells of commits. Those that are known stay as they are.
#[utoipa::path(
    post, path = "/commits", tag = "releases", request_body = CommitsWish,
    responses(
        (status = 200, body = CommitsTold),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 413, description = "The body is too long", body = Message),
    )
)]
pub(super) async fn tell(State(app): State<App>, body: Body) -> ApiResult<Json<CommitsTold>> {
    let wish: CommitsWish = body_of(body, "commits").await?;
    if wish.commits.len() > MOST {
        return Err(ApiError::bad(format!("`commits` are {MOST} at most: send them in parts")));
    }
    let told = wish.commits.len();
    let commits =
        wish.commits.into_iter().map(CommitInfo::commit).collect::<ApiResult<Vec<_>>>()?;
    let add = app.store.write(move |tx| Box::pin(async move { tx.add_commits(&commits).await }));
    add.await?;
    app.store.wake_changes().await;
    Ok(Json(CommitsTold { told }))
}

/// One commit.
#[utoipa::path(
    get, path = "/commits/{id}", tag = "releases",
    params(("id" = String, Path, description = "Its whole name")),
    responses(
        (status = 200, body = CommitInfo),
        (status = 404, description = "Nobody told of such a commit", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, Name(id): Name) -> ApiResult<Json<CommitInfo>> {
    let missing = || ApiError::not_found(format_args!("commit {}", shown(&id)));
    let parsed: CommitId = id.parse().map_err(|_| missing())?;
    let commit = app.store.commit(&parsed).await?.ok_or_else(missing)?;
    Ok(Json(commit.into()))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("a\u{1b}[31m b\nc", 100), "a[31m b");
        assert_eq!(line("  éé  ", 1), "é");
        assert_eq!(line("", 9), "");
    }
}
