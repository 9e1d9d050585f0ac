//! Containers on this machine.
//!
//! A deployment starts all new containers beside the old ones, and takes the old ones away when the
//! new ones are well; until then what ran still runs. Nothing is remembered but in the containers'
//! labels. Identities of deployments sort by the time at which they were made. What becomes of tasks is
//! told to the journal as it is seen.

mod deployment;
mod once;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::FutureExt as _;
use portolan_engine::{Access, Container, Engine, EngineError, Filter, State};
use portolan_model::Digest;
use portolan_store::StoreError;

use super::definition::Definition;
use super::{
    Asked, Controller, Define, Ended, Explanation, Found, Look, Once, Seen, SeenContainer, Start,
    Started, Target, TargetError,
};
use crate::here::{SeenTask, Teller};
use crate::project::{Project, Spot};

pub(crate) use deployment::ensure;

/// The services of one environment of one project, on this machine.
pub struct LocalTarget {
    engine: Engine,
    access: Access,
    project: Project,
    environment: String,
    teller: Teller,
}

impl fmt::Debug for LocalTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTarget")
            .field("project", &self.project.id)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

/// An error of the store, in the words of whoever runs services.
fn untold(error: StoreError) -> TargetError {
    TargetError::new("tell what became of tasks", error.is_transient(), error)
}

/// An error of the engine, in the words of whoever runs services.
fn failed(doing: impl Into<String>) -> impl FnOnce(EngineError) -> TargetError {
    let doing = doing.into();
    move |error| {
        let transient = matches!(error, EngineError::TimedOut { .. } | EngineError::Io { .. });
        TargetError::new(doing, transient, error)
    }
}

impl LocalTarget {
    /// The services of `project` in `environment`, in containers of `engine`, whose images are
    /// pulled by `access`. What becomes of them is told by `teller`.
    pub fn new(
        engine: Engine,
        access: Access,
        project: Project,
        environment: &str,
        teller: Teller,
    ) -> Self {
        let environment = environment.to_owned();
        Self { engine, access, project, environment, teller }
    }

    /// Tells what became of these containers.
    async fn tell(&self, containers: &[&Container]) -> Result<(), TargetError> {
        let host = self.engine.host();
        let seen: Vec<SeenTask> =
            containers.iter().filter_map(|container| SeenTask::of(container, host)).collect();
        self.teller.tell(&seen).await.map_err(untold)
    }

    fn filter(&self) -> Filter {
        Filter {
            environment: Some(self.environment.clone()),
            project: Some(self.project.id.clone()),
            ..Filter::default()
        }
    }

    async fn found(
        &self,
        services: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Found>, TargetError> {
        let containers = self.engine.list(&self.filter()).await;
        let containers = containers.map_err(failed("list the containers of this machine"))?;
        let found = services.iter().map(|service| {
            let own: Vec<&Container> =
                containers.iter().filter(|it| it.place.service == *service).collect();
            (service.clone(), self.seen(service, &own))
        });
        Ok(found.collect())
    }

    fn seen(&self, service: &str, containers: &[&Container]) -> Found {
        let images = self.project.images_of(service);
        let Some(image) = images.first() else { return Found::None };
        let Some(spot) = self.project.spot(image, &self.environment) else { return Found::None };
        let current = newest(containers);
        let definition = current.and_then(Definition::of);
        let runs = containers.iter().filter(|it| it.state == State::Running);
        let runs: BTreeSet<Digest> = runs.filter_map(|it| it.digest()).collect();
        let image = definition.as_ref().map_or_else(|| named(&spot), |it| it.image.clone());
        let count = self.described(service).map_or(0, |it| it.run.count);
        Found::One(Box::new(Seen {
            id: service.to_owned(),
            controller: Controller::Own,
            desired: u64::from(definition.as_ref().map_or(count, |it| it.run.count)),
            definition: definition.map(|it| it.text()),
            deployment: current.map(|it| it.place.deployment.clone()),
            containers: vec![SeenContainer { name: service.to_owned(), image, runs }],
        }))
    }

    /// The tasks of a service as the project describes them, without an image.
    fn described(&self, service: &str) -> Option<Definition> {
        Definition::described(&self.project, &self.environment, service, String::new())
    }
}

/// The name of a repository before any image of it was deployed.
pub(super) fn named(spot: &Spot) -> String {
    spot.to_string()
}

/// A container of the newest deployment.
fn newest<'a>(containers: &[&'a Container]) -> Option<&'a Container> {
    containers.iter().max_by(|a, b| a.place.deployment.cmp(&b.place.deployment)).copied()
}

impl Target for LocalTarget {
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>> {
        self.found(services).boxed()
    }

    fn define<'a>(&'a self, define: &'a Define) -> Asked<'a, String> {
        let defined = Definition::wanted(&self.project, &self.environment, define);
        std::future::ready(defined.map(|definition| definition.text())).boxed()
    }

    fn start<'a>(&'a self, start: &'a Start) -> Asked<'a, Started> {
        self.started(start).boxed()
    }

    fn look<'a>(&'a self, started: &'a [Started]) -> Asked<'a, Vec<Look>> {
        self.looked(started).boxed()
    }

    fn explain<'a>(&'a self, started: &'a Started) -> Asked<'a, Explanation> {
        self.explained(started).boxed()
    }

    fn is_heard(&self) -> bool {
        false
    }

    fn run_once<'a>(&'a self, once: &'a Once) -> Asked<'a, Ended> {
        self.run(once).boxed()
    }
}
