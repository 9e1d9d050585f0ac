//! Services, and what of them can be deployed.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use portolan_model::{RepositoryName, Tag};
use portolan_store::Service;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::tagged;
use super::ask::{shown, whole_tail};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// A service, by the label of its most recently pushed image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServiceInfo {
    /// Its name.
    service_name: String,
    /// Where its source is.
    github_url: Option<String>,
    /// The repository of its image.
    #[schema(value_type = String)]
    image_name: RepositoryName,
}

impl From<Service> for ServiceInfo {
    fn from(service: Service) -> Self {
        Self {
            service_name: service.name,
            github_url: service.source_url,
            image_name: service.repository,
        }
    }
}

/// All services, by name.
#[utoipa::path(
    get, path = "/services", tag = "services",
    responses((status = 200, body = Vec<ServiceInfo>))
)]
pub(super) async fn all(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    let services = app.store.services(None).await?;
    tagged(&headers, &services.into_iter().map(ServiceInfo::from).collect::<Vec<_>>())
}

/// One service.
#[utoipa::path(
    get, path = "/services/{service}", tag = "services",
    params(("service" = String, Path, description = "Its name")),
    responses(
        (status = 200, body = ServiceInfo),
        (status = 404, description = "No image says that it is this service", body = Message),
    )
)]
pub(super) async fn one(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let name = whole_tail(&uri, "/services/")?;
    match app.store.services(Some(&name)).await?.pop() {
        Some(service) => tagged(&headers, &ServiceInfo::from(service)),
        None => Err(ApiError::not_found(shown(&name))),
    }
}

/// Repositories that have something to deploy, by name.
#[utoipa::path(
    get, path = "/deployables", tag = "services",
    responses((status = 200, body = Vec<String>))
)]
pub(super) async fn deployables(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    tagged(&headers, &app.store.artifact_repositories().await?)
}

/// The tags of a repository that are versions, highest first.
#[utoipa::path(
    get, path = "/deployables/{repo}", tag = "services",
    params(("repo" = String, Path, description = "The repository; `/` or `%2F` between its parts")),
    responses((status = 200, description = "Of an unknown repository, none", body = Vec<String>))
)]
pub(super) async fn versions(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let name = whole_tail(&uri, "/deployables/")?;
    let tags: Vec<Tag> = match name.parse::<RepositoryName>() {
        Ok(name) => {
            let tags = app.catalogue.deployable_tags(&name).await?;
            tags.into_iter().map(|(tag, _)| tag).collect()
        }
        Err(_) => Vec::new(),
    };
    tagged(&headers, &tags)
}
