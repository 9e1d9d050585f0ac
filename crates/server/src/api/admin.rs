//! What an administrator asks for: a scan, a backfill, a garbage collection.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::LOCATION;
use http::{HeaderMap, StatusCode};
use portolan_catalogue::CatalogueError;
use portolan_model::{Digest, EventId, JobId, RepositoryName, Tag, Target, Timestamp};
use portolan_store::{Job, JobState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::artifacts::{self, DeployableArtifact};
use super::ask::{Query, shown};
use super::error::{ApiError, ApiResult, Message};
use super::jobs::JobInfo;
use crate::App;
use crate::workers::jobs::{Backfill, CollectGarbage, RebuildTracks};
use crate::workers::queue::{self, Work};

/// How the portal told that a parameter is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MissingParameter {
    error_message: &'static str,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ScanQuery {
    /// The repository.
    repo: Option<String>,
    /// The tag.
    tag: Option<String>,
}

/// Scans the image under a tag, now, and answers with the artifact.
#[utoipa::path(
    post, path = "/admin/scan", tag = "admin", params(ScanQuery),
    responses(
        (status = 200, body = DeployableArtifact),
        (status = 400, description = "A parameter is missing", body = MissingParameter),
        (status = 404, description = "The registry has no such image", body = Message),
        (status = 422, description = "The image cannot be scanned", body = Message),
        (status = 502, description = "The registry cannot be read", body = Message),
    )
)]
pub(super) async fn scan(
    State(app): State<App>,
    Query(query): Query<ScanQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let (Some(repo), Some(tag)) = (given(query.repo), given(query.tag)) else {
        let told = MissingParameter { error_message: "repo and tag must be specified" };
        return Ok((StatusCode::BAD_REQUEST, Json(told)).into_response());
    };
    let repository: RepositoryName = repo.parse().map_err(ApiError::bad)?;
    let name: Tag = tag.parse().map_err(ApiError::bad)?;
    let asked_at = app.store.now();
    let target = Target::Tag(name.clone());
    let scanned = app.catalogue.scan_image(&app.images, &repository, &target).await;
    let scanned = scanned.map_err(|error| refusal(&error, &repo, &tag))?;
    point(&app, repository, name, scanned.digest, asked_at).await?;
    if let Some(artifact) = artifacts::exact(&app, &repo, &tag).await? {
        return super::answer::tagged(&headers, &DeployableArtifact::from(artifact));
    }
    let message = format!("{}:{} is no image that can run", shown(&repo), shown(&tag));
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message))
}

fn refusal(error: &CatalogueError, repo: &str, tag: &str) -> ApiError {
    match error {
        CatalogueError::NotFound { target: Target::Tag(_), .. } => {
            ApiError::not_found(format_args!("{}:{}", shown(repo), shown(tag)))
        }
        CatalogueError::Store(_) | CatalogueError::Thread(_) => ApiError::internal(error),
        CatalogueError::Content(_) => ApiError::new(StatusCode::BAD_GATEWAY, error.story()),
        error => ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.story()),
    }
}

/// Points a tag of the catalogue to what was scanned under it, unless it does already.
async fn point(
    app: &App,
    repository: RepositoryName,
    tag: Tag,
    digest: Digest,
    at: Timestamp,
) -> ApiResult<()> {
    let known = app.store.tag(&repository, &tag).await?;
    if known.is_none_or(|pointer| pointer.digest != digest) {
        let event = EventId::new(app.store.ids());
        let change = app.store.write(move |tx| {
            Box::pin(async move { tx.move_tag(&repository, &tag, Some(digest), at, event).await })
        });
        change.await?;
        app.store.wake_changes().await;
    }
    Ok(())
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BackfillQuery {
    /// Whether to forget the tags that the registry has no longer.
    #[serde(default)]
    drop: bool,
}

/// Queues a job that scans everything that the registry holds.
#[utoipa::path(
    post, path = "/admin/backfill", tag = "admin", params(BackfillQuery),
    responses(
        (status = 202, description = "The job, also where one like it is under way already",
         body = JobInfo, headers(("location" = String, description = "Where the job is"))),
        (status = 409, description = "One that is not like it is under way", body = Message),
    )
)]
pub(super) async fn backfill(
    State(app): State<App>,
    Query(query): Query<BackfillQuery>,
) -> ApiResult<Response> {
    enqueue(&app, &Backfill { drop: query.drop }, Backfill::KEY).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct CollectQuery {
    /// Seconds for which a blob is left alone after it was pushed or asked for; a day if not given.
    grace_seconds: Option<u64>,
    /// Seconds after which a manifest without a tag goes; if not given, they stay.
    untagged_after_seconds: Option<u64>,
    /// Only tell what would go.
    #[serde(default)]
    dry_run: bool,
}

/// Queues a job that removes what nothing in the built-in registry refers to. Its progress tells
/// what went.
#[utoipa::path(
    post, path = "/admin/registry-gc", tag = "admin", params(CollectQuery),
    responses(
        (status = 202, description = "The job, also where one like it is under way already",
         body = JobInfo, headers(("location" = String, description = "Where the job is"))),
        (status = 409, description = "One that is not like it is under way", body = Message),
    )
)]
pub(super) async fn collect(
    State(app): State<App>,
    Query(query): Query<CollectQuery>,
) -> ApiResult<Response> {
    let default = portolan_registry::GcOptions::default();
    let work = CollectGarbage {
        grace_seconds: query.grace_seconds.unwrap_or(default.grace.as_secs()),
        untagged_after_seconds: query.untagged_after_seconds,
        dry_run: query.dry_run,
    };
    enqueue(&app, &work, CollectGarbage::KEY).await
}

/// Queues a job that makes what is known of tasks and deployments anew from the journal. Its progress
/// tells from how many events.
#[utoipa::path(
    post, path = "/admin/rebuild", tag = "admin",
    responses(
        (status = 202, description = "The job, also where one is under way already",
         body = JobInfo, headers(("location" = String, description = "Where the job is"))),
    )
)]
pub(super) async fn rebuild(State(app): State<App>) -> ApiResult<Response> {
    enqueue(&app, &RebuildTracks {}, RebuildTracks::KEY).await
}

/// Queues `work` unless it is queued or running under `key`.
async fn enqueue<W: Work>(app: &App, work: &W, key: &'static str) -> ApiResult<Response> {
    let now = app.store.now();
    let new = queue::new(work, Some(key.to_owned()), now);
    if let Some(open) = app.store.open_job(key).await? {
        return accepted(open, &new.payload);
    }
    let (id, wanted) = (JobId::new(app.store.ids()), new.payload.clone());
    let put = app.store.write(move |tx| Box::pin(async move { tx.enqueue(id, &new, now).await }));
    let job = if put.await? {
        app.store.wake_jobs().await;
        app.store.wake_changes().await;
        app.store.job(id).await?
    } else {
        app.store.open_job(key).await?
    };
    let job = job.ok_or_else(|| {
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "another job just ended: try again")
    })?;
    accepted(job, &wanted)
}

fn accepted(job: Job, wanted: &serde_json::Value) -> ApiResult<Response> {
    if job.payload != *wanted && matches!(job.state, JobState::Queued | JobState::Running) {
        let message = format!("the job {} is under way with other options: wait for it", job.id);
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let location = [(LOCATION, format!("/jobs/{}", job.id))];
    Ok((StatusCode::ACCEPTED, location, Json(JobInfo::from(job))).into_response())
}
