//! The routes that tell what runs where.

use axum::Extension;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cached::Cached;
use super::{
    deployment_requests, deployments, diff, environments, history, running, stream, where_is,
};
use crate::App;

#[derive(OpenApi)]
#[openapi(
    paths(deployments::one, running::of_service, running::one_service, history::of_service),
    tags(
        (name = "deployments", description = "What was deployed, when, by whom, and how that went"),
        (name = "running", description = "What runs where, now and at any moment"),
    )
)]
struct Document;

/// The routes, with what describes them. Services and deployments may have slashes in their names.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(deployments::list, deployment_requests::register))
        .routes(routes!(running::all))
        .routes(routes!(running::services))
        .routes(routes!(environments::all))
        .routes(routes!(diff::environments))
        .routes(routes!(where_is::find))
        .routes(routes!(stream::follow))
        .route("/deployments/{*id}", get(deployments::one))
        .route("/whats-running-where/{*service}", get(running::of_service))
        .route("/running-services/{*service}", get(running::one_service))
        .route("/history/{*service}", get(history::of_service))
        .layer(Extension(Cached::default()))
        .layer(stream::room())
}
