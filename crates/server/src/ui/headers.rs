//! The headers that keep a page to itself.

use axum::response::Response;
use http::{HeaderName, HeaderValue, header};

/// Nothing from elsewhere, nothing inline, in nobody's frame. What others wrote could then do
/// nothing even if it got into a page as HTML.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Adds the headers to what is answered under `/ui/`.
pub(super) async fn guard(response: Response) -> Response {
    add(response)
}

/// Adds the headers to a page.
pub(super) fn add(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let always: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    response
}
