//! The routes of the built-in registry, OCI Distribution 1.1, under `/v2/`.
//!
//! Names of repositories have slashes, so one wildcard route takes all paths, and [`place`] reads
//! them from their end.

mod blobs;
mod lists;
mod manifests;
mod place;
mod problem;
mod query;
mod range;
mod rest;
mod uploads;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use http::header::ALLOW;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use portolan_registry::Registry;

use crate::App;
use place::Place;
use problem::Problem;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

impl FromRef<App> for Registry {
    fn from_ref(app: &App) -> Self {
        app.registry.clone()
    }
}

/// The routes under `/v2/`. They take bodies of any size, and stream them: no layer around them may
/// buffer, compress or cut short what passes.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/v2", any(serve))
        .route("/v2/", any(serve))
        .route("/v2/{*path}", any(serve))
}

async fn serve(State(registry): State<Registry>, request: Request) -> Response {
    let answer = answer(&registry, request.map(rest::read_to_end)).await;
    let mut response = answer.unwrap_or_else(Problem::into_response);
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn answer(registry: &Registry, request: Request) -> Result<Response, Problem> {
    let place = place::read(request.uri().path())?;
    let allowed = place.methods();
    let method = request.method().clone();
    if !allowed.split(", ").any(|allowed| allowed == method.as_str()) {
        let allow = HeaderValue::from_static(allowed);
        if method == Method::OPTIONS {
            return Ok((StatusCode::NO_CONTENT, [(ALLOW, allow)]).into_response());
        }
        return Err(Problem::method(&method, allow));
    }
    match place {
        Place::Base => Ok(axum::Json(serde_json::json!({})).into_response()),
        Place::Catalog => lists::repositories(registry, request.uri()).await,
        Place::Tags(name) => lists::tags(registry, &name, request.uri()).await,
        Place::Referrers(name, subject) => {
            lists::referrers(registry, &name, &subject, request.uri()).await
        }
        Place::Manifest(name, reference) => match method {
            Method::PUT => manifests::put(registry, &name, &reference, request).await,
            Method::DELETE => manifests::delete(registry, &name, &reference).await,
            _ => manifests::get(registry, &name, &reference, request.headers()).await,
        },
        Place::Blob(name, digest) => match method {
            Method::DELETE => blobs::delete(registry, &name, &digest).await,
            Method::HEAD => blobs::head(registry, &name, &digest, request.headers()).await,
            _ => blobs::get(registry, &name, &digest, request.headers()).await,
        },
        Place::Uploads(name) => uploads::start(registry, &name, request).await,
        Place::Upload(name, id) => match method {
            Method::PATCH => uploads::append(registry, &name, &id, request).await,
            Method::PUT => uploads::finish(registry, &name, &id, request).await,
            Method::DELETE => uploads::cancel(registry, &name, &id).await,
            _ => uploads::status(registry, &name, &id).await,
        },
    }
}

/// The answer to somebody who may not do what they ask.
pub(crate) fn refused(status: StatusCode, message: String) -> Response {
    let code = if status == StatusCode::UNAUTHORIZED { "UNAUTHORIZED" } else { "DENIED" };
    let mut response = Problem::new(status, code, message).into_response();
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

/// The number in a header, where there is one.
fn number(request: &Request, name: &HeaderName) -> Option<u64> {
    request.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// A response that is only a status and headers.
fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
