//! Answers that are kept until something changes.
//!
//! What is asked often, and is dear to put together, is rendered once for each query and kept with
//! its entity tag. An answer is served for as long as the store has told of no change since before
//! it was made; of requests that come meanwhile one makes the next, and the others wait for it. What
//! depends on time alone (whether a deployment is unstable, how old something is) is looked at again
//! four times a minute, behind an answer that is served meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, RequestPartsExt as _};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use portolan_model::{Digest, Timestamp};
use serde::Serialize;
use tokio::sync::watch;

use super::answer::{etag, is_held};
use super::error::{ApiError, ApiResult};
use crate::App;

/// Answers that are kept at once at most.
const MOST: usize = 1024;
/// Bytes of all that is kept at most.
const MOST_BYTES: usize = 64 << 20;
/// After how many milliseconds an answer is made anew behind the one that is served.
const FRESH_MILLIS: i64 = 15_000;
/// After how many milliseconds it is served no longer.
const OLD_MILLIS: i64 = 60_000;

/// What was rendered for a query.
#[derive(Debug, Clone)]
struct Rendered {
    /// The count of changes from before it was made.
    generation: u64,
    made_at: Timestamp,
    bytes: Bytes,
    tag: HeaderValue,
}

impl Rendered {
    fn age(&self, now: Timestamp) -> i64 {
        // A clock that was set back makes nothing young.
        now.millis_since(self.made_at).abs()
    }

    fn answer(self, asked: &HeaderMap) -> Response {
        if is_held(asked, &self.tag) {
            return (StatusCode::NOT_MODIFIED, [(ETAG, self.tag)]).into_response();
        }
        let json = HeaderValue::from_static("application/json");
        ([(ETAG, self.tag), (CONTENT_TYPE, json)], self.bytes).into_response()
    }
}

/// The place of one query's answer.
#[derive(Debug, Default)]
struct Slot {
    rendered: Mutex<Option<Rendered>>,
    /// Held by whoever makes the next.
    making: Arc<tokio::sync::Mutex<()>>,
}

impl Slot {
    fn get(&self) -> Option<Rendered> {
        self.rendered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, rendered: Rendered) {
        *self.rendered.lock().unwrap_or_else(PoisonError::into_inner) = Some(rendered);
    }

    fn bytes(&self) -> usize {
        self.get().map_or(0, |rendered| rendered.bytes.len())
    }
}

#[derive(Debug, Default)]
struct Kept {
    changes: OnceLock<watch::Receiver<u64>>,
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The answers that are kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Cached(Arc<Kept>);

impl<S: Send + Sync> FromRequestParts<S> for Cached {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> ApiResult<Self> {
        // Where a router keeps nothing, each answer is made for itself.
        let kept = parts.extract::<Extension<Self>>().await;
        Ok(kept.map_or_else(|_| Self::default(), |Extension(kept)| kept))
    }
}

impl Cached {
    /// The answer to the query `key`: what `make` makes of `app` for a moment, as JSON. The same key
    /// must stand for the same `make`. Without a key (the past, which is asked for in so many ways
    /// that it would drive out what is asked for all the time) nothing is kept.
    pub(super) async fn answer<T, F, M>(
        &self,
        app: &App,
        key: Option<String>,
        asked: &HeaderMap,
        make: M,
    ) -> ApiResult<Response>
    where
        T: Serialize + Send + 'static,
        F: Future<Output = ApiResult<T>> + Send,
        M: FnOnce(App, Timestamp) -> F + Send + 'static,
    {
        let changes = self.0.changes.get_or_init(|| app.store.change_wakes());
        let (now, generation) = (app.store.now(), *changes.borrow());
        let Some(slot) = key.map(|key| self.slot(key)) else {
            return Ok(self.make(app, &Slot::default(), make).await?.answer(asked));
        };
        let current = |slot: &Slot| {
            let rendered = slot.get().filter(|it| it.generation >= generation);
            rendered.filter(|it| it.age(now) < OLD_MILLIS)
        };
        if let Some(rendered) = current(&slot) {
            if rendered.age(now) >= FRESH_MILLIS
                && let Ok(turn) = slot.making.clone().try_lock_owned()
            {
                let (kept, app, slot) = (self.clone(), app.clone(), slot.clone());
                tokio::spawn(async move {
                    // A failure has been logged, and the next request tries again.
                    let _ = kept.make(&app, &slot, make).await;
                    drop(turn);
                });
            }
            return Ok(rendered.answer(asked));
        }
        let _turn = slot.making.lock().await;
        if let Some(rendered) = current(&slot) {
            return Ok(rendered.answer(asked));
        }
        Ok(self.make(app, &slot, make).await?.answer(asked))
    }

    async fn make<T, F, M>(&self, app: &App, slot: &Slot, make: M) -> ApiResult<Rendered>
    where
        T: Serialize,
        F: Future<Output = ApiResult<T>>,
        M: FnOnce(App, Timestamp) -> F,
    {
        let changes = self.0.changes.get_or_init(|| app.store.change_wakes());
        // The count first, and then the store: what changes in between makes this old, not wrong.
        let (generation, made_at) = (*changes.borrow(), app.store.now());
        let value = make(app.clone(), made_at).await?;
        let bytes = serde_json::to_vec(&value).map_err(|error| ApiError::internal(&error))?;
        let tag = etag(&Digest::of(&bytes));
        let rendered = Rendered { generation, made_at, bytes: bytes.into(), tag };
        if rendered.bytes.len() <= MOST_BYTES / 4 {
            slot.put(rendered.clone());
            self.tidy();
        }
        Ok(rendered)
    }

    fn slot(&self, key: String) -> Arc<Slot> {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(&key) {
            return slot.clone();
        }
        if slots.len() >= MOST {
            // Those that somebody waits for stay; the others can be made again.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        let slot = Arc::new(Slot::default());
        if slots.len() < MOST {
            slots.insert(key, slot.clone());
        }
        slot
    }

    /// Forgets all answers where they have become too many bytes.
    fn tidy(&self) {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.values().map(|slot| slot.bytes()).sum::<usize>() > MOST_BYTES {
            slots.clear();
        }
    }
}

#[cfg(test)]
mod tests;
