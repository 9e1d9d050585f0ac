//! What a request asks: its query, its path, and which part of a list it wants.

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use portolan_model::Limits;
use portolan_store::Page;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ApiError, ApiResult};

/// Items of a page where its size was not asked for.
const SIZE: u64 = 50;

/// The query of a request. One that cannot be read is a 400 with a message.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        let text = parts.uri.query().unwrap_or_default();
        if percent_decode_str(text).any(|byte| byte == 0) {
            return Err(ApiError::bad("the query holds a NUL"));
        }
        if percent_decode_str(text).decode_utf8().is_err() {
            return Err(ApiError::bad("the query is not UTF-8"));
        }
        let axum::extract::Query(query) = axum::extract::Query::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::bad(error.body_text()))?;
        Ok(Self(query))
    }
}

/// The one part of a path that varies, decoded. One that cannot be is a 400 with a message.
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let name = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let axum::extract::Path(name) = name.map_err(|error| ApiError::bad(error.body_text()))?;
        if name.contains('\0') {
            return Err(ApiError::bad("the path holds a NUL"));
        }
        Ok(Self(name))
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The number of the page; the first is 1.
    page: Option<u64>,
    /// Items of a page, at most `limits.page_items`; 50 where only the page is given.
    size: Option<u64>,
}

/// Which part of a list is told.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    /// The number of the page; the first is 1.
    page: u64,
    /// Items of a page.
    page_size: u64,
    /// How many pages there are; 1 where there is nothing.
    total_pages: u64,
    /// Items of the whole list.
    total: u64,
}

impl PageQuery {
    /// Whether a part was asked for, and not the whole list.
    pub(super) fn is_given(self) -> bool {
        self.page.is_some() || self.size.is_some()
    }

    fn numbers(self, limits: &Limits) -> (u64, u64) {
        // 0 meant the default to the portal's clients.
        let given = |number: Option<u64>| number.filter(|number| *number > 0);
        let size = given(self.size).unwrap_or(SIZE).min(u64::from(limits.page_items.max(1)));
        (given(self.page).unwrap_or(1), size)
    }

    /// The part for the store.
    pub(super) fn part(self, limits: &Limits) -> Page {
        let (page, size) = self.numbers(limits);
        // Both engines count in signed numbers.
        let offset = (page - 1).saturating_mul(size).min(i64::MAX as u64);
        Page { offset, limit: size }
    }

    /// What is told of the part, of a list of `total` items.
    pub(super) fn told(self, limits: &Limits, total: u64) -> Part {
        let (page, page_size) = self.numbers(limits);
        Part { page, page_size, total_pages: total.div_ceil(page_size).max(1), total }
    }
}

/// The parts of the path after `prefix`, decoded, each with whether it held an encoded slash.
pub(super) fn tail(uri: &Uri, prefix: &str) -> ApiResult<Vec<(String, bool)>> {
    let tail = uri.path().strip_prefix(prefix).unwrap_or_default();
    tail.trim_matches('/').split('/').map(decode).collect()
}

/// The path after `prefix`, decoded whole.
pub(super) fn whole_tail(uri: &Uri, prefix: &str) -> ApiResult<String> {
    let parts: Vec<String> = tail(uri, prefix)?.into_iter().map(|(part, _)| part).collect();
    Ok(parts.join("/"))
}

fn decode(part: &str) -> ApiResult<(String, bool)> {
    let text = percent_decode_str(part)
        .decode_utf8()
        .map_err(|_| ApiError::bad("the path is not UTF-8"))?;
    if text.contains('\0') {
        return Err(ApiError::bad("the path holds a NUL"));
    }
    Ok((text.clone().into_owned(), text.contains('/')))
}

/// `text` as it is repeated in a message: not longer than eyes want.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(page: Option<u64>, size: Option<u64>) -> PageQuery {
        PageQuery { page, size }
    }

    #[test]
    fn pages_stay_within_the_limits() {
        let limits = Limits::default();
        assert_eq!(page(Some(3), Some(20)).part(&limits), Page { offset: 40, limit: 20 });
        assert_eq!(page(Some(0), Some(0)).part(&limits), Page { offset: 0, limit: 50 });
        assert_eq!(page(None, Some(99_999)).part(&limits), Page { offset: 0, limit: 1000 });
        let far = page(Some(u64::MAX), Some(1000)).part(&limits);
        assert_eq!(far.offset, i64::MAX as u64);
        let told = page(Some(2), Some(20)).told(&limits, 41);
        assert_eq!((told.page, told.page_size, told.total_pages), (2, 20, 3));
        assert_eq!(page(None, None).told(&limits, 0).total_pages, 1);
    }

    #[test]
    fn a_path_is_decoded_part_by_part() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        let parts = tail(&uri("/artifacts/a%2Fb/1.0%2Bx"), "/artifacts/").unwrap();
        assert_eq!(parts, [("a/b".to_owned(), true), ("1.0+x".to_owned(), false)]);
        assert!(tail(&uri("/artifacts/%ff"), "/artifacts/").is_err());
        assert!(tail(&uri("/artifacts/a%00"), "/artifacts/").is_err());
        assert_eq!(whole_tail(&uri("/deployables/a/b%2Fc/"), "/deployables/").unwrap(), "a/b/c");
    }
}
