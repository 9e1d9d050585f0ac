//! Nowhere: what would run is recorded, and nothing is run.
//!
//! For a machine without podman and docker, and for whoever wants no more. All else is as anywhere:
//! plans, rollouts and the way back work, and what is recorded is told to the journal as tasks, each
//! marked as recorded only.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use portolan_store::{RecordedService, StoreError};

use super::definition::Definition;
use super::local::named;
use super::{
    Asked, Controller, Define, Ended, Explanation, Found, Look, Once, Seen, SeenContainer, Start,
    Started, Target, TargetError,
};
use crate::here::Teller;
use crate::project::Project;

/// The services of one environment of one project, as they would run.
#[derive(Debug)]
pub struct RecordTarget {
    project: Project,
    environment: String,
    teller: Teller,
    /// Why nothing runs them.
    why: String,
}

fn failed(doing: impl Into<String>) -> impl FnOnce(StoreError) -> TargetError {
    let doing = doing.into();
    move |error| TargetError::new(doing, error.is_transient(), error)
}

impl RecordTarget {
    /// The services of `project` in `environment`, which nothing runs: `why`. They are recorded in the
    /// store of `teller`.
    pub fn new(project: Project, environment: &str, teller: Teller, why: String) -> Self {
        Self { project, environment: environment.to_owned(), teller, why }
    }

    async fn recorded(&self) -> Result<BTreeMap<String, RecordedService>, TargetError> {
        let store = self.teller.store();
        let all = store.recorded_services(Some(&self.project.id), &self.environment).await;
        let all = all.map_err(failed("read what is recorded of services"))?;
        Ok(all.into_iter().map(|it| (it.service.clone(), it)).collect())
    }

    fn seen(&self, service: &str, recorded: Option<&RecordedService>) -> Found {
        let images = self.project.images_of(service);
        let Some(image) = images.first() else { return Found::None };
        let Some(spot) = self.project.spot(image, &self.environment) else { return Found::None };
        let definition = recorded.and_then(|it| Definition::read(&it.definition));
        let described =
            || Definition::described(&self.project, &self.environment, service, named(&spot));
        let Some(shown) = definition.clone().or_else(described) else { return Found::None };
        let digest = || shown.image.parse::<portolan_model::Reference>().ok()?.digest;
        let runs = definition.as_ref().filter(|it| it.run.count > 0).and_then(|_| digest());
        Found::One(Box::new(Seen {
            id: service.to_owned(),
            controller: Controller::Own,
            desired: u64::from(shown.run.count),
            definition: definition.map(|it| it.text()),
            deployment: recorded.map(|it| it.deployment.clone()),
            containers: vec![SeenContainer {
                name: service.to_owned(),
                image: shown.image,
                runs: runs.into_iter().collect(),
            }],
        }))
    }

    async fn started(&self, start: &Start) -> Result<Started, TargetError> {
        let service = &start.service;
        let doing = format!("record service {service}");
        let before = self.recorded().await?.remove(service).map(|it| it.definition);
        let Some(definition) = start.definition.clone().or(before) else {
            return Err(TargetError::new(doing, false, "it has no definition"));
        };
        let store = self.teller.store();
        let recorded = RecordedService {
            project: self.project.id.clone(),
            environment: self.environment.clone(),
            service: service.clone(),
            deployment: store.ids().next().to_string(),
            definition,
            at: store.now(),
        };
        let deployment = recorded.deployment.clone();
        let record =
            store.write(move |tx| Box::pin(async move { tx.record_service(&recorded).await }));
        record.await.map_err(failed(doing.clone()))?;
        self.teller.tell_recorded(&self.environment).await.map_err(failed(doing))?;
        Ok(Started { service: service.clone(), id: start.id.clone(), deployment })
    }

    async fn looked(&self, started: &[Started]) -> Result<Vec<Look>, TargetError> {
        let recorded = self.recorded().await?;
        let look = |started: &Started| match recorded.get(&started.service) {
            Some(it) if it.deployment == started.deployment => Look::Complete,
            Some(it) => Look::Replaced { by: it.deployment.clone() },
            None => Look::Gone,
        };
        Ok(started.iter().map(look).collect())
    }
}

impl Target for RecordTarget {
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>> {
        async move {
            let recorded = self.recorded().await?;
            let found = |it: &String| (it.clone(), self.seen(it, recorded.get(it)));
            Ok(services.iter().map(found).collect())
        }
        .boxed()
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

    fn explain<'a>(&'a self, _: &'a Started) -> Asked<'a, Explanation> {
        std::future::ready(Ok(Explanation::default())).boxed()
    }

    fn is_heard(&self) -> bool {
        false
    }

    fn note(&self) -> Option<String> {
        Some(format!("recorded only: nothing is run, as {}", self.why))
    }

    fn run_once<'a>(&'a self, _: &'a Once) -> Asked<'a, Ended> {
        let reason = Some("recorded only: it was not run".to_owned());
        std::future::ready(Ok(Ended { exit_code: Some(0), reason, log: Vec::new() })).boxed()
    }
}
