//! What became of a service.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Uri};
use portolan_model::Timestamp;
use portolan_tracker::history::Chapter;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::tagged;
use super::ask::{PageQuery, Part, Query, shown, whole_tail};
use super::asked::Asked;
use super::deployment::Deployment;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// What became of a service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceHistory {
    /// Its name.
    service: String,
    /// The moment at which all of that was so.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Its deployments, newest first.
    history: Vec<ServiceChapter>,
    #[serde(flatten)]
    part: Part,
}

/// A deployment, and for how long it ran.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceChapter {
    /// Since when it ran; none where nothing of it ever did.
    #[schema(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Until when; none while something of it runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// The commit that its image was built from, by label.
    commit: Option<String>,
    /// Where its source is, by label.
    #[serde(rename = "sourceUrl")]
    source_url: Option<String>,
    #[serde(flatten)]
    deployment: Deployment,
}

/// The deployments of a service, newest first: when each ran, how it went, why, and by whom.
#[utoipa::path(
    get, path = "/history/{service}", tag = "deployments",
    params(
        ("service" = String, Path, description = "Its name"),
        ("environment" = Option<Vec<String>>, Query, description = "Only in these environments"),
        ("at" = Option<String>, Query, description = "As all of that was at this moment"),
        PageQuery,
    ),
    responses(
        (status = 200, body = ServiceHistory),
        (status = 304, description = "The client has it, by `If-None-Match`"),
        (status = 400, description = "A parameter makes no sense", body = Message),
        (status = 404, description = "Nothing of that name was ever deployed", body = Message),
    )
)]
pub(super) async fn of_service(
    State(app): State<App>,
    uri: Uri,
    asked: Asked,
    Query(page): Query<PageQuery>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let service = whole_tail(&uri, "/history/")?;
    let (now, limits) = (app.store.now(), &app.settings.limits);
    let at = asked.at(now)?;
    let environments = asked.environments()?;
    let found = app.tracker.history(&service, environments, at, page.part(limits)).await?;
    if found.total == 0 {
        let ever = portolan_store::Page::first(0);
        if app.tracker.history(&service, Vec::new(), now.max(at), ever).await?.total == 0 {
            return Err(ApiError::not_found(shown(&service)));
        }
    }
    let chapter = |chapter: Chapter| ServiceChapter {
        from: chapter.from,
        until: chapter.until,
        deployment: Deployment::of(&chapter.view, at),
        commit: chapter.origin.revision,
        source_url: chapter.origin.source_url,
    };
    let part = page.told(limits, found.total);
    let history = found.items.into_iter().map(chapter).collect();
    tagged(&headers, &ServiceHistory { service, at, history, part })
}
