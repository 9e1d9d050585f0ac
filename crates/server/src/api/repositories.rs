//! Repositories of source code, by whom they are, and templates among them: in the words of the
//! portal, whose answers say `"message": "success"`.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use portolan_model::Timestamp;
use portolan_store::{Page, SourceFilter, SourceRepository};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::tagged;
use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::{App, Template};

const SUCCESS: &str = "success";

/// A repository of source code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RepositoryInfo {
    /// Its name.
    id: String,
    /// What it is for.
    description: Option<String>,
    /// The language of most of it.
    primary_language: Option<String>,
    /// Its page.
    url: Option<String>,
    /// Whether nothing changes there any more.
    is_archived: bool,
    /// Whether GitHub calls it a template.
    is_template: bool,
    /// Whether not everybody may see it.
    is_private: bool,
    /// When it was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// Slugs of the teams that have it.
    teams: Vec<String>,
}

impl From<SourceRepository> for RepositoryInfo {
    fn from(found: SourceRepository) -> Self {
        Self {
            id: found.name,
            description: found.description,
            primary_language: found.primary_language,
            url: found.url,
            is_archived: found.is_archived,
            is_template: found.is_template,
            is_private: found.is_private,
            created_at: found.created_at,
            teams: found.teams,
        }
    }
}

/// Repositories, by name in byte order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RepositoryList {
    /// `success`.
    message: &'static str,
    repositories: Vec<RepositoryInfo>,
    /// Where a part was asked for: which it is.
    #[serde(flatten)]
    part: Option<Part>,
}

/// One repository.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneRepository {
    /// `success`.
    message: &'static str,
    repository: RepositoryInfo,
}

/// Templates, in the order of the configuration.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TemplateList {
    /// `success`.
    message: &'static str,
    templates: Vec<RepositoryInfo>,
}

/// One template.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneTemplate {
    /// `success`.
    message: &'static str,
    template: RepositoryInfo,
}

/// What a team has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OfTeam {
    /// `success`.
    message: &'static str,
    /// Its repositories, but for templates.
    repositories: Vec<RepositoryInfo>,
    /// Its templates, in the order of the configuration.
    templates: Vec<RepositoryInfo>,
    /// None: the portal had this list and nothing in it.
    #[schema(value_type = Vec<RepositoryInfo>)]
    libraries: [(); 0],
}

/// What services can be made from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceTypes<'a> {
    /// `success`.
    message: &'static str,
    service_types: Vec<ServiceType<'a>>,
}

/// What a service can be made from.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceType<'a> {
    /// The name of the template's repository.
    value: &'a str,
    /// What is made from it, for people.
    text: &'a str,
}

impl<'a> From<&'a Template> for ServiceType<'a> {
    fn from(template: &'a Template) -> Self {
        Self { value: &template.repository, text: &template.title }
    }
}

/// Which repositories are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct RepositoryQuery {
    /// Only those of the team with this slug; blank for all.
    team: Option<String>,
    /// `true` leaves out the repositories that the configuration names as templates.
    exclude_templates: Option<String>,
}

/// Which templates are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TemplateQuery {
    /// Only those of the team with this slug; blank for all.
    team: Option<String>,
}

