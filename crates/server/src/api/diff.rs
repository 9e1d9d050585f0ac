//! How environments differ.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use portolan_model::{Digest, Timestamp};
use portolan_tracker::diff::{Difference, Direction, Place, Relation, Side};
use serde::Serialize;
use utoipa::ToSchema;

use super::ask::shown;
use super::asked::Asked;
use super::cached::Cached;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// How two environments differ.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EnvironmentDiff {
    /// The first.
    a: DiffPlace,
    /// The second.
    b: DiffPlace,
    /// Services of which the same images run.
    same: usize,
    /// Services of which different images run.
    differ: usize,
    /// Services that run in the first alone.
    #[serde(rename = "onlyA")]
    only_a: usize,
    /// Services that run in the second alone.
    #[serde(rename = "onlyB")]
    only_b: usize,
    /// Each service that runs in either, by name.
    services: Vec<ServiceDiff>,
}

/// An environment at a moment.
#[derive(Debug, Serialize, ToSchema)]
struct DiffPlace {
    environment: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// How a service differs.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceDiff {
    service: String,
    /// `same`, `differ`, `onlyA` or `onlyB`.
    #[schema(value_type = String)]
    relation: Relation,
    /// The first's version is `ahead` of the second's, `behind`, or `level`; none where that cannot
    /// be told.
    #[schema(value_type = Option<String>)]
    direction: Option<Direction>,
    /// What runs in the first.
    a: Option<ServiceSide>,
    /// What runs in the second.
    b: Option<ServiceSide>,
}

/// What runs of a service in an environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ServiceSide {
    version: String,
    /// The images, in byte order.
    #[schema(value_type = Vec<String>)]
    digests: Vec<Digest>,
    /// The commit, by the image's label.
    commit: Option<String>,
    /// Where the source is, by the image's label.
    source_url: Option<String>,
    /// Tasks that run.
    tasks: u64,
    /// Since when the first of them does.
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The newest deployment.
    deployment_id: String,
    /// Who asked for it; `n/a` where it is not known.
    user: String,
}

impl From<Side> for ServiceSide {
    fn from(side: Side) -> Self {
        Self {
            version: side.version,
            digests: side.digests,
            commit: side.revision,
            source_url: side.source_url,
            tasks: side.tasks,
            since: side.since,
            deployment_id: side.deployment,
            user: side.user.unwrap_or_else(|| "n/a".to_owned()),
        }
    }
}

impl From<Difference> for ServiceDiff {
    fn from(it: Difference) -> Self {
        Self {
            service: it.service,
            relation: it.relation,
            direction: it.direction,
            a: it.a.map(Into::into),
            b: it.b.map(Into::into),
        }
    }
}

/// How two environments differ, each now or at a moment.
#[utoipa::path(
    get, path = "/diff/{envA}/{envB}", tag = "running",
    params(
        ("envA" = String, Path, description = "The first environment"),
        ("envB" = String, Path, description = "The second; it may be the same at another moment"),
        ("at" = Option<String>, Query, description = "Both as they were at this moment"),
        ("atB" = Option<String>, Query, description = "The second at this moment instead"),
    ),
    responses(
        (status = 200, body = EnvironmentDiff),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "`at` or `atB` is no moment", body = Message),
        (status = 404, description = "There is no such environment", body = Message),
    )
)]
pub(super) async fn environments(
    State(app): State<App>,
    kept: Cached,
    names: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
    asked: Asked,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let Path((a, b)) = names.map_err(|error| ApiError::bad(error.body_text()))?;
    for name in [&a, &b] {
        if app.tracker.rules().places.named(name).is_none() {
            return Err(ApiError::not_found(format_args!("environment {}", shown(name))));
        }
    }
    let now = app.store.now();
    let then = asked.moment("at", now)?;
    let then_b = asked.moment("atB", now)?.or(then);
    let now = then.is_none() && then_b.is_none();
    let key = now.then(|| format!("Diff {a:?} {b:?}"));
    let make = async move |app: App, now: Timestamp| {
        let a = Place { environment: a, at: then.unwrap_or(now) };
        let b = Place { environment: b, at: then_b.unwrap_or(now) };
        let found = app.tracker.diff(&a, &b).await?;
        let count = |relation| found.iter().filter(|it| it.relation == relation).count();
        let place = |place: Place| DiffPlace { environment: place.environment, at: place.at };
        Ok(EnvironmentDiff {
            same: count(Relation::Same),
            differ: count(Relation::Differ),
            only_a: count(Relation::OnlyA),
            only_b: count(Relation::OnlyB),
            a: place(a),
            b: place(b),
            services: found.into_iter().map(Into::into).collect(),
        })
    };
    kept.answer(&app, key, &headers, make).await
}
