//! Definitions of tasks of Portolan's own, as text: a container carries it with it, and it is recorded
//! where nothing runs them.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_engine::{Check, Container, Health, Place, Port, Spec};
use portolan_model::{Reference, Secret};
use serde::{Deserialize, Serialize};

use super::{Define, TargetError};
use crate::project::{LocalHealth, LocalRun, Project};

/// The label that holds the definition.
const LABEL: &str = "release.definition";

/// What the tasks of a service are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Definition {
    /// The image, by its digest.
    pub(crate) image: String,
    /// How it is run.
    pub(crate) run: LocalRun,
}

impl Definition {
    /// What the tasks of a service of `project` are in `environment`, with an image; none where the
    /// project does not have it.
    pub(crate) fn described(
        project: &Project,
        environment: &str,
        service: &str,
        image: String,
    ) -> Option<Self> {
        let described = project.services.get(service)?;
        let mut run = described.local.clone();
        if let Some(place) = described.places.get(environment) {
            run.count = place.count.unwrap_or(run.count);
            run.variables.extend(place.variables.clone());
        }
        Some(Self { image, run })
    }

    /// The definition that is wanted.
    pub(crate) fn wanted(
        project: &Project,
        environment: &str,
        define: &Define,
    ) -> Result<Self, TargetError> {
        let doing = || format!("define the tasks of service {}", define.service);
        let Some(image) = define.images.get(&define.service) else {
            return Err(TargetError::new(doing(), false, "its one container is called as it is"));
        };
        let described = Self::described(project, environment, &define.service, image.clone());
        described
            .ok_or_else(|| TargetError::new(doing(), false, "the project does not describe it"))
    }

    /// The definition that a container was started with.
    pub(crate) fn of(container: &Container) -> Option<Self> {
        Self::read(container.labels.get(LABEL)?)
    }

    /// The definition that `text` is.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Itself as text, the same for equal ones.
    pub(crate) fn text(&self) -> String {
        // A struct with texts for keys always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A container of it, of its image.
    pub(crate) fn container(&self, name: String, place: Place, image: Reference) -> Spec {
        let run = &self.run;
        let variables = run.variables.iter();
        Spec {
            name,
            place,
            image,
            variables: variables
                .map(|(name, value)| (name.clone(), Secret::new(value.clone())))
                .collect(),
            ports: run
                .port
                .map(|port| Port { container: Some(port), host: None })
                .into_iter()
                .collect(),
            memory: run.memory_mib.map(|mib| mib.saturating_mul(1 << 20)),
            command: run.command.clone(),
            network: portolan_engine::Network::Default,
            labels: BTreeMap::from([(LABEL.to_owned(), self.text())]),
            health: run.health.as_ref().and_then(health),
            stop_timeout: Duration::from_secs(u64::from(run.stop_seconds)),
        }
    }
}

fn health(told: &LocalHealth) -> Option<Health> {
    let check = match &told.path {
        Some(path) => Check::Http(path.clone()),
        None if told.command.is_empty() => return None,
        None => Check::Command(told.command.clone()),
    };
    let seconds = |seconds: u32| Duration::from_secs(u64::from(seconds));
    Some(Health {
        check,
        interval: seconds(told.interval_seconds),
        timeout: seconds(told.timeout_seconds),
        start_period: seconds(told.start_seconds),
        retries: told.retries,
    })
}
