//! Deployments: new containers beside the old ones, until the new ones are well.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_engine::{
    Access, Container, ContainerId, Engine, EngineError, Filter, HealthStatus, Place, State,
};
use portolan_model::Reference;

use super::{Definition, LocalTarget, failed, newest, untold};
use crate::here::SeenTask;
use crate::target::{
    Explanation, Look, Start, Started, StoppedContainer, StoppedTask, TargetError,
};

/// Milliseconds for which a container runs before it is taken to be well, where nothing tells.
const STEADY_MILLIS: i64 = 1_000;
/// Lines of a container's log that are told at most.
const LINES: usize = 20;

impl LocalTarget {
    pub(super) async fn started(&self, start: &Start) -> Result<Started, TargetError> {
        let service = &start.service;
        let doing = || format!("deploy service {service} on this machine");
        let containers = self.of_service(service).await?;
        let own: Vec<&Container> = containers.iter().collect();
        let wanted = match &start.definition {
            Some(text) => Definition::read(text),
            None => newest(&own).and_then(Definition::of),
        };
        let Some(definition) = wanted else {
            return Err(TargetError::new(doing(), false, "it has no definition that can be read"));
        };
        // Where nothing is said of the definition, what runs is to be started anew.
        let back = start.definition.as_ref().filter(|_| start.back);
        let there = back.and_then(|_| still_there(&own, &definition));
        let deployment = match there {
            Some(deployment) => {
                // What ran before still runs: it is enough to take away what came after it.
                let after = containers.iter().filter(|it| it.place.deployment > deployment);
                self.take_away(after).await?;
                deployment
            }
            None => self.teller.store().ids().next().to_string(),
        };
        self.ensure(service, &deployment, &definition).await?;
        let begun = self.of_service(service).await?;
        self.tell(&begun.iter().collect::<Vec<_>>()).await?;
        Ok(Started { service: service.clone(), id: start.id.clone(), deployment })
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Container>, TargetError> {
        let filter = Filter { service: Some(service.to_owned()), ..self.filter() };
        let doing = format!("list the containers of service {service}");
        self.engine.list(&filter).await.map_err(failed(doing))
    }

    /// Starts the containers of a deployment that are not there.
    async fn ensure(
        &self,
        service: &str,
        deployment: &str,
        definition: &Definition,
    ) -> Result<(), TargetError> {
        let place = Place {
            environment: self.environment.clone(),
            project: self.project.id.clone(),
            service: service.to_owned(),
            deployment: deployment.to_owned(),
        };
        let started = ensure(&self.engine, &self.access, &place, definition).await;
        let doing = format!("start service {service} on this machine");
        started.map(|_| ()).map_err(failed(doing))
    }

    pub(super) async fn looked(&self, started: &[Started]) -> Result<Vec<Look>, TargetError> {
        let containers = self.engine.observe(&self.filter()).await;
        let containers = containers.map_err(failed("look at the containers of this machine"))?;
        let mut looks = Vec::with_capacity(started.len());
        for each in started {
            let own: Vec<&Container> =
                containers.iter().filter(|it| it.place.service == each.service).collect();
            self.tell(&own).await?;
            looks.push(self.look_at(each, &own).await?);
        }
        Ok(looks)
    }

    async fn look_at(
        &self,
        started: &Started,
        containers: &[&Container],
    ) -> Result<Look, TargetError> {
        let (ours, others): (Vec<&Container>, Vec<&Container>) =
            containers.iter().partition(|it| it.place.deployment == started.deployment);
        if let Some(later) = newest(&others).filter(|it| it.place.deployment > started.deployment) {
            return Ok(Look::Replaced { by: later.place.deployment.clone() });
        }
        let Some(definition) = ours.first().and_then(|first| Definition::of(first)) else {
            let described = self.described(&started.service);
            if described.is_some_and(|definition| definition.run.count == 0) {
                self.stands(&started.service, &others).await?;
                return Ok(Look::Complete);
            }
            return Ok(Look::Gone);
        };
        if let Some(reason) = ours.iter().find_map(|it| ill(it)) {
            return Ok(Look::Failed { reason });
        }
        let wanted = definition.run.count;
        let well = ours.iter().filter(|it| self.is_well(it)).count();
        if u32::try_from(ours.len()).is_ok_and(|there| there < wanted) {
            self.ensure(&started.service, &started.deployment, &definition).await?;
        } else if well == ours.len() {
            self.stands(&started.service, &others).await?;
            return Ok(Look::Complete);
        }
        Ok(Look::Going { desired: u64::from(wanted), running: well as u64, failed: 0 })
    }

    /// Takes away what ran before, and what was recorded while nothing could run.
    async fn stands(&self, service: &str, others: &[&Container]) -> Result<(), TargetError> {
        self.take_away(others.iter().copied()).await?;
        let (project, environment) = (self.project.id.clone(), self.environment.clone());
        let service = service.to_owned();
        let forget = self.teller.store().write(move |tx| {
            Box::pin(async move { tx.forget_recorded(&project, &environment, &service).await })
        });
        if forget.await.map_err(untold)? {
            self.teller.tell_recorded(&self.environment).await.map_err(untold)?;
        }
        Ok(())
    }

    fn is_well(&self, container: &Container) -> bool {
        let steady = || {
            let since = container.started_at.map(|at| self.teller.store().now().millis_since(at));
            since.is_some_and(|millis| millis >= STEADY_MILLIS)
        };
        container.state == State::Running
            && match (&container.check, &container.health) {
                (None, _) => steady(),
                (Some(_), Some(health)) => health.status == HealthStatus::Healthy,
                (Some(_), None) => false,
            }
    }

    async fn take_away<'a>(
        &self,
        containers: impl Iterator<Item = &'a Container>,
    ) -> Result<(), TargetError> {
        for container in containers {
            let doing = || format!("stop the container {}", container.name);
            let host = self.engine.host();
            if container.state == State::Running {
                // First, so that its end is not taken for one of its own will.
                let now = self.teller.store().now();
                let stopping = SeenTask::of(container, host).map(|task| task.stopping(now));
                self.teller.tell(stopping.as_slice()).await.map_err(untold)?;
                let seconds = Definition::of(container).map_or(10, |it| it.run.stop_seconds);
                let time = Duration::from_secs(u64::from(seconds));
                match self.engine.stop(&container.id, time).await {
                    Ok(()) | Err(EngineError::NoContainer { .. }) => {}
                    Err(error) => return Err(failed(doing())(error)),
                }
            }
            // Once it is removed nobody can tell how it ended.
            match self.engine.get(&container.id).await {
                Ok(ended) => self.tell(&[&ended]).await?,
                Err(EngineError::NoContainer { .. }) => {}
                Err(error) => return Err(failed(doing())(error)),
            }
            self.engine.remove(&container.id).await.map_err(failed(doing()))?;
        }
        Ok(())
    }

