//! The description of the API, made from the code, and the page that shows it.

use axum::Router;
use utoipa::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

use crate::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Portolan",
        description = "What is in the images, and what runs where. The built-in registry under \
                       `/v2/` speaks the OCI distribution specification.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        super::artifacts::of_repository,
        super::artifacts::one,
        super::services::one,
        super::services::versions,
    ),
    tags(
        (name = "artifacts", description = "Scanned images and the files in them"),
        (name = "services", description = "Services and their versions"),
        (name = "images", description = "Images by their digests, tags and their history"),
        (name = "repositories", description = "Repositories of source code, teams, templates"),
        (name = "events", description = "What the outside world said, and what became of it"),
        (name = "jobs", description = "What is queued and what runs"),
        (name = "assets", description = "What builds made for commits, as it is kept in buckets"),
        (name = "releases", description = "What is deployed together, plans, and bringing it to environments"),
        (name = "notifications", description = "Who was told of what"),
        (name = "admin", description = "What an administrator asks for"),
        (name = "tokens", description = "Who may do what"),
        (name = "server", description = "How the server is"),
    )
)]
struct Document;

/// What is described by hand: the routes whose paths hold the slashes of repositories.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// `/openapi.json`, and `/swagger`, which needs nothing from elsewhere.
pub(super) fn routes(document: utoipa::openapi::OpenApi) -> Router<App> {
    Router::from(SwaggerUi::new("/swagger").url("/openapi.json", document))
}
