//! Task definitions that were read or registered. One never changes, so that none is read twice.
//!
//! They are kept in memory alone: the plain variables of their containers may be secrets, which do
//! not belong into a database.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use portolan_aws::ecs::TaskDefinition;

/// Task definitions that are kept at most; the oldest go first.
const KEPT: usize = 2_000;

/// Task definitions by ARN. Cheap to clone; all clones have the same.
#[derive(Clone, Default)]
pub struct Definitions(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    by_arn: HashMap<String, TaskDefinition>,
    order: VecDeque<String>,
}

// What they say is for nobody's log.
impl fmt::Debug for Definitions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Definitions").finish_non_exhaustive()
    }
}

impl Definitions {
    pub(super) fn get(&self, arn: &str) -> Option<TaskDefinition> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).by_arn.get(arn).cloned()
    }

    pub(super) fn keep(&self, arn: &str, definition: &TaskDefinition) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.by_arn.insert(arn.to_owned(), definition.clone()).is_none() {
            kept.order.push_back(arn.to_owned());
        }
        while kept.order.len() > KEPT {
            let oldest = kept.order.pop_front();
            oldest.and_then(|arn| kept.by_arn.remove(&arn));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let definitions = Definitions::default();
        for number in 0..=KEPT {
            definitions.keep(&number.to_string(), &TaskDefinition::default());
        }
        assert!(definitions.get("0").is_none());
        assert!(definitions.get("1").is_some() && definitions.get(&KEPT.to_string()).is_some());
        definitions.keep("1", &TaskDefinition::default());
        assert!(definitions.clone().get("2").is_some());
    }
}