/// Repositories, by name.
#[utoipa::path(
    get, path = "/repositories", tag = "repositories", params(RepositoryQuery, PageQuery),
    responses(
        (status = 200, description = "Of an unknown team, none", body = RepositoryList),
        (status = 400, description = "`excludeTemplates` is neither true nor false", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<RepositoryQuery>,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut filter = SourceFilter { team: told(query.team), ..SourceFilter::default() };
    if is_true("excludeTemplates", query.exclude_templates)? {
        filter.except = names(&app);
    }
    let limits = &app.settings.limits;
    let part = if page.is_given() { page.part(limits) } else { Page::ALL };
    let found = app.store.source_repositories(&filter, part).await?;
    let part = page.is_given().then(|| page.told(limits, found.total));
    let repositories = found.items.into_iter().map(Into::into).collect();
    tagged(&headers, &RepositoryList { message: SUCCESS, repositories, part })
}

/// One repository.
#[utoipa::path(
    get, path = "/repositories/{id}", tag = "repositories",
    params(("id" = String, Path, description = "Its name")),
    responses(
        (status = 200, body = OneRepository),
        (status = 404, description = "There is no such repository", body = Message),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    Name(id): Name,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let repository = find(&app, &id).await?;
    tagged(&headers, &OneRepository { message: SUCCESS, repository })
}

/// What a team has: repositories and templates apart.
#[utoipa::path(
    get, path = "/github-repo/{team}", tag = "repositories",
    params(("team" = String, Path, description = "The team's slug")),
    responses(
        (status = 200, description = "Of an unknown team, nothing", body = OfTeam),
        (status = 400, description = "The team is blank", body = Message),
    )
)]
pub(super) async fn of_team(
    State(app): State<App>,
    Name(team): Name,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let Some(team) = told(Some(team)) else { return no_team().await };
    let filter = SourceFilter { team: Some(team.clone()), only: None, except: names(&app) };
    let found = app.store.source_repositories(&filter, Page::ALL).await?;
    let answer = OfTeam {
        message: SUCCESS,
        repositories: found.items.into_iter().map(Into::into).collect(),
        templates: templates_of(&app, Some(team)).await?,
        libraries: [],
    };
    tagged(&headers, &answer)
}

/// The answer where the team's place in the path is empty.
pub(super) async fn no_team() -> ApiResult<Response> {
    Err(ApiError::bad("The team must be specified"))
}

/// The templates that the configuration names and that exist, in the order of the configuration.
#[utoipa::path(
    get, path = "/templates", tag = "repositories", params(TemplateQuery),
    responses((status = 200, description = "Of an unknown team, none", body = TemplateList))
)]
pub(super) async fn templates(
    State(app): State<App>,
    Query(query): Query<TemplateQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let templates = templates_of(&app, told(query.team)).await?;
    tagged(&headers, &TemplateList { message: SUCCESS, templates })
}

/// One repository, whether or not the configuration names it as a template.
#[utoipa::path(
    get, path = "/templates/{id}", tag = "repositories",
    params(("id" = String, Path, description = "The repository's name")),
    responses(
        (status = 200, body = OneTemplate),
        (status = 404, description = "There is no such repository", body = Message),
    )
)]
pub(super) async fn template(
    State(app): State<App>,
    Name(id): Name,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let template = find(&app, &id).await?;
    tagged(&headers, &OneTemplate { message: SUCCESS, template })
}

/// What services can be made from, in the order of the configuration.
#[utoipa::path(
    get, path = "/service-types", tag = "repositories",
    responses((status = 200, body = ServiceTypes))
)]
pub(super) async fn service_types(
    State(app): State<App>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let templates = app.settings.repositories.templates.iter();
    let service_types = templates.map(ServiceType::from).collect();
    tagged(&headers, &ServiceTypes { message: SUCCESS, service_types })
}

async fn find(app: &App, id: &str) -> ApiResult<RepositoryInfo> {
    let found = app.store.source_repository(id).await?;
    found
        .map(Into::into)
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, format!("{} not found", shown(id))))
}

async fn templates_of(app: &App, team: Option<String>) -> ApiResult<Vec<RepositoryInfo>> {
    let order = names(app);
    let filter = SourceFilter { team, only: Some(order.clone()), ..SourceFilter::default() };
    let mut found = app.store.source_repositories(&filter, Page::ALL).await?.items;
    found.sort_by_key(|repository| order.iter().position(|name| *name == repository.name));
    Ok(found.into_iter().map(Into::into).collect())
}

/// The names of templates, in the order of the configuration.
fn names(app: &App) -> Vec<String> {
    let templates = app.settings.repositories.templates.iter();
    templates.map(|template| template.repository.clone()).collect()
}

/// `text` where it says something.
fn told(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Whether the parameter `name` is `true`, in any case.
fn is_true(name: &str, text: Option<String>) -> ApiResult<bool> {
    let text = told(text).unwrap_or_default().to_lowercase();
    match text.as_str() {
        "true" => Ok(true),
        "" | "false" => Ok(false),
        other => {
            Err(ApiError::bad(format_args!("`{name}` is true or false, not `{}`", shown(other))))
        }
    }
}
