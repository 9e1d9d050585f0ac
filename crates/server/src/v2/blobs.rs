//! `/v2/<name>/blobs/<digest>`.

use std::ops::Range;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    IF_RANGE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use portolan_model::{Digest, RepositoryName};
use portolan_registry::{Blob, Registry};

use super::problem::Problem;
use super::range::{Wanted, wanted};
use super::{CONTENT_DIGEST, empty};

const OCTETS: &str = "application/octet-stream";

pub(super) async fn head(
    registry: &Registry,
    name: &RepositoryName,
    digest: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let digest = parse(digest)?;
    let size = registry.probe_blob(name, digest).await?;
    let tag = etag(&digest.to_string())?;
    if is_known(headers, &tag) {
        return about(empty(StatusCode::NOT_MODIFIED), digest, tag);
    }
    let mut response = about(empty(StatusCode::OK), digest, tag)?;
    response.headers_mut().insert(CONTENT_LENGTH, size.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(OCTETS));
    Ok(response)
}

pub(super) async fn get(
    registry: &Registry,
    name: &RepositoryName,
    digest: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let digest = parse(digest)?;
    let blob = registry.blob(name, digest).await?;
    let tag = etag(&digest.to_string())?;
    if is_known(headers, &tag) {
        return about(empty(StatusCode::NOT_MODIFIED), digest, tag);
    }
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let same = headers.get(IF_RANGE).is_none_or(|if_range| *if_range == tag);
    let size = blob.size();
    let response = match wanted(asked.filter(|_| same), size) {
        Wanted::Whole => body(StatusCode::OK, size, OCTETS, Body::from_stream(blob.read(0..size))),
        Wanted::Nothing => {
            let mut response = empty(StatusCode::RANGE_NOT_SATISFIABLE);
            response.headers_mut().insert(CONTENT_RANGE, value(&format!("bytes */{size}"))?);
            Ok(response)
        }
        Wanted::Parts(parts) if parts.len() > 1 => several(&blob, &parts, digest),
        Wanted::Parts(parts) => one(&blob, parts.first().cloned().unwrap_or_default()),
    }?;
    about(response, digest, tag)
}

pub(super) async fn delete(
    registry: &Registry,
    name: &RepositoryName,
    digest: &str,
) -> Result<Response, Problem> {
    registry.delete_blob(name, parse(digest)?).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

fn one(blob: &Blob, range: Range<u64>) -> Result<Response, Problem> {
    let length = range.end - range.start;
    let content_range = value(&content_range(&range, blob.size()))?;
    let stream = Body::from_stream(blob.read(range));
    let mut response = body(StatusCode::PARTIAL_CONTENT, length, OCTETS, stream)?;
    response.headers_mut().insert(CONTENT_RANGE, content_range);
    Ok(response)
}

/// Several ranges as `multipart/byteranges` (RFC 9110, section 14.6). The boundary is the blob's
/// digest, which the blob cannot contain.
fn several(blob: &Blob, ranges: &[Range<u64>], digest: Digest) -> Result<Response, Problem> {
    let boundary = digest.hex();
    let mut length = 0;
    let mut pieces = Vec::new();
    for range in ranges {
        let content_range = content_range(range, blob.size());
        let head = format!(
            "\r\n--{boundary}\r\nContent-Type: {OCTETS}\r\nContent-Range: {content_range}\r\n\r\n"
        );
        length += head.len() as u64 + (range.end - range.start);
        pieces.push((Bytes::from(head), blob.read(range.clone())));
    }
    let end = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    length += end.len() as u64;
    let stream = stream::iter(pieces)
        .flat_map(|(head, bytes)| stream::iter([Ok(head)]).chain(bytes))
        .chain(stream::iter([Ok(end)]));
    let content_type = format!("multipart/byteranges; boundary={boundary}");
    body(StatusCode::PARTIAL_CONTENT, length, &content_type, Body::from_stream(stream))
}

fn content_range(range: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1))
}

fn body(
    status: StatusCode,
    length: u64,
    content_type: &str,
    body: Body,
) -> Result<Response, Problem> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response.headers_mut().insert(CONTENT_TYPE, value(content_type)?);
    Ok(response)
}

/// Says of a response which blob it is about, and that it never changes.
fn about(mut response: Response, digest: Digest, tag: HeaderValue) -> Result<Response, Problem> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_DIGEST, value(&digest.to_string())?);
    headers.insert(ETAG, tag);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn parse(digest: &str) -> Result<Digest, Problem> {
    digest.parse().map_err(|error: portolan_model::DigestError| Problem::digest(error.to_string()))
}

/// The entity tag of what has `digest`.
pub(super) fn etag(digest: &str) -> Result<HeaderValue, Problem> {
    value(&format!("\"{digest}\""))
}

/// Whether the client says that it has what `tag` names.
pub(super) fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(|known| {
        known.split(',').map(str::trim).any(|known| {
            known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes()
        })
    })
}

/// A header's value of our own making.
fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::digest("this cannot be said in a header"))
}
