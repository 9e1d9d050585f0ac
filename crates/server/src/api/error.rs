//! Errors as clients see them: `{"message": "…"}` and a status.

use std::any::Any;
use std::fmt::Display;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, Uri};
use portolan_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request could not be answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Message {
    /// For people.
    message: String,
}

/// A request that could not be answered as was wished.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The status, and what is said to people.
    pub(crate) fn into_parts(self) -> (StatusCode, String) {
        (self.status, self.message)
    }

    /// What was asked for is not there.
    pub(crate) fn not_found(what: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} was not found"))
    }

    /// The request cannot be understood.
    pub(crate) fn bad(message: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message.to_string())
    }

    /// What happened is our affair: the log has all of it, the client what it can use.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let chain = std::iter::successors(error.source(), |error| error.source());
        let causes: Vec<String> = chain.map(ToString::to_string).collect();
        tracing::error!(%error, causes = causes.join(": "), "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_transient() || matches!(error, StoreError::Closed) {
            tracing::warn!(%error, "the store is busy");
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "the store is busy: try again");
        }
        Self::internal(&error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(Message { message: self.message })).into_response()
    }
}

/// The answer where no route fits.
pub(crate) async fn not_found(uri: Uri) -> ApiError {
    ApiError::not_found(uri.path().chars().take(200).collect::<String>())
}

/// The answer where a route fits, but not for this method.
pub(crate) async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(200).collect();
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not allowed on {path}"))
}

/// The answer where a handler has a bug.
#[expect(clippy::needless_pass_by_value, reason = "the layer that catches panics hands it over")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!(panic = panic_text(&*panic), "a request made the server panic");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "this is a bug of Portolan; its log says more")
        .into_response()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
