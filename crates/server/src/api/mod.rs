//! The JSON API: a module for each noun.
//!
//! Names are camelCase; moments RFC 3339 in UTC with milliseconds; an error is
//! `{"message": "…"}` with the status that fits. `?page` and `?size` ask for a part of a list.

mod admin;
mod answer;
mod artifacts;
mod ask;
mod asked;
mod assets;
mod cached;
mod changes;
mod commits;
mod deployment;
mod deployment_requests;
mod deployments;
mod diff;
mod document;
mod environments;
mod error;
mod events;
mod files;
mod freezes;
mod health;
mod history;
mod image_files;
mod images;
mod ingest;
mod jobs;
mod notifications;
mod plans;
mod projects;
mod release_error;
mod releases;
mod repositories;
mod rollouts;
mod running;
mod services;
mod stream;
mod tags;
mod tokens;
mod track;
mod where_is;
mod who;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;

pub(crate) use error::{ApiError, method_not_allowed, not_found, panic_text, panicked};
pub(crate) use ingest::is_signed;
pub(crate) use releases::MOST_DESCRIPTION;
pub(crate) use who::{by, may_deploy};

/// The document that describes the API.
#[cfg(test)]
pub(crate) fn document() -> utoipa::openapi::OpenApi {
    described().1
}

/// The routes of the API, with the document that describes them.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(document::base())
        .routes(routes!(artifacts::all))
        .routes(routes!(files::file))
        .routes(routes!(services::all))
        .routes(routes!(services::deployables))
        .routes(routes!(images::repositories))
        .routes(routes!(images::one))
        .routes(routes!(image_files::files))
        .routes(routes!(tags::list))
        .routes(routes!(tags::history))
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::one))
        .routes(routes!(repositories::of_team))
        .routes(routes!(repositories::templates))
        .routes(routes!(repositories::template))
        .routes(routes!(repositories::service_types))
        .routes(routes!(events::list, ingest::ingest))
        .routes(routes!(events::one))
        .routes(routes!(events::replay))
        .routes(routes!(events::replay_all))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::one))
        .routes(routes!(jobs::events))
        .routes(routes!(admin::scan))
        .routes(routes!(admin::backfill))
        .routes(routes!(admin::collect))
        .routes(routes!(admin::rebuild))
        .routes(routes!(projects::list))
        .routes(routes!(releases::prepare, releases::list))
        .routes(routes!(releases::one))
        .routes(routes!(releases::quarantine, releases::lift))
        .routes(routes!(changes::of_release))
        .routes(routes!(assets::list))
        .routes(routes!(assets::of_commit))
        .routes(routes!(commits::tell))
        .routes(routes!(commits::one))
        .routes(routes!(plans::make))
        .routes(routes!(rollouts::order, rollouts::list))
        .routes(routes!(rollouts::one))
        .routes(routes!(rollouts::approve))
        .routes(routes!(freezes::freeze, freezes::thaw))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::test))
        .routes(routes!(tokens::create, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .merge(track::routes())
        .split_for_parts()
}

/// The routes of the API.
pub(crate) fn routes() -> Router<App> {
    let (routes, document) = described();
    // Names of repositories have slashes, which a documented path cannot say.
    routes
        .route("/github-repo", get(repositories::no_team))
        .route("/artifacts/{*rest}", get(artifacts::by_path))
        .route("/services/{*rest}", get(services::one))
        .route("/deployables/{*rest}", get(services::versions))
        .merge(document::routes(document))
}
