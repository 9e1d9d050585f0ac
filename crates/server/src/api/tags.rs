//! Tags: where they point, and where they pointed.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{Digest, RepositoryName, Tag, Timestamp};
use portolan_store::{ImageBrief, TagMove, TagPointer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::tagged;
use super::ask::{PageQuery, Part, Query};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// A tag, with what its image is in one line.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TagLine {
    /// The repository.
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// The tag.
    #[schema(value_type = String)]
    tag: Tag,
    /// What it points to.
    #[schema(value_type = String)]
    digest: Digest,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// `image`, `index`, or `artifact` for what is no runnable image.
    kind: Option<&'static str>,
    /// `pending`, `scanned` or `failed`.
    state: Option<&'static str>,
    /// What it is built for.
    platforms: Vec<String>,
    /// Bytes of all layers as they are stored.
    compressed_bytes: u64,
    /// Bytes of all layers uncompressed.
    raw_bytes: u64,
    /// Files that it shows.
    file_count: u64,
}

/// A part of the tags.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TagPage {
    tags: Vec<TagLine>,
    #[serde(flatten)]
    part: Part,
}

fn line(pointer: TagPointer, brief: Option<&ImageBrief>) -> TagLine {
    let platforms = brief.map(|brief| brief.platforms.as_slice()).unwrap_or_default();
    TagLine {
        repository: pointer.repository,
        tag: pointer.tag,
        digest: pointer.digest,
        since: pointer.since,
        kind: brief.map(|brief| brief.kind.name()),
        state: brief.map(|brief| brief.state.name()),
        platforms: platforms.iter().map(ToString::to_string).collect(),
        compressed_bytes: brief.map_or(0, |brief| brief.compressed_bytes),
        raw_bytes: brief.map_or(0, |brief| brief.raw_bytes),
        file_count: brief.map_or(0, |brief| brief.files),
    }
}

/// Which tags are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TagQuery {
    /// Only those of this repository.
    repo: Option<String>,
}

/// Tags that point somewhere, by repository and name.
#[utoipa::path(
    get, path = "/tags", tag = "images", params(TagQuery, PageQuery),
    responses(
        (status = 200, body = TagPage),
        (status = 400, description = "`repo` is no name of a repository", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<TagQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<TagPage>> {
    let repository = query.repo.as_deref().filter(|repo| !repo.is_empty());
    let repository: Option<RepositoryName> =
        repository.map(str::parse).transpose().map_err(ApiError::bad)?;
    let limits = &app.settings.limits;
    let (found, briefs) = app.store.tag_briefs(repository.as_ref(), page.part(limits)).await?;
    let lines = found.items.into_iter().map(|pointer| {
        let brief = briefs.get(&pointer.digest);
        line(pointer, brief)
    });
    Ok(Json(TagPage { tags: lines.collect(), part: page.told(limits, found.total) }))
}

/// Where a tag pointed for some time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MoveInfo {
    /// Where it pointed; none while it was deleted.
    #[schema(value_type = Option<String>)]
    digest: Option<Digest>,
    /// From when.
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Until when; none where it still points there.
    #[schema(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

impl From<TagMove> for MoveInfo {
    fn from(moved: TagMove) -> Self {
        Self { digest: moved.digest, from: moved.from, to: moved.to }
    }
}

/// Where a tag points and pointed, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TagHistory {
    /// The repository.
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// The tag.
    #[schema(value_type = String)]
    tag: Tag,
    /// Its moves.
    moves: Vec<MoveInfo>,
}

/// Which tag is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// The repository.
    repo: String,
    /// The tag.
    tag: String,
}

/// Where a tag points and pointed.
#[utoipa::path(
    get, path = "/tags/history", tag = "images", params(HistoryQuery),
    responses(
        (status = 200, body = TagHistory),
        (status = 400, description = "`repo` or `tag` is missing or none", body = Message),
        (status = 404, description = "There never was such a tag", body = Message),
    )
)]
pub(super) async fn history(
    State(app): State<App>,
    Query(query): Query<HistoryQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let repository: RepositoryName = query.repo.parse().map_err(ApiError::bad)?;
    let tag: Tag = query.tag.parse().map_err(ApiError::bad)?;
    let moves = app.store.tag_history(&repository, &tag).await?;
    if moves.is_empty() {
        return Err(ApiError::not_found(format_args!("{repository}:{tag}")));
    }
    let moves = moves.into_iter().map(Into::into).collect();
    tagged(&headers, &TagHistory { repository, tag, moves })
}
