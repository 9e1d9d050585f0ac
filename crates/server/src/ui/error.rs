//! What a page says when it cannot be shown: what happened, and where to go.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use portolan_model::ReferenceError;
use portolan_release::{OrderError, PrepareError};
use portolan_store::StoreError;

use super::frame::{Frame, Section};
use super::show::Visible;
use crate::api::ApiError;

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    /// There is no page at this address.
    #[error("there is no page at this address")]
    NoSuchPage,
    /// What the address names is not here.
    #[error("{what} is not here")]
    NotFound {
        /// What was asked for.
        what: String,
        /// What may be the reason, and what to do.
        hint: &'static str,
    },
    /// The address cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The reader may not do what they asked.
    #[error("{0}")]
    Forbidden(String),
    /// It was asked of the API, which said no.
    #[error("{what}")]
    Refused {
        /// How the API said so.
        status: StatusCode,
        /// Why.
        what: String,
    },
    /// Too many pages are open at once.
    #[error("too many pages are open at once to tell each of them what changes")]
    Full,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The template failed.
    #[error("the page could not be drawn")]
    Draw(#[from] askama::Error),
}

impl From<ReferenceError> for PageError {
    fn from(error: ReferenceError) -> Self {
        Self::BadRequest(error.to_string())
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error.into_parts() {
            (StatusCode::FORBIDDEN, why) => Self::Forbidden(why),
            (status, what) => Self::Refused { status, what },
        }
    }
}

impl From<OrderError> for PageError {
    fn from(error: OrderError) -> Self {
        ApiError::from(error).into()
    }
}

impl From<PrepareError> for PageError {
    fn from(error: PrepareError) -> Self {
        ApiError::from(error).into()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorView {
    frame: Frame,
    status: u16,
    heading: &'static str,
    what: Visible,
    hint: &'static str,
}

impl PageError {
    /// What was asked for is no address of a page, for the reason `why`.
    pub(super) fn bad(why: impl Into<String>) -> Self {
        Self::BadRequest(why.into())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPage | Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Refused { status, .. } => *status,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Draw(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn heading(&self) -> &'static str {
        match self {
            Self::NoSuchPage
            | Self::NotFound { .. }
            | Self::Refused { status: StatusCode::NOT_FOUND, .. } => "Not found",
            Self::BadRequest(_) => "This address cannot be understood",
            Self::Forbidden(_) => "This needs another token",
            Self::Refused { status: StatusCode::BAD_GATEWAY, .. } => "It could not be read",
            Self::Refused { .. } => "This cannot be done",
            Self::Full => "Too many open pages",
            Self::Store(_) | Self::Draw(_) => "Something went wrong here",
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::NotFound { hint, .. } => hint,
            Self::NoSuchPage | Self::BadRequest(_) => {
                "Check the address, or start from the images or from the search box above."
            }
            Self::Forbidden(_) => "Nothing was changed. Log in with another token at /ui/login.",
            Self::Refused { status: StatusCode::BAD_GATEWAY, .. } => {
                "Nothing was changed. `portolan doctor` says which environments and registries \
                 cannot be reached."
            }
            Self::Refused { .. } => {
                "Nothing was changed. Go back to the page before this one, or start from the \
                 releases."
            }
            Self::Full => "The page can be read all the same; reload it to see what changed.",
            Self::Store(_) | Self::Draw(_) => {
                "Nothing was changed. Reload the page; if it says this again, the server's log \
                 has the reason."
            }
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = &self as &dyn std::error::Error, "a page could not be shown");
        }
        let view = ErrorView {
            frame: Frame::new(Section::None, self.heading()),
            status: status.as_u16(),
            heading: self.heading(),
            what: Visible::cut(&self.to_string(), 500),
            hint: self.hint(),
        };
        match view.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(_) => status.into_response(),
        }
    }
}

/// Any address under `/ui/` that has no page.
pub(super) async fn no_such_page() -> PageError {
    PageError::NoSuchPage
}
