//! Environments: where services run.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use portolan_model::Timestamp;
use portolan_store::{Sweep, TaskTotals};
use portolan_tracker::Environment;
use serde::Serialize;
use utoipa::ToSchema;

use super::asked::Asked;
use super::cached::Cached;
use super::error::{ApiResult, Message};
use crate::App;

/// An environment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EnvironmentInfo {
    /// Its name.
    name: String,
    /// Its place in the order of promotion: what has a lower number comes first.
    order: u32,
    /// Whether a second person is needed for a change.
    protected: bool,
    /// The account's number; none of an environment that is not in AWS.
    account: Option<String>,
    /// The region, where one account holds several environments.
    region: Option<String>,
    /// The clusters, where one region holds several environments.
    clusters: Vec<String>,
    /// Services that run.
    services: u64,
    /// Tasks that run.
    running: u64,
    /// Tasks that are there and whose image is not known, so that they are in no list.
    held: u64,
    /// What the last comparison with ECS found; none where there was none.
    last_sweep: Option<SweepInfo>,
}

/// What a comparison with ECS found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SweepInfo {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Services that ECS told of.
    services: u64,
    /// Tasks that ECS told of.
    tasks: u64,
    /// What was not as events had told.
    drift: u64,
    /// Why it could not be finished.
    error: Option<String>,
}

impl SweepInfo {
    fn of(sweep: &Sweep) -> Self {
        Self {
            at: sweep.at,
            services: sweep.services,
            tasks: sweep.tasks,
            drift: sweep.drift,
            error: sweep.error.clone(),
        }
    }
}

impl EnvironmentInfo {
    fn of(place: &Environment, totals: &[TaskTotals], sweeps: &[Sweep]) -> Self {
        let totals = totals.iter().find(|it| it.environment == place.name);
        Self {
            name: place.name.clone(),
            order: place.order,
            protected: place.protected,
            account: place.account.clone(),
            region: place.region.clone(),
            clusters: place.clusters.clone(),
            services: totals.map_or(0, |it| it.services),
            running: totals.map_or(0, |it| it.running),
            held: totals.map_or(0, |it| it.held),
            last_sweep: sweeps.iter().find(|it| it.environment == place.name).map(SweepInfo::of),
        }
    }
}

/// The environments, in the order of promotion.
#[utoipa::path(
    get, path = "/environments", tag = "running",
    params(("at" = Option<String>, Query, description = "What ran at this moment")),
    responses(
        (status = 200, body = Vec<EnvironmentInfo>),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "`at` is no moment", body = Message),
    )
)]
pub(super) async fn all(
    State(app): State<App>,
    kept: Cached,
    asked: Asked,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let then = asked.moment("at", app.store.now())?;
    let make = async move |app: App, now| {
        let at = then.unwrap_or(now);
        let (totals, sweeps) = (app.store.task_totals(at).await?, app.store.sweeps().await?);
        // A sweep that had not been made then says nothing of then.
        let sweeps: Vec<_> = sweeps.into_iter().filter(|sweep| sweep.at <= at).collect();
        let places = app.tracker.rules().places.all();
        let told = |place| EnvironmentInfo::of(place, &totals, &sweeps);
        Ok(places.iter().map(told).collect::<Vec<_>>())
    };
    let key = then.is_none().then(|| "Environments".to_owned());
    kept.answer(&app, key, &headers, make).await
}
