//! Rollouts: ordered, approved, followed.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::LOCATION;
use portolan_model::{Digest, ReleaseId, RolloutId, Timestamp};
use portolan_release::{Options, Order, OrderError, Plan};
use portolan_store::{Rollout, RolloutFilter, RolloutState, RolloutStep, StepState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use super::releases::checked_url;
use super::who::{body_of, by, may_deploy};
use crate::App;
use crate::door::Holder;
use crate::workers::jobs::rollout::{enqueue, waits};

/// The longest that a wave, or the wait for an environment, may be given, in seconds: a day.
const MOST_SECONDS: u32 = 86_400;

/// A rollout to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RolloutWish {
    /// The project.
    project: String,
    /// The environment.
    environment: String,
    /// The release.
    #[schema(value_type = String)]
    release: ReleaseId,
    /// The plan that was agreed, as `POST /plans` answered it. It is applied as it is, or not at
    /// all.
    #[schema(value_type = Option<Object>)]
    plan: Option<Plan>,
    /// Or its hash: the plan is made anew, and must have this one. With neither, whatever must be
    /// done is done.
    #[schema(value_type = Option<String>)]
    plan_hash: Option<Digest>,
    /// How: `scope`, `onFailure` (`rollback` or `leave`), `seconds` for each wave, `waitSeconds` for
    /// somebody else who changes the environment, `reason` (`deploy` or `rollback`).
    #[schema(value_type = Object)]
    #[serde(default)]
    options: Options,
    /// The page of the build that orders it.
    ci_url: Option<String>,
    /// Who orders it, where no token says so.
    by: Option<String>,
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolloutInfo {
    /// Its identity.
    #[schema(value_type = String)]
    id: RolloutId,
    /// The project.
    project: String,
    /// The environment.
    environment: String,
    /// The release.
    #[schema(value_type = String)]
    release: ReleaseId,
    /// `waiting` (for a second person), `queued`, `running`, `undoing`; `succeeded`, `failed`,
    /// `rolled-back` and `refused` are ends.
    state: &'static str,
    /// Why it did not succeed.
    reason: Option<String>,
    /// Who ordered it.
    created_by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The page of the build that ordered it.
    ci_url: Option<String>,
    /// The second person.
    approved_by: Option<String>,
    /// When that one agreed.
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Timestamp>,
    /// When it was begun.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it came to an end.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl From<Rollout> for RolloutInfo {
    fn from(rollout: Rollout) -> Self {
        Self {
            id: rollout.id,
            project: rollout.project,
            environment: rollout.environment,
            release: rollout.release,
            state: rollout.state.name(),
            reason: rollout.reason,
            created_by: rollout.created_by,
            created_at: rollout.created_at,
            ci_url: rollout.ci_url,
            approved_by: rollout.approved_by,
            approved_at: rollout.approved_at,
            started_at: rollout.started_at,
            finished_at: rollout.finished_at,
        }
    }
}

/// One step of a rollout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StepInfo {
    /// What is done, and to what: `copy:IMAGE`, `define:SERVICE`, `start:SERVICE`,
    /// `watch:SERVICE`, `hook:SERVICE:HOOK`, `tag:IMAGE:TAG`; the same with `undo-` in front.
    name: String,
    /// `begun`, `done` or `failed`.
    state: &'static str,
    /// What it came to. While a deployment is watched: how many of its tasks shall run (`desired`),
    /// do (`running`), and did not stay up (`failed`). Where it failed, `reason` says why in words, and `why` what was found:
    /// events, and the tasks that stopped with their exit codes and last lines.
    #[schema(value_type = Option<Object>)]
    outcome: Option<Value>,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    /// When it came to an end.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

impl From<RolloutStep> for StepInfo {
    fn from(step: RolloutStep) -> Self {
        let state = match step.state {
            StepState::Begun => "begun",
            StepState::Done => "done",
            StepState::Failed => "failed",
        };
        let RolloutStep { name, outcome, started_at, finished_at, .. } = step;
        Self { name, state, outcome, started_at, finished_at }
    }
}

/// A rollout with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolloutDetail {
    #[serde(flatten)]
    info: RolloutInfo,
    /// What was agreed.
    #[schema(value_type = Object)]
    plan: Value,
    /// How it is applied.
    #[schema(value_type = Object)]
    options: Value,
    /// Its steps, in the order in which they were begun.
    steps: Vec<StepInfo>,
    /// Why it does not go on, where it has not ended and nobody works on it now: it will be tried
    /// again.
    waits: Option<String>,
}

/// Orders a rollout. It is recorded, and done by whichever server is free; `GET` on it tells how far
/// it is.
#[utoipa::path(
    post, path = "/rollouts", tag = "releases", request_body = RolloutWish,
    responses(
        (status = 202, description = "It is recorded", body = RolloutInfo,
         headers(("location" = String, description = "Where the rollout is"))),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 403, description = "The token is not one for this environment", body = Message),
        (status = 404, description = "There is no such project, environment or release",
         body = Message),
        (status = 409, description = "The world has moved, somebody else is changing the \
         environment, it is frozen, or the plan cannot be applied: why is told", body = Message),
        (status = 413, description = "The body is too long", body = Message),
        (status = 502, description = "Where services run or images are cannot be read",
         body = Message),
    )
)]
pub(super) async fn order(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    body: Body,
) -> ApiResult<Response> {
    let wish: RolloutWish = body_of(body, "rollout").await?;
    may_deploy(holder.as_deref(), &wish.environment)?;
    let by = by(holder.as_deref(), wish.by.clone())?;
    let ci_url = checked_url(wish.ci_url.clone())?;
    if wish.options.seconds > MOST_SECONDS || wish.options.wait_seconds > MOST_SECONDS {
        return Err(ApiError::bad(format!("seconds are {MOST_SECONDS} at most: a day")));
    }
    let rollout = ordered(&app, wish, by, ci_url).await?;
    if rollout.state == RolloutState::Queued {
        enqueue(&app, rollout.id).await?;
    }
    let at = format!("/rollouts/{}", rollout.id);
    let info = RolloutInfo::from(rollout);
    Ok((StatusCode::ACCEPTED, [(LOCATION, at)], Json(info)).into_response())
}

