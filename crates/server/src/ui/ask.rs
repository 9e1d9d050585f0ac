//! What a page is asked with: parts of the path, and the query.

use axum::extract::{FromRequestParts, Path, Query};
use http::request::Parts;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};

use super::error::PageError;

/// The query of a page's URL. One that cannot be read is a page that says so.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync + Send> FromRequestParts<S> for Asked<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|error| PageError::bad(error.body_text()))
    }
}

/// The part of a page's path that is not fixed, decoded.
#[derive(Debug)]
pub(super) struct At(pub(super) String);

impl<S: Sync + Send> FromRequestParts<S> for At {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, PageError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|error| PageError::bad(error.body_text()))
    }
}

/// A parameter that an empty field of a form leaves out.
pub(super) fn given<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.filter(|text| !text.is_empty())
        .map(|text| text.parse().map_err(serde::de::Error::custom))
        .transpose()
}
