//! Telling the journal what became of tasks: what is new, and only that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portolan_store::{Store, StoreError, Task};
use portolan_tracker::{Intake, Message};
use tokio::sync::Mutex;

use super::task::{LOCAL_TASKS, RECORDED_TASKS, SeenTask, Word};
use crate::target::definition::Definition;

/// Messages that are recorded in one change.
const BATCH: usize = 200;
/// Tasks of which it is remembered what was said. Past that all are forgotten, which costs a few
/// reads.
const REMEMBERED: usize = 16_384;

/// Tells the journal what became of tasks of Portolan's own. Cheap to clone; all clones share what was
/// said.
#[derive(Debug, Clone)]
pub struct Teller {
    store: Store,
    intake: Intake,
    /// Held while something is said, so that two that see the same say it once.
    said: Arc<Mutex<HashMap<String, Word>>>,
}

impl Teller {
    /// Tells the journal of `store`.
    pub fn new(store: Store) -> Self {
        Self { intake: Intake::new(store.clone()), store, said: Arc::default() }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Says what of `seen` is new.
    pub(crate) async fn tell(&self, seen: &[SeenTask]) -> Result<(), StoreError> {
        let mut said = self.said.lock().await;
        if said.len() > REMEMBERED {
            said.clear();
        }
        let unknown: HashSet<&String> =
            seen.iter().map(|task| &task.id).filter(|id| !said.contains_key(*id)).collect();
        if !unknown.is_empty() {
            let unknown: Vec<String> = unknown.into_iter().cloned().collect();
            for task in self.store.tasks_with(&unknown).await? {
                said.insert(task.fact.id.clone(), Word::of(&task));
            }
        }
        let now = self.store.now();
        let (mut messages, mut words): (Vec<Message>, Vec<(String, Word)>) = Default::default();
        for task in seen {
            if let Some((message, word)) = task.news(said.get(&task.id), now) {
                messages.push(message);
                words.push((task.id.clone(), word));
            }
        }
        while !messages.is_empty() {
            let rest = messages.split_off(messages.len().min(BATCH));
            self.intake.take(messages).await?;
            messages = rest;
        }
        // Only now was it said.
        said.extend(words);
        Ok(())
    }

    /// Says what of an environment is but recorded, and what is so no longer.
    pub(crate) async fn tell_recorded(&self, environment: &str) -> Result<(), StoreError> {
        // In this order, what is recorded in between is not taken for something that has gone.
        let open = self.open(environment, RECORDED_TASKS).await?;
        let mut seen = Vec::new();
        for service in self.store.recorded_services(None, environment).await? {
            if let Some(definition) = Definition::read(&service.definition) {
                let count = definition.run.count;
                seen.extend(SeenTask::recorded(&service, &definition.image, count));
            }
        }
        let there: HashSet<&str> = seen.iter().map(|task| task.id.as_str()).collect();
        let gone: Vec<&Task> =
            open.iter().filter(|task| !there.contains(task.fact.id.as_str())).collect();
        let now = self.store.now();
        let gone: Vec<SeenTask> = gone.into_iter().map(|task| SeenTask::gone(task, now)).collect();
        seen.extend(gone);
        self.tell(&seen).await
    }

    /// Whether, as far as it is known, any task of an environment runs in a container of a machine.
    pub async fn runs_here(&self, environment: &str) -> Result<bool, StoreError> {
        Ok(!self.open(environment, LOCAL_TASKS).await?.is_empty())
    }

    /// The tasks of an environment whose end is not known and whose names begin so.
    pub(super) async fn open(
        &self,
        environment: &str,
        prefix: &str,
    ) -> Result<Vec<Task>, StoreError> {
        let mut open = self.store.tasks_open(environment).await?;
        open.retain(|task| task.fact.id.starts_with(prefix));
        Ok(open)
    }
}
