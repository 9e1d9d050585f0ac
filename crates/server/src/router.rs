//! All routes in one router.

use std::sync::Arc;

use axum::response::Redirect;
use axum::routing::get;
use axum::{Router, middleware};
use tower::Layer as _;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;

use crate::guard::{Guard, Reach};
use crate::{App, api, compat, door, guard, metrics, ui, v2};

/// Everything that Portolan answers over HTTP, for calls in this process, which need no token: the
/// API, the registry and the pages. Workers are apart.
pub fn router(app: App) -> Router {
    router_for(app, Reach::InProcess)
}

/// As [`router`], for the requests of others.
pub fn router_for(app: App, reach: Reach) -> Router {
    let guard = Guard { reach, hosts: Arc::from(app.settings.hosts.as_slice()) };
    let routes = Router::new()
        .route("/", get(async || Redirect::to("/ui/")))
        .merge(api::routes())
        .merge(ui::routes())
        .merge(v2::routes())
        .fallback(api::not_found)
        .method_not_allowed_fallback(api::method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), door::check))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .with_state(app);
    // A path is rewritten before a route is looked for, and so outside of the router.
    let rewritten = MapRequestLayer::new(compat::rewrite).layer(routes);
    Router::new()
        .fallback_service(rewritten)
        .layer(middleware::from_fn_with_state(guard, guard::check))
        .layer(CatchPanicLayer::custom(api::panicked))
}
