//! Answers that a client may already have.

use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use portolan_model::Digest;
use serde::Serialize;

use super::error::{ApiError, ApiResult};

/// `value` as JSON, or 304 where the client has exactly that.
pub(super) fn tagged(asked: &HeaderMap, value: &impl Serialize) -> ApiResult<Response> {
    let bytes = serde_json::to_vec(value).map_err(|error| ApiError::internal(&error))?;
    let tag = etag(&Digest::of(&bytes));
    if is_held(asked, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(ETAG, tag), (CONTENT_TYPE, json)], bytes).into_response())
}

/// The entity tag of bytes with this digest.
pub(super) fn etag(digest: &Digest) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{digest}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Whether the client says (RFC 9110, 13.1.2) that it has what `tag` names.
pub(super) fn is_held(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let tag = tag.as_bytes();
    asked.get_all(IF_NONE_MATCH).iter().any(|value| {
        value.as_bytes().split(|byte| *byte == b',').any(|held| {
            let held = held.trim_ascii();
            held == b"*" || held.strip_prefix(b"W/").unwrap_or(held) == tag
        })
    })
}
