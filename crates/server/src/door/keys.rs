//! The tokens that open the door, in memory: no request waits for the store but one in a second.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use portolan_model::{Digest, Timestamp};
use portolan_store::{Store, StoreError, Token};

/// For how long what was read counts. A token that another process makes or revokes is known after
/// that.
const FRESH: Duration = Duration::from_secs(1);
/// Between two times that the use of a token is written down, in milliseconds.
const NOTED_EVERY: i64 = 60_000;

/// A token, and when its use was last written down.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) token: Token,
    noted: AtomicI64,
}

/// The tokens that are not revoked, by their digests.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<Digest, Key>);

impl Keys {
    /// The token with this text, also one that has expired.
    pub(super) fn find(&self, text: &str) -> Option<&Key> {
        // It is looked up by its digest, so that the time this takes tells nothing about other tokens.
        self.0.get(&Digest::of(text.as_bytes()))
    }

    /// How many there are, also of those that have expired.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one lets somebody in at `now`.
    pub(super) fn has_live(&self, now: Timestamp) -> bool {
        self.0.values().any(|key| key.token.is_live(now))
    }
}

impl Key {
    /// Writes down that the token was used at `now`, at most once in a minute, and beside the request.
    pub(super) fn was_used(&self, store: &Store, now: Timestamp) {
        let noted = self.noted.load(Ordering::Relaxed);
        let due = now.millis().saturating_sub(noted) >= NOTED_EVERY;
        let order = Ordering::Relaxed;
        if !due || self.noted.compare_exchange(noted, now.millis(), order, order).is_err() {
            return;
        }
        let (store, id) = (store.clone(), self.token.id);
        tokio::spawn(async move {
            let note =
                store.write(move |tx| Box::pin(async move { tx.token_was_used(id, now).await }));
            if let Err(error) = note.await {
                tracing::warn!(%error, token = %id, "could not write down that a token was used");
            }
        });
    }
}

/// What was read, and when.
type Read = (Instant, Arc<Keys>);

/// The tokens of a store, as they were a second ago at most.
#[derive(Debug, Default)]
pub(super) struct Ring {
    read: RwLock<Option<Read>>,
    /// Held by whoever reads the store, so that one does.
    reading: tokio::sync::Mutex<()>,
}

impl Ring {
    /// The tokens.
    pub(super) async fn keys(&self, store: &Store) -> Result<Arc<Keys>, StoreError> {
        if let Some(keys) = self.fresh() {
            return Ok(keys);
        }
        let _reading = self.reading.lock().await;
        match self.fresh() {
            Some(keys) => Ok(keys),
            None => self.load(store).await,
        }
    }

    /// Reads the tokens again: this process has changed them.
    pub(super) async fn renew(&self, store: &Store) -> Result<(), StoreError> {
        let _reading = self.reading.lock().await;
        self.load(store).await.map(|_| ())
    }

    fn fresh(&self) -> Option<Arc<Keys>> {
        let read = self.read.read().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = read.as_ref()?;
        (at.elapsed() < FRESH).then(|| Arc::clone(keys))
    }

    async fn load(&self, store: &Store) -> Result<Arc<Keys>, StoreError> {
        let at = Instant::now();
        let kept = store.kept_tokens().await?;
        let before = self.read.read().unwrap_or_else(PoisonError::into_inner).clone();
        let keys = kept.into_iter().map(|kept| {
            let written = kept.token.last_used_at.map_or(i64::MIN, Timestamp::millis);
            let known = before.as_ref().and_then(|(_, keys)| keys.0.get(&kept.digest));
            let noted = known.map_or(i64::MIN, |key| key.noted.load(Ordering::Relaxed));
            let noted = AtomicI64::new(written.max(noted));
            (kept.digest, Key { token: kept.token, noted })
        });
        let keys = Arc::new(Keys(keys.collect()));
        *self.read.write().unwrap_or_else(PoisonError::into_inner) = Some((at, Arc::clone(&keys)));
        Ok(keys)
    }
}
