//! What was just found, for a rollout that is run at once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portolan_model::RolloutId;

use super::world::Planned;
use crate::target::Found;

/// For how long it is not looked for once more.
const FRESH: Duration = Duration::from_secs(10);

/// What was just found, by rollout.
#[derive(Debug, Default)]
pub(super) struct Fresh(Mutex<HashMap<RolloutId, (Instant, Planned)>>);

impl Fresh {
    pub(super) fn put(&self, id: RolloutId, planned: Planned) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.elapsed() < FRESH);
        all.insert(id, (Instant::now(), planned));
    }

    /// What was found, once; none where it is old, or the environment was taken by others since.
    pub(super) fn take(&self, id: RolloutId, fence: i64) -> Option<BTreeMap<String, Found>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, planned) = all.remove(&id)?;
        (at.elapsed() < FRESH && planned.fence + 1 == fence).then_some(planned.services)
    }
}
