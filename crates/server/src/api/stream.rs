//! What is acted on, as it happens: server-sent events of the journal.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt as _};
use http::{HeaderMap, StatusCode};
use portolan_model::{EventId, Timestamp};
use portolan_store::{JournalEntry, JournalFilter, JournalState, Page, StoreError};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use utoipa::ToSchema;

use super::ask::shown;
use super::error::{ApiError, ApiResult, Message};
use crate::App;

/// Who may listen at once.
const LISTENERS: usize = 256;
/// Entries that are read at a time, besides those that were told lately.
const BATCH: usize = 500;
/// Between two looks into the journal at least.
const PACE: Duration = Duration::from_millis(50);
/// How long a wake-up may be lost before the journal is looked at all the same.
const POLL: Duration = Duration::from_secs(5);
/// What keeps a silent connection open on its way.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// For how many milliseconds an entry may be recorded later than one whose identity is higher: two
/// senders get their identities first, and are committed in either order.
const LATE_MILLIS: i64 = 2_000;
/// Entries that are remembered for that at most.
const REMEMBERED: usize = 2_000;

/// An entry of the journal that was acted on, or set aside.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamedEvent {
    /// Its identity: `/events/{id}` has what was said.
    #[schema(value_type = String)]
    id: EventId,
    /// What it is: `ecs-task`, `ecr-image`, …
    kind: String,
    /// Which way it came.
    source: String,
    /// When it happened, by the word of who said it.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    recorded_at: Timestamp,
    /// `applied`, or `dead`.
    state: &'static str,
    /// Why it is dead.
    reason: Option<String>,
}

impl StreamedEvent {
    fn of(entry: JournalEntry) -> Self {
        Self {
            id: entry.id,
            kind: entry.kind,
            source: entry.source,
            occurred_at: entry.occurred_at,
            recorded_at: entry.recorded_at,
            state: entry.state.name(),
            reason: entry.reason,
        }
    }

    fn event(&self) -> Event {
        // Its data always has a JSON form; its kind is one of ours, which have no line breaks.
        let kind = if self.kind.contains(['\n', '\r']) { "other" } else { self.kind.as_str() };
        let event = Event::default().id(self.id.to_string()).event(kind);
        event.json_data(self).unwrap_or_default()
    }
}

/// The room for listeners.
pub(super) fn room() -> Extension<Arc<Semaphore>> {
    Extension(Arc::new(Semaphore::new(LISTENERS)))
}

/// Follows the journal: each entry when it was acted on or set aside, in the order in which they were
/// recorded.
///
/// The name of an event is the entry's kind, its id the entry's. With `Last-Event-ID` it goes on after
/// that one; without, it begins now. It ends when the server does.
#[utoipa::path(
    get, path = "/stream", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last that was received")),
    responses(
        (status = 200, description = "The data of each event is a `StreamedEvent`",
         content_type = "text/event-stream", body = StreamedEvent),
        (status = 400, description = "`Last-Event-ID` is no id", body = Message),
        (status = 503, description = "Too many listen already", body = Message),
    )
)]
pub(super) async fn follow(
    State(app): State<App>,
    Extension(room): Extension<Arc<Semaphore>>,
    headers: HeaderMap,
) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let full = |_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many listen: try later");
    let place = room.try_acquire_owned().map_err(full)?;
    let last = headers.get("last-event-id").map(|value| {
        let text = value.to_str().unwrap_or_default();
        text.parse::<EventId>()
            .map_err(|_| ApiError::bad(format!("the Last-Event-ID `{}` is no id", shown(text))))
    });
    let follow = Follow::start(app.clone(), last.transpose()?, place).await?;
    let hello = stream::once(async { Ok(Event::default().comment("listening")) });
    let told = stream::unfold(follow, |mut follow| async move {
        let entries = follow.next().await?;
        Some((stream::iter(entries), follow))
    });
    let events = told.flatten().map(|entry| Ok(StreamedEvent::of(entry).event()));
    let events = hello.chain(events).take_until(app.stopping.clone().cancelled_owned());
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Who follows the journal.
struct Follow {
    app: App,
    wakes: watch::Receiver<u64>,
    /// Everything up to here was told, or is not wanted.
    floor: Option<EventId>,
    /// What was told after it, with when it was recorded.
    told: BTreeMap<EventId, Timestamp>,
    _place: OwnedSemaphorePermit,
}

impl Follow {
    async fn start(
        app: App,
        last: Option<EventId>,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, StoreError> {
        // Interest first, and a look second, so that nothing in between is missed.
        let wakes = app.store.change_wakes();
        let mut follow = Self { app, wakes, floor: last, told: BTreeMap::new(), _place: place };
        if last.is_none() {
            let newest = Page::first(BATCH as u64);
            let newest = follow.app.store.journal(&JournalFilter::default(), newest).await?.items;
            follow.floor = newest.last().map(|entry| entry.id);
            // What waits to be acted on is told when that was done.
            let done = newest.into_iter().filter(|entry| entry.state != JournalState::Pending);
            follow.told = done.map(|entry| (entry.id, entry.recorded_at)).collect();
        }
        Ok(follow)
    }

    /// What is to be told next, as soon as there is something; none when nothing will be.
    async fn next(&mut self) -> Option<Vec<JournalEntry>> {
        loop {
            self.wakes.borrow_and_update();
            match self.look().await {
                Ok(entries) if !entries.is_empty() => return Some(entries),
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a stream waits for the store"),
            }
            tokio::time::sleep(PACE).await;
            tokio::select! {
                changed = self.wakes.changed() => changed.ok()?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// What has been acted on since the last look.
    async fn look(&mut self) -> Result<Vec<JournalEntry>, StoreError> {
        let limit = u32::try_from(BATCH + self.told.len()).unwrap_or(u32::MAX);
        let entries = self.app.store.journal_after(self.floor, limit).await?;
        let waiting = entries.iter().find(|entry| entry.state == JournalState::Pending);
        let waiting = waiting.map(|entry| entry.id);
        let due = entries.into_iter().take_while(|entry| waiting.is_none_or(|id| entry.id < id));
        let new: Vec<_> = due.filter(|entry| !self.told.contains_key(&entry.id)).collect();
        self.told.extend(new.iter().map(|entry| (entry.id, entry.recorded_at)));
        self.forget(waiting);
        Ok(new)
    }

    /// Forgets what is too old for anything to come before it, but nothing after what waits.
    fn forget(&mut self, waiting: Option<EventId>) {
        let late = self.app.store.now().plus_millis(-LATE_MILLIS);
        while let Some(first) = self.told.first_entry() {
            let blocked = waiting.is_some_and(|id| *first.key() > id);
            if blocked || (*first.get() > late && self.told.len() <= REMEMBERED) {
                return;
            }
            self.floor = self.told.pop_first().map(|(id, _)| id);
        }
    }
}
