//! The routes of the built-in registry, OCI Distribution 1.1, under `/v2/`.

use axum::Router;

use crate::App;

/// The routes under `/v2/`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
}
