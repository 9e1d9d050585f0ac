//! Errors in the shape of the distribution specification: `{"errors":[{code, message, detail}]}`.

use std::error::Error as _;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, LOCATION, RANGE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use portolan_oci::ManifestError;
use portolan_registry::RegistryError;
use serde_json::{Value, json};

/// An error as a client of the registry sees it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Value,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: Value::Null, headers: Vec::new() }
    }

    fn detail(self, detail: Value) -> Self {
        Self { detail, ..self }
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    pub(super) fn name(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "NAME_INVALID", message)
    }

    pub(super) fn digest(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", message)
    }

    pub(super) fn upload(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID", message)
    }

    pub(super) fn size(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "SIZE_INVALID", message)
    }

    pub(super) fn no_route() -> Self {
        let message = "there is nothing at this path; see the OCI distribution specification 1.1";
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    pub(super) fn method(method: &Method, allow: HeaderValue) -> Self {
        let message = format!("{method} is not supported here");
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message);
        problem.headers.push((ALLOW, allow));
        problem
    }

    /// Tells, as a registry must, where the upload at `location` can be continued.
    pub(super) fn continue_at(self, location: &str) -> Self {
        if self.status == StatusCode::RANGE_NOT_SATISFIABLE {
            self.header(LOCATION, location)
        } else {
            self
        }
    }
}

/// What went wrong, and why, in one line.
fn told(error: &RegistryError) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        use RegistryError as E;
        let (status, code) = match &error {
            E::NameUnknown(_) => (StatusCode::NOT_FOUND, "NAME_UNKNOWN"),
            E::BlobUnknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UNKNOWN"),
            E::ManifestUnknown { .. } => (StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN"),
            E::UploadUnknown { .. } => (StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN"),
            E::UploadBusy(_) => (StatusCode::CONFLICT, "BLOB_UPLOAD_INVALID"),
            E::TooManyUploads(_) => (StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS"),
            E::ChunkOrder { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID"),
            E::ChunkLength { .. } => (StatusCode::BAD_REQUEST, "SIZE_INVALID"),
            E::BlobTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID"),
            E::DigestMismatch { .. } => (StatusCode::BAD_REQUEST, "DIGEST_INVALID"),
            E::ManifestInvalid(ManifestError::TooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID")
            }
            E::ManifestInvalid(_) => (StatusCode::BAD_REQUEST, "MANIFEST_INVALID"),
            // docker-registry answers 404 here, the specification's table of errors 400 or 404.
            E::PartsUnknown { .. } => (StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN"),
            E::Body(_) => (StatusCode::BAD_REQUEST, "BLOB_UPLOAD_INVALID"),
            E::Silent(_) => (StatusCode::REQUEST_TIMEOUT, "BLOB_UPLOAD_INVALID"),
            E::Io { .. } | E::Store(_) | E::Stopped => return Self::ours(&error),
        };
        let detail = match &error {
            E::PartsUnknown { parts, .. } => {
                parts.iter().map(|part| json!({ "digest": part.digest })).collect()
            }
            E::BlobUnknown { digest, .. } => json!({ "digest": digest }),
            E::DigestMismatch { expected, actual } => {
                json!({ "expected": expected, "actual": actual })
            }
            _ => Value::Null,
        };
        let problem = Self::new(status, code, told(&error)).detail(detail);
        match error {
            E::ChunkOrder { size, .. } => problem.header(RANGE, &super::uploads::so_far(size)),
            _ => problem,
        }
    }
}

impl Problem {
    /// What the client can do nothing about. The whole story is for the log.
    fn ours(error: &RegistryError) -> Self {
        tracing::error!(error = told(error), "the registry failed");
        let busy = matches!(error, RegistryError::Store(error) if error.is_transient());
        if busy {
            let message = "the registry is busy; try again";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        }
        let message = "the registry failed; the cause is in the server's log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", message)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.detail.is_null() {
            error["detail"] = self.detail;
        }
        let mut response = (self.status, Json(json!({ "errors": [error] }))).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