async fn ordered(
    app: &App,
    wish: RolloutWish,
    by: String,
    ci_url: Option<String>,
) -> ApiResult<Rollout> {
    let RolloutWish { project, environment, release, options, .. } = wish;
    let place = (project.as_str(), environment.as_str());
    let plan = match (wish.plan, wish.plan_hash) {
        (Some(plan), None) => plan,
        (None, Some(hash)) => {
            let plan = app.releases.plan(place.0, place.1, release, &options.scope).await?;
            if plan.hash != hash {
                let message = "the world has moved since the plan was made: make it again";
                return Err(ApiError::new(StatusCode::CONFLICT, message));
            }
            plan
        }
        (None, None) => {
            return Ok(app.releases.deploy(place, release, options, &by, ci_url).await?);
        }
        (Some(_), Some(_)) => return Err(ApiError::bad("either `plan` or `planHash`, not both")),
    };
    if (plan.project.as_str(), plan.environment.as_str(), plan.release)
        != (place.0, place.1, release)
    {
        return Err(ApiError::bad("the plan is for another project, environment or release"));
    }
    Ok(app.releases.apply(Order { plan, options, by, ci_url }).await?)
}

/// Which rollouts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RolloutQuery {
    /// Only those of this project.
    project: Option<String>,
    /// Only those to this environment.
    environment: Option<String>,
    /// Only those of this release.
    release: Option<String>,
    /// Only those that stand so.
    state: Option<String>,
}

/// A part of the rollouts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RolloutPage {
    rollouts: Vec<RolloutInfo>,
    #[serde(flatten)]
    part: Part,
}

/// Rollouts, the newest first.
#[utoipa::path(
    get, path = "/rollouts", tag = "releases", params(RolloutQuery, PageQuery),
    responses(
        (status = 200, body = RolloutPage),
        (status = 400, description = "`state` or `release` is none", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<RolloutQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<RolloutPage>> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let release = given(query.release).map(|id| id.parse()).transpose();
    let state = given(query.state).map(|state| state.parse::<RolloutState>()).transpose();
    let filter = RolloutFilter {
        project: given(query.project),
        environment: given(query.environment),
        release: release.map_err(ApiError::bad)?,
        state: state.map_err(|error| ApiError::bad(shown(&error)))?,
    };
    let limits = &app.settings.limits;
    let found = app.releases.rollouts(&filter, page.part(limits)).await?;
    let rollouts = found.items.into_iter().map(RolloutInfo::from).collect();
    Ok(Json(RolloutPage { rollouts, part: page.told(limits, found.total) }))
}

/// One rollout, with its plan and its steps.
#[utoipa::path(
    get, path = "/rollouts/{id}", tag = "releases",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = RolloutDetail),
        (status = 404, description = "There is no such rollout", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, Name(id): Name) -> ApiResult<Json<RolloutDetail>> {
    find(&app, &id).await.map(Json)
}

async fn find(app: &App, id: &str) -> ApiResult<RolloutDetail> {
    let missing = || ApiError::not_found(format_args!("rollout {}", shown(id)));
    let id: RolloutId = id.parse().map_err(|_| missing())?;
    let (rollout, steps) = app.releases.rollout(id).await?.ok_or_else(missing)?;
    let (plan, options) = (rollout.plan.clone(), rollout.options.clone());
    let steps = steps.into_iter().map(StepInfo::from).collect();
    let waits = if rollout.state.is_end() { None } else { waits(app, id).await? };
    Ok(RolloutDetail { info: rollout.into(), plan, options, steps, waits })
}

/// Who agrees.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ApprovalWish {
    /// Who agrees, where no token says so.
    by: Option<String>,
}

/// Lets a rollout to a protected environment go on: the word of a second person.
#[utoipa::path(
    post, path = "/rollouts/{id}/approve", tag = "releases", request_body = ApprovalWish,
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = RolloutDetail),
        (status = 400, description = "It is not told who agrees", body = Message),
        (status = 403, description = "The token is not one for this environment", body = Message),
        (status = 404, description = "There is no such rollout", body = Message),
        (status = 409, description = "It does not wait, or the same person ordered it",
         body = Message),
    )
)]
pub(super) async fn approve(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    Name(id): Name,
    body: Body,
) -> ApiResult<Json<RolloutDetail>> {
    let found = find(&app, &id).await?;
    may_deploy(holder.as_deref(), &found.info.environment)?;
    // A token says all that there is to say.
    let told =
        if holder.is_some() { None } else { body_of::<ApprovalWish>(body, "approval").await?.by };
    let by = by(holder.as_deref(), told)?;
    match app.releases.approve(found.info.id, &by).await {
        Ok(()) => enqueue(&app, found.info.id).await?,
        // Whoever asks twice, as the first answer was lost, is told the same.
        Err(OrderError::NotApproved(_)) if found.info.approved_by.as_ref() == Some(&by) => {}
        Err(error) => return Err(error.into()),
    }
    find(&app, &id).await.map(Json)
}
