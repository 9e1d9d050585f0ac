//! Notifications: who was told of what, and whether it was received.

use axum::Json;
use axum::extract::State;
use portolan_model::{NotificationId, Timestamp};
use portolan_store::{Notification, NotificationFilter, NotificationState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;
use crate::notify::deliver;

/// A notification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotificationInfo {
    /// Its identity, which its receiver sees too.
    #[schema(value_type = String)]
    id: NotificationId,
    /// By which rule of the configuration.
    rule: String,
    /// What happened: `deployment-failed`, for one.
    event: String,
    /// The environment, where it is about one.
    environment: Option<String>,
    /// The service, where it is about one.
    service: Option<String>,
    /// All of it in one line.
    summary: String,
    /// All that is told of it.
    #[schema(value_type = Object)]
    details: Value,
    /// `waiting`, `sent` or `failed`.
    state: &'static str,
    /// How often it was sent, or was about to be.
    attempts: u64,
    /// The status that the receiver answered last.
    status: Option<u16>,
    /// What went wrong last.
    error: Option<String>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    happened_at: Timestamp,
    /// When it was noticed.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it is sent again.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_at: Option<Timestamp>,
    /// When it was received, or given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<Notification> for NotificationInfo {
    fn from(it: Notification) -> Self {
        Self {
            id: it.id,
            rule: it.rule,
            event: it.occasion,
            environment: it.environment,
            service: it.service,
            summary: it.summary,
            details: it.details,
            state: it.state.name(),
            attempts: it.attempts,
            status: it.status,
            error: it.error,
            happened_at: it.happened_at,
            created_at: it.created_at,
            next_at: it.next_at,
            ended_at: it.ended_at,
        }
    }
}

/// Which notifications are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct NotificationQuery {
    /// Only those by this rule.
    rule: Option<String>,
    /// Only those that are `waiting`, `sent` or `failed`.
    state: Option<String>,
}

/// A part of the notifications.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NotificationPage {
    notifications: Vec<NotificationInfo>,
    #[serde(flatten)]
    part: Part,
}

/// Notifications, newest first.
#[utoipa::path(
    get, path = "/notifications", tag = "notifications", params(NotificationQuery, PageQuery),
    responses(
        (status = 200, body = NotificationPage),
        (status = 400, description = "`state` is no state", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<NotificationQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<NotificationPage>> {
    let state = query.state.as_deref().filter(|state| !state.is_empty());
    let state = state.map(str::parse::<NotificationState>).transpose().map_err(ApiError::bad)?;
    let filter = NotificationFilter { rule: query.rule.filter(|rule| !rule.is_empty()), state };
    let limits = &app.settings.limits;
    let found = app.store.notifications(&filter, page.part(limits)).await?;
    let notifications = found.items.into_iter().map(NotificationInfo::from).collect();
    Ok(Json(NotificationPage { notifications, part: page.told(limits, found.total) }))
}

/// Tries a rule out: sends a notification of nothing, once, and tells what became of it.
#[utoipa::path(
    post, path = "/notifications/{rule}/test", tag = "notifications",
    params(("rule" = String, Path, description = "The rule's name")),
    responses(
        (status = 200, description = "It was sent, or could not be: `state` says which",
         body = NotificationInfo),
        (status = 404, description = "There is no such rule", body = Message),
    )
)]
pub(super) async fn test(
    State(app): State<App>,
    Name(name): Name,
) -> ApiResult<Json<NotificationInfo>> {
    let rule = app.settings.notifications.rule(&name);
    let rule = rule.ok_or_else(|| {
        ApiError::not_found(format_args!("the notification rule {}", shown(&name)))
    })?;
    Ok(Json(deliver::try_out(&app, rule).await?.into()))
}
