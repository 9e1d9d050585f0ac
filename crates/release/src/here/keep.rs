//! Keeping services running: what ended by itself is started again, after a while that grows.
//!
//! Only what once was well, and only while no rollout is at its environment.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use portolan_engine::{Access, Container, Engine, Place, State};
use portolan_model::Timestamp;
use portolan_store::{Page, RolloutFilter, RolloutState, StoreError};
use tokio::time::Instant;

use super::LookError;
use super::task::ONCE;
use super::teller::Teller;
use crate::target::definition::Definition;
use crate::target::local::ensure;

/// The wait before something is started again, doubled each time.
const FIRST: Duration = Duration::from_secs(1);
/// And at most.
const LAST: Duration = Duration::from_mins(5);
/// What ran for so long was well, and is waited for no longer than the first time.
const WELL: i64 = 10 * 60 * 1000;

/// What was made so long ago, in milliseconds, and not started, never will be.
const LEFT: i64 = 60 * 1000;

/// How often a service was started again, and when it may be next.
#[derive(Debug, Clone, Copy)]
struct Again {
    times: u32,
    next: Instant,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Kept {
    pub(super) started: usize,
    pub(super) short: usize,
}

/// Keeps services running.
#[derive(Debug)]
pub(super) struct Keep {
    teller: Teller,
    /// By deployment. Those that are well are in it no more.
    again: HashMap<String, Again>,
}

/// The containers of a service in an environment of a project.
type Services<'a> = BTreeMap<(&'a str, &'a str, &'a str), Vec<&'a Container>>;

impl Keep {
    pub(super) fn new(teller: Teller) -> Self {
        Self { teller, again: HashMap::new() }
    }

    /// Looks after all services that `containers` are of.
    pub(super) async fn all(
        &mut self,
        engine: &Engine,
        containers: &[Container],
        access: &(dyn Fn(&str, &str) -> Option<Access> + Send + Sync),
    ) -> Result<Kept, LookError> {
        let mut services: Services<'_> = BTreeMap::new();
        for container in containers.iter().filter(|it| !it.place.deployment.starts_with(ONCE)) {
            let Place { project, environment, service, .. } = &container.place;
            services.entry((project, environment, service)).or_default().push(container);
        }
        let there = |deployment: &String| {
            containers.iter().any(|container| container.place.deployment == *deployment)
        };
        self.again.retain(|deployment, _| there(deployment));
        let mut kept = Kept::default();
        for ((project, environment, _), own) in services {
            let Some(access) = access(project, environment) else { continue };
            let newest = own.iter().map(|it| &it.place.deployment).max().cloned();
            let newest: Vec<&Container> = own
                .into_iter()
                .filter(|it| Some(&it.place.deployment) == newest.as_ref())
                .collect();
            match self.one(engine, &newest, &access).await {
                Ok(is) => {
                    kept.started += usize::from(is == Is::Started);
                    kept.short += usize::from(is != Is::Settled);
                }
                Err(LookError::Store(error)) => return Err(error.into()),
                // One that cannot be started does not keep the others from being looked after.
                Err(error) => {
                    kept.short += 1;
                    tracing::warn!(
                        project,
                        environment,
                        error = error.to_string(),
                        cause = std::error::Error::source(&error).map(ToString::to_string),
                        "a task could not be started again"
                    );
                }
            }
        }
        Ok(kept)
    }

    /// Looks after the newest deployment of a service, whose containers these are.
    async fn one(
        &mut self,
        engine: &Engine,
        containers: &[&Container],
        access: &Access,
    ) -> Result<Is, LookError> {
        let Some((first, definition)) =
            containers.iter().find_map(|it| Some((*it, Definition::of(it)?)))
        else {
            return Ok(Is::Settled);
        };
        let present = self.teller.store().now();
        let (over, alive): (Vec<&Container>, Vec<&Container>) =
            containers.iter().partition(|it| is_over(it, present));
        let deployment = &first.place.deployment;
        if u32::try_from(alive.len()).is_ok_and(|alive| alive >= definition.run.count) {
            let is_well =
                |it: &&Container| it.started_at.is_some_and(|at| present.millis_since(at) >= WELL);
            if alive.iter().all(is_well) {
                self.again.remove(deployment);
            }
            return Ok(Is::Settled);
        }
        let (now, times) = (Instant::now(), self.again.get(deployment).map_or(0, |it| it.times));
        let next =
            self.again.entry(deployment.clone()).or_insert(Again { times, next: now + FIRST });
        if now < next.next {
            return Ok(Is::Short);
        }
        let Some(fence) = self.may_change(&first.place).await? else { return Ok(Is::Settled) };
        let pause = FIRST.saturating_mul(2_u32.saturating_pow(times.saturating_add(1))).min(LAST);
        self.again.insert(deployment.clone(), Again { times: times + 1, next: now + pause });
        tracing::info!(
            service = first.place.service,
            environment = first.place.environment,
            times = times + 1,
            "a task ended by itself and is started again"
        );
        // Their ends are told. Their names are for those that come after them.
        for container in over {
            engine.remove(&container.id).await?;
        }
        let started = ensure(engine, access, &first.place, &definition).await?;
        // A rollout that began meanwhile did not know of them.
        if self.may_change(&first.place).await? != Some(fence) {
            for id in &started {
                engine.remove(id).await?;
            }
            return Ok(Is::Short);
        }
        Ok(if started.is_empty() { Is::Short } else { Is::Started })
    }

    /// The number of the last taking of an environment, where nobody changes it now and the deployment
    /// was complete once.
    async fn may_change(&self, place: &Place) -> Result<Option<i64>, StoreError> {
        let store = self.teller.store();
        let lease = store.environment_lease(&place.project, &place.environment).await?;
        if lease.as_ref().is_some_and(|held| held.until >= store.now()) {
            return Ok(None);
        }
        for state in [RolloutState::Running, RolloutState::Undoing] {
            let filter = RolloutFilter {
                project: Some(place.project.clone()),
                environment: Some(place.environment.clone()),
                state: Some(state),
                release: None,
            };
            // Left by somebody who died, and brought to its end by whoever comes next.
            if store.rollouts(&filter, Page::first(1)).await?.total > 0 {
                return Ok(None);
            }
        }
        let key = std::slice::from_ref(&place.deployment);
        let known = store.deployments_with(&place.environment, key).await?;
        let is_complete = known.iter().any(|it| it.fact.completed_at.is_some());
        Ok(is_complete.then(|| lease.map_or(0, |held| held.fence)))
    }
}

/// How a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// All of its tasks are there, or it is not for us to start them.
    Settled,
    /// Some are not, and will be started later.
    Short,
    /// Some were not, and were started.
    Started,
}

/// Whether a container has ended, was running before the machine was started anew, or was made and
/// then left by somebody who died.
fn is_over(container: &Container, now: Timestamp) -> bool {
    let is_left = |at| now.millis_since(at) >= LEFT;
    match container.state {
        State::Exited => true,
        State::Created => {
            container.started_at.is_some() || container.created_at.is_some_and(is_left)
        }
        State::Running | State::Stopping | State::Other => false,
    }
}
