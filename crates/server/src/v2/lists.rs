//! Lists: tags, repositories, referrers.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, LINK};
use http::{HeaderName, HeaderValue, StatusCode, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use portolan_model::{Digest, DigestError, RepositoryName, media};
use portolan_registry::{Listing, Registry};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::query;

const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
/// What a name in a link's query must not have as it is.
const QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'&').add(b'<').add(b'>');

pub(super) async fn tags(
    registry: &Registry,
    name: &RepositoryName,
    uri: &Uri,
) -> Result<Response, Problem> {
    let last = query::value(uri, "last");
    let listing = registry.tags(name, last.as_deref(), wanted(uri)?).await?;
    Ok(page(
        &format!("/v2/{name}/tags/list"),
        &listing,
        json!({ "name": name, "tags": listing.names }),
    ))
}

pub(super) async fn repositories(registry: &Registry, uri: &Uri) -> Result<Response, Problem> {
    let last = query::value(uri, "last");
    let listing = registry.repositories(last.as_deref(), wanted(uri)?).await?;
    Ok(page("/v2/_catalog", &listing, json!({ "repositories": listing.names })))
}

pub(super) async fn referrers(
    registry: &Registry,
    name: &RepositoryName,
    subject: &str,
    uri: &Uri,
) -> Result<Response, Problem> {
    let subject: Digest =
        subject.parse().map_err(|error: DigestError| Problem::digest(error.to_string()))?;
    let artifact_type = query::value(uri, "artifactType").filter(|wanted| !wanted.is_empty());
    let found = registry.referrers(name, &subject, artifact_type.as_deref()).await?;
    let manifests: Vec<Value> = found
        .into_iter()
        .map(|referrer| {
            let mut descriptor = Map::new();
            descriptor.insert("mediaType".into(), referrer.media_type.into());
            descriptor.insert("digest".into(), referrer.digest.to_string().into());
            descriptor.insert("size".into(), referrer.size.into());
            if let Some(artifact_type) = referrer.artifact_type {
                descriptor.insert("artifactType".into(), artifact_type.into());
            }
            if !referrer.annotations.is_empty() {
                descriptor.insert("annotations".into(), referrer.annotations.into());
            }
            descriptor.into()
        })
        .collect();
    let index =
        json!({ "schemaVersion": 2, "mediaType": media::OCI_INDEX, "manifests": manifests });
    let filters = artifact_type.map(|_| [(FILTERS, "artifactType")]);
    Ok((filters, [(CONTENT_TYPE, media::OCI_INDEX)], index.to_string()).into_response())
}

/// How many items are asked for; a number that is too large for any list is the largest one.
fn wanted(uri: &Uri) -> Result<Option<u64>, Problem> {
    let Some(n) = query::value(uri, "n") else { return Ok(None) };
    if n.is_empty() || !n.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = "`n` is not a number of items: write it as in n=100";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID", message));
    }
    Ok(Some(n.parse().unwrap_or(u64::MAX)))
}

/// A page of a list, with a link to the next one where there is more.
fn page(path: &str, listing: &Listing, body: Value) -> Response {
    let mut response = Json(body).into_response();
    if let (true, Some(last)) = (listing.more, listing.names.last()) {
        let last = utf8_percent_encode(last, QUERY);
        let link = format!("<{path}?n={}&last={last}>; rel=\"next\"", listing.names.len());
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(LINK, link);
        }
    }
    response
}
