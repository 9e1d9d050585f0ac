//! The JSON API: a module for each noun.
//!
//! Names are camelCase; moments RFC 3339 in UTC with milliseconds; an error is
//! `{"message": "…"}` with the status that fits. `?page` and `?size` ask for a part of a list.

mod error;
mod health;

use axum::Router;

use crate::App;

pub(crate) use error::{ApiError, method_not_allowed, not_found, panic_text, panicked};

/// The routes of the API.
pub(crate) fn routes() -> Router<App> {
    Router::new().merge(health::routes())
}
