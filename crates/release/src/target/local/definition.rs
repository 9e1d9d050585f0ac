//! Definitions of tasks, as text that a container carries with it.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_engine::{Check, Container, Health, Place, Port, Spec};
use portolan_model::{Reference, ReferenceError, Secret};
use serde::{Deserialize, Serialize};

use crate::project::{LocalHealth, LocalRun};

/// The label that holds the definition.
const LABEL: &str = "release.definition";

/// What the tasks of a service are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Definition {
    /// The image, by its digest.
    pub(super) image: String,
    /// How it is run.
    pub(super) run: LocalRun,
}

impl Definition {
    /// The definition that a container was started with.
    pub(super) fn of(container: &Container) -> Option<Self> {
        Self::read(container.labels.get(LABEL)?)
    }

    /// The definition that `text` is.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Itself as text, the same for equal ones.
    pub(super) fn text(&self) -> String {
        // A struct with texts for keys always has a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A container of it.
    pub(super) fn container(&self, name: String, place: Place) -> Result<Spec, ReferenceError> {
        let run = &self.run;
        let image: Reference = self.image.parse()?;
        let variables = run.variables.iter();
        Ok(Spec {
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
        })
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
