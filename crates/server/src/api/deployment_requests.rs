//! Asking for a deployment: registered first, recognised when it comes.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use portolan_model::EventId;
use portolan_tracker::{Kind, Message as Incoming, read};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::ask::shown;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// The longest body, in bytes.
const MOST_BYTES: usize = 64 * 1024;
/// What makes a repetition of a request the same request.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestedDeployment {
    /// The service.
    service: Option<String>,
    /// The version: a tag.
    version: Option<String>,
    /// The environment's name.
    environment: Option<String>,
    /// Who asks.
    user: Option<RequestingUser>,
    /// Tasks that shall run.
    instance_count: Option<i64>,
    /// The identity of the request; without it, the `Idempotency-Key`, else a new one.
    deployment_id: Option<String>,
    /// CPU units of a task.
    cpu: Option<String>,
    /// Memory of a task, in MiB.
    memory: Option<String>,
}

/// Who asks for a deployment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RequestingUser {
    /// The identity.
    id: Option<String>,
    /// The name.
    display_name: Option<String>,
}

/// A request that is in the journal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registered {
    /// Its identity: `/deployments/{deploymentId}` tells what became of it.
    deployment_id: String,
}

/// What is wrong with a request (RFC 7807), as the portal's clients know it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ValidationProblem {
    /// What kind of problem it is.
    r#type: &'static str,
    /// For people.
    title: &'static str,
    /// 400.
    status: u16,
    /// What is wrong, by the field that is.
    errors: BTreeMap<&'static str, Vec<String>>,
}

impl ValidationProblem {
    fn answer(errors: BTreeMap<&'static str, Vec<String>>) -> Response {
        let problem = Self {
            r#type: "https://datatracker.ietf.org/doc/html/rfc7231#section-6.5.1",
            title: "One or more validation errors occurred.",
            status: 400,
            errors,
        };
        let kind = HeaderValue::from_static("application/problem+json");
        (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, kind)], Json(problem)).into_response()
    }
}

/// Registers that somebody wants a version deployed. What is seen of it later is recognised as it.
///
/// With the same `deploymentId`, or without one the same `Idempotency-Key`, it is one request however
/// often it arrives, and the first word stands.
#[utoipa::path(
    post, path = "/deployments", tag = "deployments",
    params(("Idempotency-Key" = Option<String>, Header,
            description = "The identity of a request that has no `deploymentId`")),
    request_body = RequestedDeployment,
    responses(
        (status = 200, description = "It is in the journal", body = Registered),
        (status = 400, description = "A field is missing or makes no sense: what is wrong, by field; \
         or the body is no JSON: a message", body = ValidationProblem),
        (status = 409, description = "Another request has this identity", body = Message),
        (status = 413, description = "The body is too long", body = Message),
    )
)]
pub(super) async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let asked = body_of(body).await?;
    let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
    let given = |text: Option<&str>| text.filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let id = given(asked.deployment_id.as_deref()).or_else(|| given(key));
    let id = id.unwrap_or_else(|| EventId::new(app.store.ids()).to_string());
    let errors = errors(&app, &asked);
    if !errors.is_empty() {
        return Ok(ValidationProblem::answer(errors));
    }
    if let Some(known) = app.store.deployment_request(&id).await? {
        let same = [&known.service, &known.version, &known.environment];
        let new = [&asked.service, &asked.version, &asked.environment].map(Option::as_ref);
        if same.map(Some) != new {
            let message = format!(
                "{} was asked for before, as {} {} in {}: take another deploymentId",
                shown(&id),
                known.service,
                known.version,
                known.environment
            );
            return Err(ApiError::new(StatusCode::CONFLICT, message));
        }
        return Ok(registered(id));
    }
    let body = told(&asked, &id).to_string();
    if let Err(problem) = read::read(Kind::DeploymentRequest, &body, app.store.now()) {
        let errors = BTreeMap::from([("Deployment", vec![problem.to_string()])]);
        return Ok(ValidationProblem::answer(errors));
    }
    let message = Incoming { source: "http".into(), body, id: Some(id.clone()), sent_at: None };
    app.intake.take(vec![message]).await?;
    Ok(registered(id))
}

fn registered(id: String) -> Response {
    let at = format!("/deployments/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC));
    let location = HeaderValue::try_from(at).map(|at| [(LOCATION, at)]).ok();
    (location, Json(Registered { deployment_id: id })).into_response()
}

async fn body_of(body: Body) -> ApiResult<RequestedDeployment> {
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
        let message = format!("the body has more than {MOST_BYTES} bytes, or did not arrive whole");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::bad(format!("the body is no deployment: {error}")))
}

/// What is wrong, by the names of fields that the portal's clients know.
fn errors(app: &App, asked: &RequestedDeployment) -> BTreeMap<&'static str, Vec<String>> {
    let mut errors: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let fields = [
        ("Service", &asked.service),
        ("Version", &asked.version),
        ("Environment", &asked.environment),
    ];
    for (name, value) in fields {
        if value.as_ref().is_none_or(|text| text.trim().is_empty()) {
            errors.insert(name, vec![format!("The {name} field is required.")]);
        }
    }
    let places = &app.tracker.rules().places;
    if let Some(name) = asked.environment.as_ref().filter(|name| !name.trim().is_empty())
        && places.named(name).is_none()
    {
        let names: Vec<&str> = places.all().iter().map(|place| place.name.as_str()).collect();
        let name = shown(name);
        let message = format!("There is no environment {name}: one of {}.", names.join(", "));
        errors.insert("Environment", vec![message]);
    }
    if asked.instance_count.is_some_and(|count| count < 0) {
        errors.insert("InstanceCount", vec!["The number of instances is 0 or more.".to_owned()]);
    }
    errors
}

/// The request as the journal keeps it. It does not say when it came, so that a repetition is the
/// same to the byte.
fn told(asked: &RequestedDeployment, id: &str) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    };
    put("deploymentId", json!(id));
    put("service", json!(asked.service));
    put("version", json!(asked.version));
    put("environment", json!(asked.environment));
    if let Some(user) = &asked.user {
        put("user", json!({ "id": user.id, "displayName": user.display_name }));
    }
    put("instanceCount", json!(asked.instance_count));
    put("cpu", json!(asked.cpu));
    put("memory", json!(asked.memory));
    Value::Object(fields)
}
