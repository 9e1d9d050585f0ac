//! Releases: prepared, listed, put in quarantine.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::LOCATION;
use portolan_model::{Digest, ReleaseId, RepositoryName, Tag, Timestamp};
use portolan_release::{Note, Source};
use portolan_store::{Quarantine, Release, ReleaseImage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use super::who::{body_of, by};
use crate::App;
use crate::door::Holder;

/// The longest description, in bytes.
pub(crate) const MOST_DESCRIPTION: usize = 16 * 1024;
/// The longest URL of a build, in bytes.
const MOST_URL: usize = 2048;

/// A release to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReleaseWish {
    /// The project.
    project: String,
    /// What it is prepared from.
    from: ReleaseSource,
    /// What people are told of it.
    #[serde(default)]
    description: String,
    /// The page of the build that prepares it: a URL.
    ci_url: Option<String>,
    /// Who prepares it, where no token says so.
    by: Option<String>,
}

/// What a release is prepared from: one of these.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct ReleaseSource {
    /// Where this tag points, for every image.
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    /// What was built from this commit: seven digits of its name or more.
    commit: Option<String>,
    /// What runs in this environment,
    environment: Option<String>,
    /// at this moment; now, if not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// What is in this release,
    #[schema(value_type = Option<String>)]
    release: Option<ReleaseId>,
    /// but for these images: each a tag or a digest, by the image's name.
    changes: BTreeMap<String, String>,
}

impl ReleaseSource {
    fn source(self) -> ApiResult<Source> {
        let Self { tag, commit, environment, at, release, changes } = self;
        let source = match (tag, commit, environment, release) {
            (Some(tag), None, None, None) => Source::Tag { tag },
            (None, Some(commit), None, None) => Source::Commit { commit },
            (None, None, Some(environment), None) => Source::Environment { environment, at },
            (None, None, None, Some(release)) => Source::Release { release, changes },
            _ => {
                let message = "`from` has one of `tag`, `commit`, `environment` and `release`";
                return Err(ApiError::bad(message));
            }
        };
        Ok(source)
    }
}

/// A release.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReleaseInfo {
    /// Its identity.
    #[schema(value_type = String)]
    id: ReleaseId,
    /// The project.
    project: String,
    /// What people are told of it.
    description: String,
    /// What it was prepared from.
    #[schema(value_type = Object)]
    source: Value,
    /// Who prepared it.
    created_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The page of the build that prepared it.
    ci_url: Option<String>,
    /// Its images, by name.
    images: Vec<ReleasedImage>,
    /// Why it is not to be deployed.
    quarantine: Option<QuarantineInfo>,
}

/// An image of a release.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReleasedImage {
    /// Its name in the project.
    image: String,
    /// The registry's host; none for the built-in one.
    registry: Option<String>,
    /// The repository.
    #[schema(value_type = String)]
    repository: RepositoryName,
    /// Which it is.
    #[schema(value_type = String)]
    digest: Digest,
    /// The tag by which it was found.
    #[schema(value_type = Option<String>)]
    tag: Option<Tag>,
    /// The commit it was built from.
    revision: Option<String>,
}

/// Why a release is not to be deployed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QuarantineInfo {
    /// Why.
    reason: String,
    /// By whose word.
    created_by: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl ReleaseInfo {
    fn new(release: Release, quarantine: Option<Quarantine>) -> Self {
        let image = |image: ReleaseImage| ReleasedImage {
            image: image.image,
            registry: image.registry,
            repository: image.repository,
            digest: image.digest,
            tag: image.tag,
            revision: image.revision,
        };
        Self {
            id: release.id,
            project: release.project,
            description: release.description,
            source: release.source,
            created_by: release.created_by,
            created_at: release.created_at,
            ci_url: release.ci_url,
            images: release.images.into_iter().map(image).collect(),
            quarantine: quarantine.map(|it| QuarantineInfo {
                reason: it.reason,
                created_by: it.created_by,
                created_at: it.created_at,
            }),
        }
    }
}

/// Prepares a release: from now on it is these digests, whatever becomes of tags.
#[utoipa::path(
    post, path = "/releases", tag = "releases", request_body = ReleaseWish,
    responses(
        (status = 201, body = ReleaseInfo,
         headers(("location" = String, description = "Where the release is"))),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 404, description = "There is no such project, or an image is nowhere: all are told",
         body = Message),
        (status = 409, description = "Which image is meant cannot be told", body = Message),
        (status = 413, description = "The body is too long", body = Message),
        (status = 502, description = "A registry cannot be read", body = Message),
    )
)]
pub(super) async fn prepare(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    body: Body,
) -> ApiResult<Response> {
    let wish: ReleaseWish = body_of(body, "release").await?;
    let by = by(holder.as_deref(), wish.by)?;
    if wish.description.len() > MOST_DESCRIPTION {
        return Err(ApiError::bad(format!("`description` has {MOST_DESCRIPTION} bytes at most")));
    }
    let ci_url = checked_url(wish.ci_url)?;
    let note = Note { description: wish.description, by, ci_url };
    let release = app.releases.prepare(&wish.project, &wish.from.source()?, note).await?;
    let at = format!("/releases/{}", release.id);
    let info = ReleaseInfo::new(release, None);
    Ok((StatusCode::CREATED, [(LOCATION, at)], Json(info)).into_response())
}

