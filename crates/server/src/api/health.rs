//! Whether the server lives, whether it can work, and what it counted.

use ::metrics::Label;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use portolan_store::{JournalFilter, JournalState, Page};

use super::ApiError;
use super::error::{ApiResult, Message};
use crate::App;

/// The process answers.
#[utoipa::path(
    get, path = "/health", tag = "server",
    responses((status = 200, description = "`Healthy`", body = String))
)]
pub(super) async fn health() -> &'static str {
    "Healthy"
}

/// The store answers and blobs can be written.
#[utoipa::path(
    get, path = "/ready", tag = "server",
    responses(
        (status = 200, description = "`Ready`", body = String),
        (status = 503, description = "What is not ready", body = Message),
    )
)]
pub(super) async fn ready(State(app): State<App>) -> ApiResult<&'static str> {
    let failed = |what: String| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, what);
    app.store.ping().await.map_err(|error| failed(error.to_string()))?;
    let probe = app.settings.blobs.join(".ready");
    let written = tokio::fs::write(&probe, b"").await;
    written.map_err(|error| failed(format!("blobs cannot be written: {error}")))?;
    Ok("Ready")
}

/// What was counted, as Prometheus reads it.
#[utoipa::path(
    get, path = "/metrics", tag = "server",
    responses((status = 200, description = "The text format of Prometheus", body = String))
)]
pub(super) async fn metrics(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    for (kind, state, total) in app.store.job_counts().await? {
        let labels = vec![Label::new("kind", kind), Label::new("state", state.name())];
        app.metrics.set("portolan_jobs", labels, total);
    }
    let pending = JournalFilter { state: Some(JournalState::Pending), kind: None };
    let pending = app.store.journal(&pending, Page::first(0)).await?.total;
    app.metrics.set("portolan_journal_pending", Vec::new(), pending);
    for (state, total) in app.store.notification_counts().await? {
        let labels = vec![Label::new("state", state.name())];
        app.metrics.set("portolan_notifications", labels, total);
    }
    let (blobs, bytes) = app.store.blob_totals().await?;
    app.metrics.set("portolan_blobs", Vec::new(), blobs);
    app.metrics.set("portolan_blob_bytes", Vec::new(), bytes);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()))
}
