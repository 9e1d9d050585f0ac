//! Commands that are run once, in a container beside their service.

use std::time::Duration;

use portolan_engine::{Container, Ending, EngineError, Filter, Place, State};
use tokio::time::Instant;

use super::{Definition, LocalTarget, failed, newest};
use crate::here::ONCE;
use crate::target::{Ended, Once, TargetError};

/// Lines of its log that are told at most.
const LINES: usize = 20;
/// Time between two looks at a run that another process began.
const LOOK: Duration = Duration::from_millis(500);

impl LocalTarget {
    pub(super) async fn run(&self, once: &Once) -> Result<Ended, TargetError> {
        let doing = || format!("run `{}` for service {}", once.command.join(" "), once.service);
        let current = match &once.definition {
            Some(text) => Definition::read(text),
            None => self.current(&once.service).await?,
        };
        let Some(mut definition) = current else {
            return Err(TargetError::new(doing(), false, "it has no definition that can be read"));
        };
        definition.run.command.clone_from(&once.command);
        definition.run.health = None;
        definition.run.port = None;
        // Not the service's own name: it is no task of it.
        let place = Place {
            environment: self.environment.clone(),
            project: self.project.id.clone(),
            service: format!("{}.once", once.service),
            deployment: format!("{ONCE}{}", once.token),
        };
        let filter = Filter { deployment: Some(place.deployment.clone()), ..self.filter() };
        let image = definition.image.parse();
        let image = image.map_err(|error| TargetError::new(doing(), false, error))?;
        let spec = definition.container(place.deployment.clone(), place, image);
        self.engine.pull(&spec.image, &self.access).await.map_err(failed(doing()))?;
        let patience = Duration::from_secs(u64::from(once.seconds));
        match self.engine.run_once(&spec, patience, LINES).await {
            Ok(finished) => {
                let log = String::from_utf8_lossy(&finished.log);
                let (exit_code, reason) = match finished.ending {
                    Ending::Exited(code) => (Some(code), None),
                    Ending::TimedOut => (None, Some(late(once))),
                };
                let memory = finished.out_of_memory.then(|| "it ran out of memory".to_owned());
                let log = log.lines().map(str::to_owned).collect();
                Ok(Ended { exit_code, reason: memory.or(reason), log })
            }
            // Whoever asked before has begun it.
            Err(EngineError::NameTaken { .. }) => self.follow(once, &filter, patience).await,
            Err(error) => Err(failed(doing())(error)),
        }
    }

    async fn follow(
        &self,
        once: &Once,
        filter: &Filter,
        patience: Duration,
    ) -> Result<Ended, TargetError> {
        let doing = || format!("follow `{}` for service {}", once.command.join(" "), once.service);
        let deadline = Instant::now() + patience;
        loop {
            let found = self.engine.list(filter).await.map_err(failed(doing()))?;
            let Some(container) = found.first() else {
                return Err(TargetError::new(doing(), true, "its container is gone"));
            };
            let is_over = container.state == State::Exited;
            if is_over || Instant::now() >= deadline {
                let log = self.lines(container).await;
                self.engine.remove(&container.id).await.map_err(failed(doing()))?;
                let reason = (!is_over).then(|| late(once));
                return Ok(Ended { exit_code: container.exit_code, reason, log });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The definition that a service has now.
    async fn current(&self, service: &str) -> Result<Option<Definition>, TargetError> {
        let filter = Filter { service: Some(service.to_owned()), ..self.filter() };
        let doing = format!("list the containers of service {service}");
        let containers = self.engine.list(&filter).await.map_err(failed(doing))?;
        let own: Vec<&Container> = containers.iter().collect();
        Ok(newest(&own).and_then(Definition::of))
    }
}

fn late(once: &Once) -> String {
    format!("it was stopped after {} seconds", once.seconds)
}