    pub(super) async fn explained(&self, started: &Started) -> Result<Explanation, TargetError> {
        let mut why = Explanation::default();
        for container in self.of_service(&started.service).await? {
            let Some(reason) = ill(&container) else { continue };
            if container.place.deployment != started.deployment {
                continue;
            }
            why.tasks.push(StoppedTask {
                id: container.name.clone(),
                reason: Some(reason),
                containers: vec![StoppedContainer {
                    name: started.service.clone(),
                    exit_code: container.exit_code,
                    reason: Some(container.error.clone()).filter(|error| !error.is_empty()),
                    log: self.lines(&container).await,
                }],
            });
        }
        Ok(why)
    }

    /// The last lines that a container wrote, where they can be read.
    pub(super) async fn lines(&self, container: &Container) -> Vec<String> {
        match self.engine.logs(&container.id, LINES).await {
            Ok(log) => String::from_utf8_lossy(&log).lines().map(str::to_owned).collect(),
            Err(error) => {
                tracing::warn!(%error, "a log cannot be read");
                Vec::new()
            }
        }
    }
}

/// Starts the containers of the deployment of `place` that are not there; which were started.
pub(crate) async fn ensure(
    engine: &Engine,
    access: &Access,
    place: &Place,
    definition: &Definition,
) -> Result<Vec<ContainerId>, EngineError> {
    let image: Reference = definition.image.parse().map_err(|_| EngineError::Invalid {
        what: "an image to run",
        value: definition.image.chars().take(100).collect(),
        reason: "it is not the name of an image",
    })?;
    engine.pull(&image, access).await?;
    let short: String = place.service.chars().take(60).collect();
    let mut started = Vec::new();
    for number in 0..definition.run.count {
        let name = format!("{short}-{}-{number}", place.deployment);
        match engine.start(&definition.container(name, place.clone(), image.clone())).await {
            Ok(container) => started.push(container.id),
            // Whoever began this deployment got so far.
            Err(EngineError::NameTaken { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(started)
}

/// The newest deployment of the same definition, where all of its tasks run.
fn still_there(containers: &[&Container], definition: &Definition) -> Option<String> {
    let mut running: BTreeMap<&str, u32> = BTreeMap::new();
    let same = |it: &&&Container| {
        it.state == State::Running && Definition::of(it).as_ref() == Some(definition)
    };
    for container in containers.iter().filter(same) {
        *running.entry(&container.place.deployment).or_default() += 1;
    }
    let all = |(_, count): &(&&str, &u32)| **count >= definition.run.count;
    running.iter().filter(all).map(|(deployment, _)| (*deployment).to_owned()).next_back()
}

/// Why a container will not be well.
fn ill(container: &Container) -> Option<String> {
    let name = &container.name;
    if container.state == State::Exited {
        let code = container.exit_code.map_or_else(String::new, |code| format!(" with {code}"));
        let memory = if container.out_of_memory { ", out of memory" } else { "" };
        return Some(format!("{name} ended{code}{memory}"));
    }
    let health = container.health.as_ref()?;
    let is_ill = health.status == HealthStatus::Unhealthy;
    is_ill.then(|| format!("{name} is not healthy: {}", health.message))
}
