//! What makes AWS hard to live with, on demand: latency, refusals. And what was asked of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::FakeEcs;
use super::state::{Refusal, State};

/// What troubles are on demand, and what was asked.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Calls that are still to be refused for being too many.
    throttled: usize,
    /// Every which call is refused so.
    every: Option<usize>,
    /// What is refused, with what, and how often yet.
    refused: Vec<(String, Refusal, usize)>,
    latency: Duration,
    calls: Vec<String>,
    counts: BTreeMap<String, usize>,
}

/// How many calls are under way.
#[derive(Debug, Default)]
pub(super) struct AtOnce {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// One call that is under way.
pub(super) struct One<'a>(&'a AtOnce);

impl AtOnce {
    pub(super) fn enter(&self) -> One<'_> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        One(self)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

impl State {
    pub(super) fn latency(&self) -> Duration {
        self.troubles.latency
    }

    /// Notes that `action` was asked for; a refusal where one is due.
    pub(super) fn note(&mut self, action: &str) -> Result<(), Refusal> {
        let troubles = &mut self.troubles;
        troubles.calls.push(action.to_owned());
        *troubles.counts.entry(action.to_owned()).or_default() += 1;
        let too_many = || Err(("ThrottlingException".to_owned(), "Rate exceeded".to_owned()));
        if troubles.throttled > 0 {
            troubles.throttled -= 1;
            return too_many();
        }
        if troubles.every.is_some_and(|every| troubles.calls.len().is_multiple_of(every)) {
            return too_many();
        }
        let due = |(of, _, left): &&mut (String, Refusal, usize)| of == action && *left > 0;
        if let Some((_, refusal, left)) = troubles.refused.iter_mut().find(due) {
            *left -= 1;
            return Err(refusal.clone());
        }
        Ok(())
    }
}

impl FakeEcs {
    /// Refuses the next `calls` for being too many.
    pub fn throttle(&self, calls: usize) {
        self.lock().troubles.throttled = calls;
    }

    /// Refuses every `nth` call for being too many; none for 0.
    pub fn throttle_every(&self, nth: usize) {
        self.lock().troubles.every = (nth > 0).then_some(nth);
    }

    /// Refuses `action` the next `times` times with the error `kind`, as in
    /// `AccessDeniedException` or `ExpiredTokenException`.
    pub fn refuse(&self, action: &str, kind: &str, message: &str, times: usize) {
        let refusal = (kind.to_owned(), message.to_owned());
        self.lock().troubles.refused.push((action.to_owned(), refusal, times));
    }

    /// Refuses nothing any more.
    pub fn forgive(&self) {
        let mut state = self.lock();
        state.troubles.refused.clear();
        (state.troubles.throttled, state.troubles.every) = (0, None);
    }

    /// Answers each call this much later.
    pub fn latency(&self, latency: Duration) {
        self.lock().troubles.latency = latency;
    }

    /// The actions that were asked for since this was asked last, in order.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().troubles.calls)
    }

    /// How often each action was asked for since this was asked last.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.lock().troubles.counts)
    }

    /// The most calls that were under way at a time since this was asked last.
    pub fn most_at_once(&self) -> usize {
        self.at_once.most.swap(0, Ordering::SeqCst)
    }
}
