//! `/v2/<name>/manifests/<reference>`.

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use portolan_model::{RepositoryName, Target};
use portolan_oci::ManifestError;
use portolan_registry::{Registry, RegistryError};

use super::blobs::{etag, is_known};
use super::problem::Problem;
use super::{CONTENT_DIGEST, empty, number};

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

pub(super) async fn get(
    registry: &Registry,
    name: &RepositoryName,
    reference: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let manifest = registry.manifest(name, &existing(name, reference)?).await?;
    let digest = manifest.digest.to_string();
    let content_type = HeaderValue::from_str(&manifest.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let tag = etag(&digest)?;
    let digest = HeaderValue::from_str(&digest).map_err(|_| Problem::no_route())?;
    let mut response = if is_known(headers, &tag) {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        Response::new(Body::from(manifest.bytes.clone()))
    };
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response.headers_mut().insert(CONTENT_DIGEST, digest);
    response.headers_mut().insert(ETAG, tag);
    Ok(response)
}

pub(super) async fn put(
    registry: &Registry,
    name: &RepositoryName,
    reference: &str,
    request: Request,
) -> Result<Response, Problem> {
    let target = reference.parse::<Target>().map_err(|error| match error {
        portolan_model::ReferenceError::Digest(error) => Problem::digest(error.to_string()),
        error => Problem::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", error.to_string()),
    })?;
    let content_type = match request.headers().get(CONTENT_TYPE).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(text)) => Some(text.to_owned()),
        Some(Err(_)) => {
            let message = "the Content-Type is not a media type";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message));
        }
    };
    let bytes = read(request, registry.limits().manifest_bytes).await?;
    let pushed = registry.put_manifest(name, &target, content_type.as_deref(), bytes).await?;
    let location = format!("/v2/{name}/manifests/{}", pushed.digest);
    let headers = [(LOCATION, location), (CONTENT_DIGEST, pushed.digest.to_string())];
    let subject = pushed.subject.map(|subject| [(SUBJECT, subject.to_string())]);
    Ok((StatusCode::CREATED, headers, subject, ()).into_response())
}

pub(super) async fn delete(
    registry: &Registry,
    name: &RepositoryName,
    reference: &str,
) -> Result<Response, Problem> {
    registry.delete_manifest(name, &existing(name, reference)?).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

/// What `reference` may point to. A text that can be no tag points to nothing.
fn existing(name: &RepositoryName, reference: &str) -> Result<Target, Problem> {
    reference.parse().map_err(|error| match error {
        portolan_model::ReferenceError::Digest(error) => Problem::digest(error.to_string()),
        error => Problem::new(
            StatusCode::NOT_FOUND,
            "MANIFEST_UNKNOWN",
            format!("the repository `{name}` has no such manifest: {error}"),
        ),
    })
}

/// Reads a body of at most `limit` bytes.
async fn read(request: Request, limit: u64) -> Result<Bytes, Problem> {
    let too_large =
        |size| Problem::from(RegistryError::from(ManifestError::TooLarge { size, limit }));
    if let Some(declared) = number(&request, &CONTENT_LENGTH).filter(|size| *size > limit) {
        return Err(too_large(declared));
    }
    let mut body = request.into_body().into_data_stream();
    let mut bytes = BytesMut::new();
    while let Some(part) = body.next().await {
        let part = part.map_err(|error| {
            let message = format!("the manifest broke off: {error}");
            Problem::new(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", message)
        })?;
        let size = (bytes.len() + part.len()) as u64;
        if size > limit {
            return Err(too_large(size));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes.freeze())
}
