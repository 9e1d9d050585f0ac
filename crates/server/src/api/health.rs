//! Whether the server lives, whether it can work, and what it counted.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use metrics::Label;
use portolan_store::{JournalFilter, JournalState, Page};

use super::ApiError;
use super::error::ApiResult;
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics_text))
}

/// The process answers.
async fn health() -> &'static str {
    "Healthy"
}

/// The store answers and blobs can be written.
async fn ready(State(app): State<App>) -> ApiResult<&'static str> {
    let failed = |what: String| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, what);
    app.store.ping().await.map_err(|error| failed(error.to_string()))?;
    let probe = app.settings.blobs.join(".ready");
    let written = tokio::fs::write(&probe, b"").await;
    written.map_err(|error| failed(format!("blobs cannot be written: {error}")))?;
    Ok("Ready")
}

/// What was counted, as Prometheus reads it.
async fn metrics_text(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    for (kind, state, total) in app.store.job_counts().await? {
        let labels = vec![Label::new("kind", kind), Label::new("state", state.name())];
        app.metrics.set("portolan_jobs", labels, total);
    }
    let pending = JournalFilter { state: Some(JournalState::Pending) };
    let pending = app.store.journal(&pending, Page::first(0)).await?.total;
    app.metrics.set("portolan_journal_pending", Vec::new(), pending);
    let (blobs, bytes) = app.store.blob_totals().await?;
    app.metrics.set("portolan_blobs", Vec::new(), blobs);
    app.metrics.set("portolan_blob_bytes", Vec::new(), bytes);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.render()))
}
