//! Deployments: what was deployed, when, by whom, and how that went.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode, Uri};
use portolan_model::path::base_name;
use portolan_store::{DeploymentFilter, Page, SourceFilter};
use portolan_tracker::{Status, Wanted};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::tagged;
use super::ask::{PageQuery, Part, Query, shown, whole_tail};
use super::asked::Asked;
use super::deployment::{Deployment, DeploymentWhole};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// Deployments that a bare list holds at most.
const MOST: u64 = 200;

/// A part of the deployments.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeploymentPage {
    deployments: Vec<Deployment>,
    #[serde(flatten)]
    part: Part,
}

/// Deployments and requests for them, newest first.
///
/// Without `page` and `size`, at most 200 after `offset`, as a bare array.
#[utoipa::path(
    get, path = "/deployments", tag = "deployments",
    params(
        ("offset" = Option<u64>, Query, description = "So many of the newest are left out"),
        ("environment" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("service" = Option<Vec<String>>, Query, description = "Only of these services"),
        ("status" = Option<String>, Query, description = "Only those that stand so"),
        ("user" = Option<String>, Query,
         description = "Only those of this user, by identity or name"),
        ("team" = Option<String>, Query,
         description = "Only of services whose repository is this team's, by its slug"),
        ("from" = Option<String>, Query, description = "Only those made then or later"),
        ("to" = Option<String>, Query, description = "Only those made then or earlier"),
        ("at" = Option<String>, Query, description = "As all of that was at this moment"),
        PageQuery,
    ),
    responses(
        (status = 200, description = "A bare array; with `page` or `size`, a `DeploymentPage`",
         body = Vec<Deployment>),
        (status = 400, description = "A parameter makes no sense", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    asked: Asked,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let now = app.store.now();
    let at = asked.at(now)?;
    let status = asked.one("status")?.map(str::parse::<Status>).transpose();
    let filter = DeploymentFilter {
        environments: asked.environments()?,
        services: services(&app, &asked).await?,
        from: asked.moment("from", now)?,
        to: asked.moment("to", now)?,
    };
    let wanted = Wanted {
        filter,
        status: status.map_err(ApiError::bad)?,
        user: asked.one("user")?.map(str::to_owned),
    };
    let offset = asked.number("offset")?.unwrap_or(0);
    let limits = &app.settings.limits;
    let part = if page.is_given() { page.part(limits) } else { Page::first(MOST) };
    let skip = offset.saturating_add(part.offset).min(i64::MAX as u64);
    let found =
        app.tracker.deployments(&wanted, at, Page { offset: skip, limit: part.limit }).await?;
    let deployments: Vec<_> = found.items.iter().map(|it| Deployment::of(it, at)).collect();
    if !page.is_given() {
        return tagged(&headers, &deployments);
    }
    let total = found.total.saturating_sub(offset);
    tagged(&headers, &DeploymentPage { deployments, part: page.told(limits, total) })
}

/// The services that are asked about: those that are named, and of these the team's.
async fn services(app: &App, asked: &Asked) -> ApiResult<Option<Vec<String>>> {
    let named = asked.many(&["service"])?;
    let Some(team) = asked.one("team")? else {
        return Ok(Some(named).filter(|named| !named.is_empty()));
    };
    let of_team = SourceFilter { team: Some(team.to_owned()), ..SourceFilter::default() };
    let repositories = app.store.source_repositories(&of_team, Page::ALL).await?.items;
    let repositories: BTreeSet<String> = repositories.into_iter().map(|it| it.name).collect();
    let mut theirs = repositories.clone();
    // A service is of the repository that its image names as its source, else of that of its name.
    for service in app.store.services(None).await? {
        let url = service.source_url.unwrap_or_default();
        let source = base_name(url.trim_end_matches('/').trim_end_matches(".git"));
        if repositories.contains(source) {
            theirs.insert(service.name);
        } else if !source.is_empty() {
            theirs.remove(&service.name);
        }
    }
    if !named.is_empty() {
        theirs.retain(|name| named.contains(name));
    }
    Ok(Some(theirs.into_iter().collect()))
}

/// One deployment, with its tasks.
#[utoipa::path(
    get, path = "/deployments/{deploymentId}", tag = "deployments",
    params(
        ("deploymentId" = String, Path, description = "Its identity; `/` as `%2F`"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, body = DeploymentWhole),
        (status = 400, description = "`at` is no moment", body = Message),
        (status = 404, description = "There is no such deployment", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, uri: Uri, asked: Asked) -> ApiResult<Response> {
    let id = whole_tail(&uri, "/deployments/")?;
    let at = asked.at(app.store.now())?;
    let found = app.tracker.deployment(&id, at).await?;
    let missing = || {
        let message = format!("{} not found", shown(&id));
        ApiError::new(StatusCode::NOT_FOUND, message)
    };
    let view = found.ok_or_else(missing)?;
    Ok(Json(DeploymentWhole::of(&view, at)).into_response())
}
