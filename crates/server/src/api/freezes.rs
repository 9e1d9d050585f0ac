//! Environments in which nothing is to change.

use axum::body::Body;
use axum::extract::State;
use axum::{Extension, Json};
use portolan_model::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use super::who::{body_of, by, may_deploy};
use crate::App;
use crate::door::Holder;

/// The longest reason, in bytes.
const MOST_REASON: usize = 4096;

/// Why an environment is to stay as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FreezeWish {
    /// The project; every one that has the environment, if not given.
    project: Option<String>,
    /// Why.
    reason: String,
    /// Until when; until it is thawed, if not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Who says so, where no token does.
    by: Option<String>,
}

/// Which environment it is about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Froze {
    /// The environment.
    environment: String,
    /// The projects whose environment it is.
    projects: Vec<String>,
}

/// Keeps an environment as it is: no rollout to it is begun.
#[utoipa::path(
    post, path = "/environments/{name}/freeze", tag = "releases", request_body = FreezeWish,
    params(("name" = String, Path, description = "The environment")),
    responses(
        (status = 200, body = Froze),
        (status = 400, description = "The body makes no sense", body = Message),
        (status = 403, description = "The token is not one for this environment", body = Message),
        (status = 404, description = "There is no such project, or it has no such environment",
         body = Message),
    )
)]
pub(super) async fn freeze(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    Name(name): Name,
    body: Body,
) -> ApiResult<Json<Froze>> {
    may_deploy(holder.as_deref(), &name)?;
    let wish: FreezeWish = body_of(body, "freeze").await?;
    let by = by(holder.as_deref(), wish.by)?;
    if wish.reason.trim().is_empty() || wish.reason.len() > MOST_REASON {
        return Err(ApiError::bad("`reason` says in some words why"));
    }
    let projects = projects(&app, &name, wish.project.as_deref())?;
    for project in &projects {
        app.releases.freeze((project, &name), &wish.reason, &by, wish.until).await?;
    }
    Ok(Json(Froze { environment: name, projects }))
}

/// Which project it is about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ThawQuery {
    /// The project; every one that has the environment, if not given.
    project: Option<String>,
}

/// Lets an environment change again.
#[utoipa::path(
    delete, path = "/environments/{name}/freeze", tag = "releases",
    params(("name" = String, Path, description = "The environment"), ThawQuery),
    responses(
        (status = 200, description = "It may change, again or as before", body = Froze),
        (status = 403, description = "The token is not one for this environment", body = Message),
        (status = 404, description = "There is no such project, or it has no such environment",
         body = Message),
    )
)]
pub(super) async fn thaw(
    State(app): State<App>,
    holder: Option<Extension<Holder>>,
    Name(name): Name,
    Query(query): Query<ThawQuery>,
) -> ApiResult<Json<Froze>> {
    may_deploy(holder.as_deref(), &name)?;
    let projects = projects(&app, &name, query.project.as_deref())?;
    for project in &projects {
        app.releases.thaw(project, &name).await?;
    }
    Ok(Json(Froze { environment: name, projects }))
}

/// The projects that have the environment: all of them, or the one that is named.
fn projects(app: &App, environment: &str, named: Option<&str>) -> ApiResult<Vec<String>> {
    let all = app.releases.projects().values();
    let found: Vec<String> = all
        .filter(|it| named.is_none_or(|named| it.id == named))
        .filter(|it| it.environments.contains_key(environment))
        .map(|it| it.id.clone())
        .collect();
    if found.is_empty() {
        let of =
            named.map_or_else(|| "any project".to_owned(), |it| format!("project {}", shown(it)));
        return Err(ApiError::not_found(format_args!(
            "environment {} of {of}",
            shown(environment)
        )));
    }
    Ok(found)
}