/// The page of a build, where it can be one: it becomes a link.
pub(super) fn checked_url(url: Option<String>) -> ApiResult<Option<String>> {
    let Some(url) = url.filter(|url| !url.is_empty()) else { return Ok(None) };
    let parsed = url::Url::parse(&url).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    if parsed.is_none() || url.len() > MOST_URL {
        return Err(ApiError::bad("`ciUrl` is no http or https URL"));
    }
    Ok(Some(url))
}

/// Which releases are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReleaseQuery {
    /// Only those of this project.
    project: Option<String>,
}

/// A part of the releases.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReleasePage {
    releases: Vec<ReleaseInfo>,
    #[serde(flatten)]
    part: Part,
}

/// Releases, the newest first.
#[utoipa::path(
    get, path = "/releases", tag = "releases", params(ReleaseQuery, PageQuery),
    responses((status = 200, body = ReleasePage))
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<ReleaseQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<ReleasePage>> {
    let limits = &app.settings.limits;
    let project = query.project.as_deref().filter(|project| !project.is_empty());
    let found = app.releases.list(project, page.part(limits)).await?;
    let mut quarantines = BTreeMap::new();
    for release in &found.items {
        if !quarantines.contains_key(&release.project) {
            let all = app.store.quarantines(&release.project).await?;
            quarantines.insert(release.project.clone(), all);
        }
    }
    let info = |release: Release| {
        let all = quarantines.get(&release.project).into_iter().flatten();
        let quarantine = all.into_iter().find(|it| it.release == release.id).cloned();
        ReleaseInfo::new(release, quarantine)
    };
    let releases = found.items.into_iter().map(info).collect();
    Ok(Json(ReleasePage { releases, part: page.told(limits, found.total) }))
}

/// One release.
#[utoipa::path(
    get, path = "/releases/{id}", tag = "releases",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = ReleaseInfo),
        (status = 404, description = "There is no such release", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, Name(id): Name) -> ApiResult<Json<ReleaseInfo>> {
    find(&app, &id).await.map(Json)
}

fn parsed(id: &str) -> ApiResult<ReleaseId> {
    id.parse().map_err(|_| ApiError::not_found(format_args!("release {}", shown(id))))
}

async fn find(app: &App, id: &str) -> ApiResult<ReleaseInfo> {
    let found = app.releases.show(parsed(id)?).await?;
    let (release, quarantine) =
        found.ok_or_else(|| ApiError::not_found(format_args!("release {}", shown(id))))?;
    Ok(ReleaseInfo::new(release, quarantine))
}

/// Why a release is not to be deployed any more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct QuarantineWish {
    /// Why.
    reason: String,
    /// Who says so, where no token does.
    by: Option<String>,
}

/// Puts a release in quarantine: it is not deployed again, by nobody and nothing.
#[utoipa::path(
    post, path = "/releases/{id}/quarantine", tag = "releases", request_body = QuarantineWish,
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = ReleaseInfo),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 404, description = "There is no such release", body = Message),
    )
)]
pub(super) async fn quarantine(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    Name(id): Name,
    body: Body,
) -> ApiResult<Json<ReleaseInfo>> {
    let wish: QuarantineWish = body_of(body, "quarantine").await?;
    let by = by(holder.as_deref(), wish.by)?;
    if wish.reason.trim().is_empty() || wish.reason.len() > MOST_DESCRIPTION {
        return Err(ApiError::bad("`reason` says in some words why"));
    }
    app.releases.quarantine(parsed(&id)?, &wish.reason, &by).await?;
    find(&app, &id).await.map(Json)
}

/// Lets a release be deployed again.
#[utoipa::path(
    delete, path = "/releases/{id}/quarantine", tag = "releases",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, description = "It may be deployed, again or as before", body = ReleaseInfo),
        (status = 404, description = "There is no such release", body = Message),
    )
)]
pub(super) async fn lift(State(app): State<App>, Name(id): Name) -> ApiResult<Json<ReleaseInfo>> {
    app.releases.lift(parsed(&id)?).await?;
    find(&app, &id).await.map(Json)
}
