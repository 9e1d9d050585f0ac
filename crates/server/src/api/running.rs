//! What runs where.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use portolan_tracker::running::RunningFilter;
use portolan_tracker::{DeploymentView, Status};

use super::ask::whole_tail;
use super::asked::Asked;
use super::cached::Cached;
use super::deployment::Deployment;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// Which of the two lists is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    /// What runs.
    Standing,
    /// What runs, is coming up, or was taken away.
    Current,
}

/// Of each service in each environment, the newest deployment of which something runs.
///
/// By service, then in the order of promotion.
#[utoipa::path(
    get, path = "/whats-running-where", tag = "running",
    params(
        ("environments" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, body = Vec<Deployment>),
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
    answer(app, kept, asked, None, &headers, List::Standing).await
}

/// Of each environment, the newest deployment of a service of which something runs.
#[utoipa::path(
    get, path = "/whats-running-where/{service}", tag = "running",
    params(
        ("service" = String, Path, description = "Its name"),
        ("environments" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, description = "Of an unknown service, none", body = Vec<Deployment>),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "`at` is no moment", body = Message),
    )
)]
pub(super) async fn of_service(
    State(app): State<App>,
    kept: Cached,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let service = whole_tail(&uri, "/whats-running-where/")?;
    answer(app, kept, asked, Some(service), &headers, List::Standing).await
}

/// Of each service in each environment, the deployment that says how it stands: running, coming up,
/// or taken away.
///
/// The newest, or, where that failed, the newest of which something still runs.
#[utoipa::path(
    get, path = "/running-services", tag = "running",
    params(
        ("environments" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("service" = Option<String>, Query, description = "Only this service"),
        ("status" = Option<Vec<String>>, Query, description = "Only those that stand so"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, body = Vec<Deployment>),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "A parameter makes no sense", body = Message),
    )
)]
pub(super) async fn services(
    State(app): State<App>,
    kept: Cached,
    asked: Asked,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let service = asked.one("service")?.map(str::to_owned);
    answer(app, kept, asked, service, &headers, List::Current).await
}

/// The same of one service.
#[utoipa::path(
    get, path = "/running-services/{service}", tag = "running",
    params(
        ("service" = String, Path, description = "Its name"),
        ("environments" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("status" = Option<Vec<String>>, Query, description = "Only those that stand so"),
        ("at" = Option<String>, Query, description = "As it was at this moment"),
    ),
    responses(
        (status = 200, description = "Of an unknown service, none", body = Vec<Deployment>),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "A parameter makes no sense", body = Message),
    )
)]
pub(super) async fn one_service(
    State(app): State<App>,
    kept: Cached,
    asked: Asked,
    uri: Uri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let service = whole_tail(&uri, "/running-services/")?;
    answer(app, kept, asked, Some(service), &headers, List::Current).await
}

async fn answer(
    app: App,
    kept: Cached,
    asked: Asked,
    service: Option<String>,
    headers: &HeaderMap,
    list: List,
) -> ApiResult<Response> {
    let then = asked.moment("at", app.store.now())?;
    let statuses: Vec<Status> = match list {
        List::Standing => Vec::new(),
        List::Current => asked
            .many(&["status"])?
            .iter()
            .map(|text| text.parse().map_err(|error: String| ApiError::bad(error)))
            .collect::<ApiResult<_>>()?,
    };
    let filter = RunningFilter { environments: asked.environments()?, service };
    let key = format!(
        "{list:?} {statuses:?} {:?} {}",
        filter.service,
        asked.canonical(&["environment", "environments"])
    );
    let make = async move |app: App, now| {
        let at = then.unwrap_or(now);
        let views = match list {
            List::Standing => app.tracker.standing(at, &filter).await?,
            List::Current => app.tracker.current(at, &filter).await?,
        };
        let wanted =
            |view: &&DeploymentView| statuses.is_empty() || statuses.contains(&view.verdict.status);
        Ok(views.iter().filter(wanted).map(|it| Deployment::of(it, at)).collect::<Vec<_>>())
    };
    kept.answer(&app, then.is_none().then_some(key), headers, make).await
}
