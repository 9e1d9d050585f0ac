//! `/v2/<name>/blobs/uploads/`.

use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, LOCATION, RANGE};
use http::{HeaderName, StatusCode, Uri};
use portolan_model::{Digest, RepositoryName, UploadId};
use portolan_registry::{ChunkRange, Registry};

use super::problem::Problem;
use super::{CONTENT_DIGEST, empty, number, query, range};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// `POST`: begins an upload; with `digest` takes the whole blob; with `mount` and `from` links a
/// blob that another repository has.
pub(super) async fn start(
    registry: &Registry,
    name: &RepositoryName,
    request: Request,
) -> Result<Response, Problem> {
    if let Some(digest) = digest(request.uri(), "digest")? {
        registry.push_blob(name, digest, request.into_body().into_data_stream()).await?;
        return Ok(created(name, digest));
    }
    // A source that cannot be is a source that has no such blob.
    let from = query::value(request.uri(), "from").and_then(|from| from.parse().ok());
    if let (Some(digest), Some(from)) = (digest(request.uri(), "mount")?, from)
        && registry.mount_blob(name, digest, &from).await?
    {
        return Ok(created(name, digest));
    }
    let id = registry.start_upload(name).await?;
    Ok(session(StatusCode::ACCEPTED, name, id, 0))
}

/// `PATCH`: appends.
pub(super) async fn append(
    registry: &Registry,
    name: &RepositoryName,
    id: &str,
    request: Request,
) -> Result<Response, Problem> {
    let id = parse(name, id)?;
    let range = chunk_range(&request)?;
    let size = registry
        .append(name, id, range, request.into_body().into_data_stream())
        .await
        .map_err(|error| Problem::from(error).continue_at(&location(name, id)))?;
    Ok(session(StatusCode::ACCEPTED, name, id, size))
}

/// `PUT`: appends what the body has, and makes the upload a blob.
pub(super) async fn finish(
    registry: &Registry,
    name: &RepositoryName,
    id: &str,
    request: Request,
) -> Result<Response, Problem> {
    let id = parse(name, id)?;
    let range = chunk_range(&request)?;
    let Some(digest) = digest(request.uri(), "digest")? else {
        return Err(Problem::digest("finish an upload with ?digest=sha256:…"));
    };
    registry
        .finish_upload(name, id, digest, range, request.into_body().into_data_stream())
        .await
        .map_err(|error| Problem::from(error).continue_at(&location(name, id)))?;
    Ok(created(name, digest))
}

/// `GET`: how far an upload is.
pub(super) async fn status(
    registry: &Registry,
    name: &RepositoryName,
    id: &str,
) -> Result<Response, Problem> {
    let id = parse(name, id)?;
    let size = registry.upload_size(name, id).await?;
    Ok(session(StatusCode::NO_CONTENT, name, id, size))
}

/// `DELETE`: forgets an upload.
pub(super) async fn cancel(
    registry: &Registry,
    name: &RepositoryName,
    id: &str,
) -> Result<Response, Problem> {
    registry.cancel_upload(name, parse(name, id)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// How far an upload is, as the specification writes it: the last byte is included, and so nothing
/// looks like one byte.
pub(super) fn so_far(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}

fn location(name: &RepositoryName, id: UploadId) -> String {
    format!("/v2/{name}/blobs/uploads/{id}")
}

fn session(status: StatusCode, name: &RepositoryName, id: UploadId, size: u64) -> Response {
    let headers =
        [(LOCATION, location(name, id)), (RANGE, so_far(size)), (UPLOAD_ID, id.to_string())];
    (status, headers).into_response()
}

fn created(name: &RepositoryName, digest: Digest) -> Response {
    let location = format!("/v2/{name}/blobs/{digest}");
    let headers = [(LOCATION, location), (CONTENT_DIGEST, digest.to_string())];
    (StatusCode::CREATED, headers).into_response()
}

fn parse(name: &RepositoryName, id: &str) -> Result<UploadId, Problem> {
    id.parse().map_err(|error| {
        let message = format!("the repository `{name}` has no such upload: {error}");
        Problem::new(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", message)
    })
}

fn digest(uri: &Uri, name: &str) -> Result<Option<Digest>, Problem> {
    query::value(uri, name)
        .map(|text| text.parse::<Digest>())
        .transpose()
        .map_err(|error| Problem::digest(error.to_string()))
}

/// The `Content-Range` of a chunk, which must agree with its `Content-Length`.
fn chunk_range(request: &Request) -> Result<Option<ChunkRange>, Problem> {
    let Some(header) = request.headers().get(CONTENT_RANGE) else { return Ok(None) };
    let range = header.to_str().ok().and_then(range::chunk).ok_or_else(|| {
        Problem::upload("the Content-Range is not valid: write it as in 0-1023, both ends included")
    })?;
    let length = number(request, &CONTENT_LENGTH);
    if length.is_some_and(|length| length != range.length()) {
        return Err(Problem::size("the Content-Length is not the length of the Content-Range"));
    }
    Ok(Some(range))
}
