//! The pages, under `/ui/`: what the store holds, as HTML that needs no script to be read.
//!
//! A page is a handler that asks the store and fills a view, and a template beside it in
//! `templates/`. The URL holds the whole state of a page. What others wrote is escaped by askama,
//! and its invisible characters are shown ([`show::Visible`]). htmx replaces parts of a page while
//! a filter is typed; `/ui/changes` tells open pages when to look again ([`live`]).

mod ask;
mod assets;
mod error;
mod form;
mod frame;
mod headers;
mod host;
mod images;
mod jobs;
mod journal;
mod link;
mod live;
mod login;
mod moment;
mod now;
mod paging;
mod releases;
mod show;
mod static_files;
#[cfg(test)]
mod tests;
mod track;
mod wall;
mod where_is;
mod who;

use std::sync::Arc;

use axum::middleware;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};

use crate::App;

/// The page that says that somebody may not do what they asked, and why.
pub(crate) fn forbidden(why: String) -> Response {
    headers::add(error::PageError::Forbidden(why).into_response())
}

/// The routes of the pages.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/ui", get(|| async { Redirect::permanent("/ui/") }))
        .route("/ui/", get(wall::wall))
        .route("/ui/figures", get(wall::figures_page))
        .route("/ui/services", get(track::list))
        .route("/ui/service/{name}", get(track::service))
        .route("/ui/environment/{name}", get(track::environment))
        .route("/ui/diff/{a}/{b}", get(track::diff))
        .route("/ui/deployment/{id}", get(track::deployment))
        .route("/ui/journal", get(journal::list))
        .route("/ui/journal/{id}", get(journal::one))
        .route("/ui/journal/{id}/replay", post(journal::replay))
        .route("/ui/images", get(images::list))
        .route("/ui/images/{*repository}", get(images::tags))
        .route("/ui/tag/{*name}", get(images::history))
        .route("/ui/image/{*name}", get(images::image))
        .route("/ui/file/{*name}", get(images::file))
        .route("/ui/releases", get(releases::board).post(releases::prepare))
        .route("/ui/release/{id}", get(releases::one))
        .route("/ui/release/{id}/quarantine", post(releases::quarantine))
        .route("/ui/plan", get(releases::plan).post(releases::order))
        .route("/ui/back", post(releases::back))
        .route("/ui/rollout/{id}", get(releases::rollout))
        .route("/ui/rollout/{id}/approve", post(releases::approve))
        .route("/ui/rollout/{id}/refuse", post(releases::refuse))
        .route("/ui/assets", get(assets::list))
        .route("/ui/assets/{commit}", get(assets::of_commit))
        .route("/ui/jobs", get(jobs::list))
        .route("/ui/jobs/{id}", get(jobs::one))
        .route("/ui/where", get(where_is::where_is))
        .route("/ui/changes", get(live::changes))
        .route("/ui/login", get(login::form).post(login::log_in))
        .route("/ui/logout", post(login::log_out))
        .route("/ui/static/{file}", get(static_files::serve))
        .route("/ui/{*rest}", get(error::no_such_page))
        .layer(middleware::map_response(headers::guard))
        .layer(live::room())
        .layer(Extension(Arc::new(now::Now::default())))
}
