//! What was read a moment ago.
//!
//! An entry lives for [`LIFE`] at most, so that what another process on the same store does is seen
//! within that time, and is dropped at once by what this process does. A value that was read before
//! a change and arrives after it is not kept.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer may be given again without asking the store.
pub(crate) const LIFE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    state: Mutex<State<K, V>>,
    capacity: usize,
}

#[derive(Debug)]
struct State<K, V> {
    entries: HashMap<K, Entry<V>>,
    weight: usize,
    changes: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    weight: usize,
    until: Instant,
}

/// The state of the world when a read began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache that holds values of `capacity` weight together.
    pub(crate) fn new(capacity: usize) -> Self {
        let state = State { entries: HashMap::new(), weight: 0, changes: 0 };
        Self { state: Mutex::new(state), capacity }
    }

    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        // Nothing in here panics half-way, and a cache may be believed or not.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was kept for `key`, or a ticket to keep what is read now.
    pub(crate) fn get(&self, key: &K) -> Result<V, Ticket> {
        let state = self.state();
        match state.entries.get(key) {
            Some(entry) if entry.until > Instant::now() => Ok(entry.value.clone()),
            _ => Err(Ticket(state.changes)),
        }
    }

    /// Keeps a value that was read after `ticket` was given.
    pub(crate) fn keep(&self, ticket: Ticket, key: K, value: V, weight: usize) {
        let mut state = self.state();
        if state.changes != ticket.0 || weight > self.capacity {
            return;
        }
        let now = Instant::now();
        if state.weight + weight > self.capacity {
            state.entries.retain(|_, entry| entry.until > now);
            state.weight = state.entries.values().map(|entry| entry.weight).sum();
        }
        if state.weight + weight > self.capacity {
            // Everything would have gone within a second anyway.
            state.entries.clear();
            state.weight = 0;
        }
        state.weight += weight;
        if let Some(old) = state.entries.insert(key, Entry { value, weight, until: now + LIFE }) {
            state.weight -= old.weight;
        }
    }

    /// Drops what `is_stale` tells, and whatever is being read at the moment.
    pub(crate) fn forget(&self, mut is_stale: impl FnMut(&K) -> bool) {
        let mut state = self.state();
        state.changes = state.changes.wrapping_add(1);
        state.entries.retain(|key, _| !is_stale(key));
        state.weight = state.entries.values().map(|entry| entry.weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let cache = Cache::new(100);
        let early = cache.get(&"a").unwrap_err();
        cache.forget(|_| false);
        cache.keep(early, "a", 1, 1);
        let late = cache.get(&"a").unwrap_err();
        cache.keep(late, "a", 2, 1);
        assert_eq!(cache.get(&"a").ok(), Some(2));
        cache.forget(|key| *key == "a");
        assert!(cache.get(&"a").is_err());
    }

    #[test]
    fn the_weight_is_bounded() {
        let cache = Cache::new(10);
        let ticket = cache.get(&0).unwrap_err();
        cache.keep(ticket, 0, (), 11);
        for key in 0..1000 {
            cache.keep(ticket, key % 7, (), 3);
            let state = cache.state();
            let held: usize = state.entries.values().map(|entry| entry.weight).sum();
            assert!(held <= 10 && held == state.weight, "{held} {}", state.weight);
        }
    }
}
