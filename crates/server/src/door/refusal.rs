//! How somebody is turned away: in the words of whoever asked.

use axum::response::{IntoResponse as _, Redirect, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_store::{Scope, StoreError};

use crate::api::ApiError;
use crate::{ui, v2};

/// What may stand in a query as it is.
const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why somebody is not let in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not known who asks.
    Unknown(String),
    /// It is known, and they may not.
    Forbidden(String),
    /// It cannot be told.
    Store(StoreError),
}

impl Refusal {
    /// A token is needed, and none came.
    pub(super) fn missing(needed: &Scope) -> Self {
        let scope = match needed {
            Scope::Read => String::new(),
            scope => format!(" with the scope `{scope}`"),
        };
        Self::Unknown(format!(
            "a token{scope} is needed: send it as `Authorization: Bearer TOKEN`, or as the password \
             of a login; `portolan token create` makes one"
        ))
    }

    /// The token is good for something else.
    pub(super) fn scope(name: &str, needed: &Scope) -> Self {
        Self::Forbidden(format!(
            "the token `{name}` has not the scope `{needed}`: ask for one that has, `portolan token \
             create NAME --scope {needed}`"
        ))
    }

    /// The answer to a request for `route`. Whoever must log in first goes on to `asked`.
    pub(super) fn answer(self, route: &str, asked: &str) -> Response {
        let (status, message) = match self {
            Self::Unknown(message) => (StatusCode::UNAUTHORIZED, message),
            Self::Forbidden(message) => (StatusCode::FORBIDDEN, message),
            Self::Store(error) => return ApiError::from(error).into_response(),
        };
        if route.starts_with("/ui") {
            if status == StatusCode::FORBIDDEN {
                return ui::forbidden(message);
            }
            let to = utf8_percent_encode(asked, QUERY);
            return Redirect::to(&format!("/ui/login?to={to}")).into_response();
        }
        let is_registry = route.starts_with("/v2");
        let mut response = if is_registry {
            v2::refused(status, message)
        } else {
            ApiError::new(status, message).into_response()
        };
        if status == StatusCode::UNAUTHORIZED {
            // Clients of registries answer this with what `docker login` has written.
            let scheme = if is_registry { BASIC } else { BEARER };
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"portolan\"");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"portolan\"");
