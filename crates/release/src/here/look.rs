//! One look at everything that Portolan runs on this machine.

use std::collections::{BTreeSet, HashSet};

use portolan_engine::{Access, Container, Engine, EngineError, Filter};
use portolan_store::StoreError;

use super::keep::Keep;
use super::task::{SeenTask, of_machine};
use super::teller::Teller;

/// Why it could not be looked.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The engine failed.
    #[error("could not look at the containers of this machine")]
    Engine(#[from] EngineError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looked {
    /// Containers of services.
    pub containers: usize,
    /// Services of which a task was started again.
    pub started: usize,
    /// Services of which fewer tasks run than shall.
    pub short: usize,
}

/// Looks at what Portolan runs on this machine, tells what changed by itself, and brings back what
/// ended.
#[derive(Debug)]
pub struct Here {
    teller: Teller,
    keep: Keep,
}

impl Here {
    /// Tells through `teller`.
    pub fn new(teller: Teller) -> Self {
        Self { keep: Keep::new(teller.clone()), teller }
    }

    /// Looks once: at the containers of `engine`, where there is one, and at what is recorded of
    /// `environments`. `access` tells how the images of a project are pulled in an environment; none
    /// where its services are not to be looked after here.
    pub async fn look(
        &mut self,
        engine: Option<&Engine>,
        environments: &BTreeSet<String>,
        access: &(dyn Fn(&str, &str) -> Option<Access> + Send + Sync),
    ) -> Result<Looked, LookError> {
        for environment in environments {
            self.teller.tell_recorded(environment).await?;
        }
        let Some(engine) = engine else { return Ok(Looked::default()) };
        // Before the engine is asked: what starts meanwhile is not missed.
        let mut open = Vec::new();
        for environment in environments {
            open.extend(self.teller.open(environment, &of_machine(engine.host())).await?);
        }
        let containers = engine.observe(&Filter::default()).await?;
        let seen = |container: &Container| SeenTask::of(container, engine.host());
        let mut seen: Vec<SeenTask> = containers.iter().filter_map(seen).collect();
        let count = seen.len();
        let there: HashSet<&str> = seen.iter().map(|task| task.id.as_str()).collect();
        open.retain(|task| !there.contains(task.fact.id.as_str()));
        let now = self.teller.store().now();
        seen.extend(open.iter().map(|task| SeenTask::gone(task, now)));
        self.teller.tell(&seen).await?;
        let kept = self.keep.all(engine, &containers, access).await?;
        Ok(Looked { containers: count, started: kept.started, short: kept.short })
    }
}
