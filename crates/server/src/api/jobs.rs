//! Jobs: what is queued, what runs, how far it is.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use futures::stream;
use portolan_model::{JobId, Timestamp};
use portolan_store::{Job, JobFilter, JobState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// How long a change may be missed before a followed job is looked at all the same.
const LOOK: Duration = Duration::from_secs(2);

/// A job.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobInfo {
    /// Its identity.
    #[schema(value_type = String)]
    pub(super) id: JobId,
    /// What kind of work it is.
    kind: String,
    /// `queued`, `running`, `done` or `failed`.
    state: &'static str,
    /// What is to be done, as its kind reads it.
    #[schema(value_type = Object)]
    payload: Value,
    /// How far it is, as its kind tells it.
    #[schema(value_type = Option<Object>)]
    progress: Option<Value>,
    /// How often it was begun.
    attempts: u64,
    /// What went wrong last.
    error: Option<String>,
    /// When it may run next.
    #[schema(value_type = String, format = DateTime)]
    run_at: Timestamp,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When any of this changed last.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Job> for JobInfo {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state.name(),
            payload: job.payload,
            progress: job.progress,
            attempts: job.attempts,
            error: job.error,
            run_at: job.run_at,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

/// Which jobs are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct JobQuery {
    /// Only those of this kind.
    kind: Option<String>,
    /// Only those that are `queued`, `running`, `done` or `failed`.
    state: Option<String>,
}

/// A part of the jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobPage {
    jobs: Vec<JobInfo>,
    #[serde(flatten)]
    part: Part,
}

/// Jobs, newest first.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", params(JobQuery, PageQuery),
    responses(
        (status = 200, body = JobPage),
        (status = 400, description = "`state` is no state", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<JobQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<JobPage>> {
    let state = query.state.as_deref().filter(|state| !state.is_empty());
    let state = state.map(str::parse::<JobState>).transpose().map_err(ApiError::bad)?;
    let filter = JobFilter { kind: query.kind.filter(|kind| !kind.is_empty()), state };
    let limits = &app.settings.limits;
    let found = app.store.jobs(&filter, page.part(limits)).await?;
    let jobs = found.items.into_iter().map(JobInfo::from).collect();
    Ok(Json(JobPage { jobs, part: page.told(limits, found.total) }))
}

/// One job.
#[utoipa::path(
    get, path = "/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = JobInfo),
        (status = 404, description = "There is no such job, or no longer", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, Name(id): Name) -> ApiResult<Json<JobInfo>> {
    find(&app, &id).await.map(Json)
}

async fn find(app: &App, id: &str) -> ApiResult<JobInfo> {
    let missing = || ApiError::not_found(format_args!("job {}", shown(id)));
    let id: JobId = id.parse().map_err(|_| missing())?;
    app.store.job(id).await?.map(JobInfo::from).ok_or_else(missing)
}

/// Follows a job: an event `job` with the whole job at once and after each change, until it has
/// ended.
#[utoipa::path(
    get, path = "/jobs/{id}/events", tag = "jobs",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, description = "Events named `job`; the data of each is a `JobInfo`",
         content_type = "text/event-stream", body = String),
        (status = 404, description = "There is no such job, or no longer", body = Message),
    )
)]
pub(super) async fn events(
    State(app): State<App>,
    Name(id): Name,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    // Seen first and looked second, so that no change in between is missed.
    let wakes = app.store.change_wakes();
    let first = find(&app, &id).await?;
    let begin = Follow { app, id, wakes, told: None, next: Some(first) };
    let events = stream::unfold(begin, |mut follow| async move {
        let job = follow.next().await?;
        // A job always has a JSON form.
        let event = Event::default().event("job").json_data(&job).unwrap_or_default();
        follow.told = Some(job);
        Some((Ok(event), follow))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

/// Who follows a job.
struct Follow {
    app: App,
    id: String,
    wakes: tokio::sync::watch::Receiver<u64>,
    /// What was told last.
    told: Option<JobInfo>,
    /// What is to be told first.
    next: Option<JobInfo>,
}

impl Follow {
    /// The job when it is no longer as it was told; none after its end.
    async fn next(&mut self) -> Option<JobInfo> {
        if let Some(first) = self.next.take() {
            return Some(first);
        }
        if self.told.as_ref().is_some_and(|job| matches!(job.state, "done" | "failed")) {
            return None;
        }
        loop {
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                _ = self.wakes.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            self.wakes.borrow_and_update();
            match find(&self.app, &self.id).await {
                Ok(job) if self.told.as_ref() != Some(&job) => return Some(job),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
