//! Contents of files.

use std::ops::RangeInclusive;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    ACCEPT_RANGES, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use portolan_model::path::normalise;
use portolan_model::{Digest, FileKind};
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::{etag, is_held};
use super::ask::{Name, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;
use crate::contents::OpenFileError;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FileQuery {
    /// The path in the layer.
    path: Option<String>,
}

/// The contents of a file of a layer, as they are.
///
/// What scans keep is there at once; any other file is looked for in its layer.
#[utoipa::path(
    get, path = "/files/{layer}", tag = "artifacts",
    params(("layer" = String, Path, description = "The layer's digest"), FileQuery),
    responses(
        (status = 200, description = "The bytes", content_type = "application/octet-stream"),
        (status = 206, description = "The part that `Range` asked for"),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "`path` is missing", body = Message),
        (status = 404, description = "The layer or the path is not known, or there are no \
                                      contents, or too many", body = Message),
        (status = 416, description = "The file ends before the part that was asked for"),
    )
)]
pub(super) async fn file(
    State(app): State<App>,
    Name(layer): Name,
    Query(query): Query<FileQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let asked = query.path.filter(|path| !path.is_empty());
    let asked = asked.ok_or_else(|| ApiError::bad("path must be specified"))?;
    let missing = || ApiError::not_found(format_args!("{}/{}", shown(&layer), shown(&asked)));
    let digest: Digest = layer.parse().map_err(|_| missing())?;
    if asked.len() as u64 > app.settings.limits.path_bytes {
        return Err(missing());
    }
    let path = normalise(&asked);
    let file = app.store.layer_file(&digest, &path).await?.ok_or_else(missing)?;
    let found = app.file_contents(&digest, &file).await.map_err(|error| refusal(&error))?;
    if let Some((digest, bytes)) = found {
        return Ok(answer(&headers, &digest, &path, bytes));
    }
    let why = match (file.kind, &file.link) {
        (FileKind::File | FileKind::Hardlink, _) => "no registry has the layer any more".to_owned(),
        (FileKind::Symlink, Some(to)) => format!("it is a link to {}", shown(to)),
        _ => "it is no file".to_owned(),
    };
    let message = format!("{layer}/{} has no contents: {why}", shown(&path));
    Err(ApiError::new(StatusCode::NOT_FOUND, message))
}

fn refusal(error: &OpenFileError) -> ApiError {
    let status = match error {
        OpenFileError::Scan(_) => StatusCode::NOT_FOUND,
        OpenFileError::Content(_) => StatusCode::BAD_GATEWAY,
        OpenFileError::Store(_) | OpenFileError::Thread => return ApiError::internal(error),
    };
    ApiError::new(status, error.to_string())
}

fn answer(asked: &HeaderMap, digest: &Digest, path: &str, bytes: Vec<u8>) -> Response {
    let tag = etag(digest);
    if is_held(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    let size = bytes.len();
    let same = asked.get(IF_RANGE).is_none_or(|held| *held == tag);
    let range = asked.get(RANGE).filter(|_| same).and_then(|range| range.to_str().ok());
    let part = range.map_or(Part::Whole, |range| Part::of(range, size));
    // What is in an image was written by anybody: it must never run as a page of this server.
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type(path, &bytes))),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
        (ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (ETAG, tag),
    ];
    match part {
        Part::Whole => (headers, bytes).into_response(),
        Part::Some(range) => {
            let told = format!("bytes {}-{}/{size}", range.start(), range.end());
            let part = bytes.get(range).unwrap_or_default().to_vec();
            (StatusCode::PARTIAL_CONTENT, headers, [(CONTENT_RANGE, told)], part).into_response()
        }
        Part::None => {
            let told = format!("bytes */{size}");
            (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, told)]).into_response()
        }
    }
}

/// Which bytes a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// All: it asks for several parts, or cannot be read, and so does not count.
    Whole,
    Some(RangeInclusive<usize>),
    /// Bytes that are not there.
    None,
}

impl Part {
    /// Reads `range` (RFC 9110, 14.1.2) for `size` bytes.
    fn of(range: &str, size: usize) -> Self {
        let number = |text: &str| text.parse::<usize>().ok();
        let Some((first, last)) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-'))
        else {
            return Self::Whole;
        };
        let (first, last) = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, last),
            (Some(first), None) if last.is_empty() => (first, usize::MAX),
            (None, Some(0)) if first.is_empty() => return Self::None,
            (None, Some(count)) if first.is_empty() => (size.saturating_sub(count), usize::MAX),
            _ => return Self::Whole,
        };
        if first < size { Self::Some(first..=last.min(size - 1)) } else { Self::None }
    }
}

/// A media type that no browser runs: JSON, text, or bytes.
fn content_type(path: &str, bytes: &[u8]) -> &'static str {
    let is_text = std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0);
    let is_json = std::path::Path::new(path).extension().is_some_and(|end| end == "json");
    match (is_text, is_json) {
        (true, true) => "application/json",
        (true, false) => "text/plain; charset=utf-8",
        (false, _) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_the_rfc_has_them() {
        for (range, part) in [
            ("bytes=0-4", Part::Some(0..=4)),
            ("bytes=8-", Part::Some(8..=9)),
            ("bytes=8-99", Part::Some(8..=9)),
            ("bytes=-3", Part::Some(7..=9)),
            ("bytes=-99", Part::Some(0..=9)),
            ("bytes=-0", Part::None),
            ("bytes=10-", Part::None),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=99999999999999999999999-", Part::Whole),
        ] {
            assert_eq!(Part::of(range, 10), part, "{range}");
        }
        assert_eq!(Part::of("bytes=0-0", 0), Part::None);
    }

    #[test]
    fn nothing_is_told_to_be_a_page() {
        assert_eq!(content_type("a/x.html", b"<script>"), "text/plain; charset=utf-8");
        assert_eq!(content_type("a/x.svg", b"<svg/>"), "text/plain; charset=utf-8");
        assert_eq!(content_type("a/package.json", b"{}"), "application/json");
        assert_eq!(content_type("a/x.json", b"\xff"), "application/octet-stream");
        assert_eq!(content_type("a", b"a\0b"), "application/octet-stream");
    }
}
