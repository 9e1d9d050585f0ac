//! Tells open pages when to look again.
//!
//! A page that shows what moves listens to `/ui/changes`. When the store's content changed it asks
//! for itself once more and puts what differs in place of what it shows. So a page has one way to
//! be drawn, whether it is opened or refreshed, and without a script it is the same page, still.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::ask::Asked;
use super::error::PageError;
use crate::App;

/// Pages that may listen at once. Those past it can be read, and do not move.
const LISTENERS: usize = 512;
/// How long a change waits for others that come with it, and how much time is between two calls to
/// look again at least.
type Pace = (Duration, Duration);
/// How long after the last call there is one more, for what changes with time alone.
const SETTLED: Duration = Duration::from_millis(2_500);
/// For pages that are drawn whole each time.
const CALM: Pace = (Duration::from_millis(100), Duration::from_secs(1));
/// For pages that ask for what has changed alone.
const SOON: Pace = (Duration::from_millis(10), Duration::from_millis(50));
/// How long one answer lasts; the browser then asks anew. A lost reader is never held for longer.
const LIFE: Duration = Duration::from_mins(5);
/// After how long a browser that lost its connection asks anew.
const RETRY: Duration = Duration::from_secs(2);
/// What keeps a silent connection open on its way.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The room for listeners.
pub(super) fn room() -> Extension<Arc<Semaphore>> {
    Extension(Arc::new(Semaphore::new(LISTENERS)))
}

/// How soon a page wants to be told.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    soon: Option<String>,
}

/// `GET /ui/changes`: one `changed` event for whatever changed since the last.
pub(super) async fn changes(
    State(app): State<App>,
    Extension(room): Extension<Arc<Semaphore>>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    let place = room.try_acquire_owned().map_err(|_| PageError::Full)?;
    let soon = wanted.soon.is_some();
    let (burst, rest) = if soon { SOON } else { CALM };
    let wakes = (app.store.change_wakes(), app.store.job_wakes(), Instant::now(), false);
    let calls = stream::unfold(wakes, move |(mut changes, mut jobs, next, settles)| async move {
        let mut settled = false;
        let gone = tokio::select! {
            changed = changes.changed() => changed.is_err(),
            changed = jobs.changed() => changed.is_err(),
            () = tokio::time::sleep(SETTLED), if settles => { settled = true; false }
        };
        if gone {
            return None;
        }
        // What happens meanwhile is told together, by this call.
        tokio::time::sleep_until(next.max(Instant::now() + burst)).await;
        changes.mark_unchanged();
        jobs.mark_unchanged();
        Some((
            Ok(Event::default().event("changed").data("look again")),
            (changes, jobs, Instant::now() + rest, soon && !settled),
        ))
    });
    let hello = stream::once(async { Ok(Event::default().retry(RETRY).comment("listening")) });
    let stopping = app.stopping.clone();
    let end = async move {
        tokio::select! {
            () = stopping.cancelled_owned() => {}
            () = tokio::time::sleep(LIFE) => {}
        }
    };
    let calls = hello.chain(calls).take_until(Box::pin(end)).map(move |call| {
        let _held = &place;
        call
    });
    Ok(Sse::new(calls).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
