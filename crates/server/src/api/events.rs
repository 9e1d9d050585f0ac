//! The journal: what the outside world said, and what became of it.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use portolan_model::{EventId, Timestamp};
use portolan_store::{JournalEntry, JournalFilter, JournalState};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// An entry of the journal.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventInfo {
    /// Its identity. Entries sort by it in the order in which they were recorded.
    #[schema(value_type = String)]
    id: EventId,
    /// Which way it came: `http`, `sqs:QUEUE`, `registry`, …
    source: String,
    /// What it is: `ecs-task`, `ecr-image`, …
    kind: String,
    /// When it happened, by the word of who said it.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// `pending`, `applied` or `dead`.
    state: &'static str,
    /// Why it is dead.
    reason: Option<String>,
}

impl From<&JournalEntry> for EventInfo {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            id: entry.id,
            source: entry.source.clone(),
            kind: entry.kind.clone(),
            occurred_at: entry.occurred_at,
            recorded_at: entry.recorded_at,
            state: entry.state.name(),
            reason: entry.reason.clone(),
        }
    }
}

/// An entry of the journal, with what was said.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventWhole {
    #[serde(flatten)]
    info: EventInfo,
    /// What was said; a text, where it is not JSON.
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
}

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Only those that are `pending`, `applied` or `dead`.
    state: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
    /// The same as `state=dead`, unless it is `false`.
    dead: Option<String>,
}

impl EventQuery {
    fn filter(self) -> ApiResult<JournalFilter> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let state = given(self.state).map(|text| text.parse::<JournalState>());
        let state = state.transpose().map_err(|error| ApiError::bad(shown(&error)))?;
        let dead = match self.dead.as_deref() {
            None | Some("false") => false,
            Some("" | "true") => true,
            Some(_) => return Err(ApiError::bad("`dead` is `true` or `false`")),
        };
        if dead && state.is_some_and(|state| state != JournalState::Dead) {
            return Err(ApiError::bad("`dead` and another `state` exclude each other"));
        }
        let state = if dead { Some(JournalState::Dead) } else { state };
        Ok(JournalFilter { state, kind: given(self.kind) })
    }
}

/// A part of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventPage {
    events: Vec<EventInfo>,
    #[serde(flatten)]
    part: Part,
}

/// The journal, newest first.
#[utoipa::path(
    get, path = "/events", tag = "events", params(EventQuery, PageQuery),
    responses(
        (status = 200, body = EventPage),
        (status = 400, description = "A parameter makes no sense", body = Message),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(query): Query<EventQuery>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<EventPage>> {
    let limits = &app.settings.limits;
    let found = app.store.journal(&query.filter()?, page.part(limits)).await?;
    let events = found.items.iter().map(EventInfo::from).collect();
    Ok(Json(EventPage { events, part: page.told(limits, found.total) }))
}

/// One entry of the journal.
#[utoipa::path(
    get, path = "/events/{id}", tag = "events",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 200, body = EventWhole),
        (status = 404, description = "There is no such entry", body = Message),
    )
)]
pub(super) async fn one(State(app): State<App>, Name(id): Name) -> ApiResult<Json<EventWhole>> {
    let entry = app.store.journal_entry(parse(&id)?).await?.ok_or_else(|| missing(&id))?;
    let info = EventInfo::from(&entry);
    let payload = match RawValue::from_string(entry.payload.clone()) {
        Ok(json) => json,
        Err(_) => serde_json::value::to_raw_value(&entry.payload)
            .map_err(|error| ApiError::internal(&error))?,
    };
    Ok(Json(EventWhole { info, payload }))
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format_args!("event {}", shown(id)))
}

fn parse(id: &str) -> ApiResult<EventId> {
    id.parse().map_err(|_| missing(id))
}

/// How many entries wait to be acted on once more.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replayed {
    replayed: u64,
}

/// Has an entry acted on once more: a dead one, when what was wrong has been put right.
#[utoipa::path(
    post, path = "/events/{id}/replay", tag = "events",
    params(("id" = String, Path, description = "Its identity")),
    responses(
        (status = 202, body = Replayed),
        (status = 404, description = "There is no such entry", body = Message),
    )
)]
pub(super) async fn replay(State(app): State<App>, Name(name): Name) -> ApiResult<Response> {
    let id = parse(&name)?;
    let replay = app.store.write(move |tx| Box::pin(async move { tx.replay_event(id).await }));
    if !replay.await? {
        return Err(missing(&name));
    }
    Ok(replayed(&app, 1).await)
}

/// Which entries are to be acted on once more.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReplayQuery {
    /// Must be `dead`: no others are replayed together.
    #[param(required)]
    state: Option<String>,
    /// Only those of this kind.
    kind: Option<String>,
}

/// Has all dead entries acted on once more.
#[utoipa::path(
    post, path = "/events/replay", tag = "events", params(ReplayQuery),
    responses(
        (status = 202, body = Replayed),
        (status = 400, description = "`state` is not `dead`", body = Message),
    )
)]
pub(super) async fn replay_all(
    State(app): State<App>,
    Query(query): Query<ReplayQuery>,
) -> ApiResult<Response> {
    if query.state.as_deref() != Some("dead") {
        return Err(ApiError::bad("only dead events are replayed together: say `state=dead`"));
    }
    let kind = query.kind.filter(|kind| !kind.is_empty());
    let replay = app
        .store
        .write(move |tx| Box::pin(async move { tx.replay_dead_events(kind.as_deref()).await }));
    let many = replay.await?;
    Ok(replayed(&app, many).await)
}

async fn replayed(app: &App, replayed: u64) -> Response {
    app.store.wake_journal().await;
    (StatusCode::ACCEPTED, Json(Replayed { replayed })).into_response()
}
