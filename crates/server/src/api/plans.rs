//! Plans: what applying a release to an environment would do.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use portolan_model::{ReleaseId, Timestamp};
use portolan_release::{Back, Most, Options, Plan, Scope};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::changes::ImageChangeInfo;
use super::error::{ApiError, ApiResult, Message};
use super::who::{body_of, by, may_deploy};
use crate::App;
use crate::door::Holder;

/// Commits that are told of each image at most.
const MOST_COMMITS: usize = 20;

/// What a plan is wanted for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlanWish {
    /// The project.
    project: String,
    /// The environment.
    environment: String,
    /// The release, where it is not about going back.
    #[schema(value_type = Option<String>)]
    release: Option<ReleaseId>,
    /// What is to be there again.
    rollback: Option<RollbackWish>,
    /// Only these services; all, if not given.
    services: Option<BTreeSet<String>>,
    /// Who asks, where no token says so: what ran at a moment becomes a release, by whoever asks.
    by: Option<String>,
}

/// What is to be there again: one of these, or nothing for what the last success before the newest
/// one brought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RollbackWish {
    /// This release.
    #[schema(value_type = Option<String>)]
    release: Option<ReleaseId>,
    /// What ran at this moment.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// A plan, with how to order it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PlanAnswer {
    /// The plan: its images and services, `refusals` that say why it cannot be applied, and `hash`.
    #[schema(value_type = Object)]
    plan: Plan,
    /// The refusals, in words.
    refused: Vec<String>,
    /// Whether nothing would be done.
    empty: bool,
    /// The options for the order.
    #[schema(value_type = Object)]
    options: Options,
    /// The commits between what runs and what shall run, image by image. Files are told by
    /// `/releases/{id}/changes`.
    changes: Vec<ImageChangeInfo>,
}

/// Makes a plan. Nothing is changed, nor promised: the world may move before it is applied.
#[utoipa::path(
    post, path = "/plans", tag = "releases", request_body = PlanWish,
    responses(
        (status = 200, body = PlanAnswer),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 403, description = "The token is not one for this environment", body = Message),
        (status = 404, description = "There is no such project, environment or release",
         body = Message),
        (status = 502, description = "Where services run or images are cannot be read",
         body = Message),
    )
)]
pub(super) async fn make(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    body: Body,
) -> ApiResult<Json<PlanAnswer>> {
    let wish: PlanWish = body_of(body, "plan").await?;
    may_deploy(holder.as_deref(), &wish.environment)?;
    let place = (wish.project.as_str(), wish.environment.as_str());
    let scope = Scope { services: wish.services };
    let (plan, options) = match (wish.release, wish.rollback) {
        (Some(release), None) => {
            let plan = app.releases.plan(place.0, place.1, release, &scope).await?;
            (plan, Options { scope, ..Options::default() })
        }
        (None, Some(wish_back)) => {
            let back = match (wish_back.release, wish_back.at) {
                (None, None) => Back::Previous,
                (Some(release), None) => Back::Release(release),
                (None, Some(at)) => Back::Moment(at),
                (Some(_), Some(_)) => {
                    return Err(ApiError::bad("`rollback` has either `release` or `at`"));
                }
            };
            // Only what ran at a moment becomes a release of its own, which is somebody's.
            let by = match &back {
                Back::Moment(_) => by(holder.as_deref(), wish.by)?,
                _ => String::new(),
            };
            app.releases.rollback(place, &back, &scope, &by).await?
        }
        _ => return Err(ApiError::bad("either `release` or `rollback` says what is wanted")),
    };
    let most = Most { commits: MOST_COMMITS, files: None };
    let changes = app.releases.changes_of_plan(&plan, most).await?;
    let changes = changes.into_iter().map(Into::into).collect();
    let refused = plan.refusals.iter().map(ToString::to_string).collect();
    Ok(Json(PlanAnswer { refused, empty: plan.is_empty(), plan, options, changes }))
}
