//! Projects: what is released together, and where to.

use axum::Json;
use axum::extract::State;
use portolan_model::{ReleaseId, RolloutId, Timestamp};
use portolan_release::Project;
use portolan_release::project::{Environment, Runs};
use portolan_store::{Page, RolloutFilter, RolloutState};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiResult;
use crate::App;

/// A project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProjectInfo {
    /// Its name.
    name: String,
    /// Its name for people.
    title: String,
    /// Its images, by name.
    images: Vec<ProjectImage>,
    /// Its services, by name.
    services: Vec<String>,
    /// Where it is deployed, by name.
    environments: Vec<ProjectEnvironment>,
}

/// An image of a project.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectImage {
    /// Its name.
    image: String,
    /// Where it is released from.
    repository: String,
    /// The services that run it.
    services: Vec<String>,
}

/// Where a project is deployed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectEnvironment {
    /// Its name.
    name: String,
    /// Its name for people.
    title: String,
    /// Who runs its services: `ecs`, or `local` for this machine.
    #[schema(value_type = String)]
    runs: Runs,
    /// Whether a second person must agree.
    protected: bool,
    /// Why nothing is to change in it.
    frozen: Option<FreezeInfo>,
    /// The release of the last rollout that succeeded.
    #[schema(value_type = Option<String>)]
    release: Option<ReleaseId>,
    /// The rollout that changes it now.
    #[schema(value_type = Option<String>)]
    rollout: Option<RolloutId>,
}

/// Why nothing is to change in an environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FreezeInfo {
    /// Why.
    pub(super) reason: String,
    /// By whose word.
    pub(super) created_by: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(super) until: Option<Timestamp>,
}

/// All projects, by name, with what was released to their environments last.
#[utoipa::path(
    get, path = "/projects", tag = "releases",
    responses((status = 200, body = Vec<ProjectInfo>))
)]
pub(super) async fn list(State(app): State<App>) -> ApiResult<Json<Vec<ProjectInfo>>> {
    let mut projects = Vec::new();
    for project in app.releases.projects().values() {
        let mut environments = Vec::new();
        for (name, environment) in &project.environments {
            environments.push(place(&app, project, name, environment).await?);
        }
        let image = |(name, image): (&String, &portolan_release::project::Image)| ProjectImage {
            image: name.clone(),
            repository: image.source.to_string(),
            services: image.services.iter().cloned().collect(),
        };
        projects.push(ProjectInfo {
            name: project.id.clone(),
            title: project.title.clone(),
            images: project.images.iter().map(image).collect(),
            services: project.services.keys().cloned().collect(),
            environments,
        });
    }
    Ok(Json(projects))
}

async fn place(
    app: &App,
    project: &Project,
    name: &str,
    environment: &Environment,
) -> ApiResult<ProjectEnvironment> {
    let filter = RolloutFilter {
        project: Some(project.id.clone()),
        environment: Some(name.to_owned()),
        state: Some(RolloutState::Succeeded),
        release: None,
    };
    let last = app.releases.rollouts(&filter, Page::first(1)).await?.items;
    let now = app.store.now();
    let frozen = app.store.frozen(&project.id, name, now).await?;
    let held = app.store.environment_lease(&project.id, name).await?;
    Ok(ProjectEnvironment {
        name: name.to_owned(),
        title: environment.title.clone(),
        runs: environment.runs,
        protected: environment.protected,
        frozen: frozen.map(|it| FreezeInfo {
            reason: it.reason,
            created_by: it.created_by,
            created_at: it.created_at,
            until: it.until,
        }),
        release: last.first().map(|it| it.release),
        rollout: held.filter(|it| it.until >= now).map(|it| it.rollout),
    })
}
