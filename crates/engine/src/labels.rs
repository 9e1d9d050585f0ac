//! The labels by which containers are found again, and what is looked for among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::check;
use crate::error::EngineError;

/// Whose container it is: [`Settings::instance`](crate::Settings::instance).
pub const INSTANCE: &str = "portolan.instance";
/// The environment, such as `staging`.
pub const ENVIRONMENT: &str = "portolan.environment";
/// The project.
pub const PROJECT: &str = "portolan.project";
/// The service.
pub const SERVICE: &str = "portolan.service";
/// The deployment that started it.
pub const DEPLOYMENT: &str = "portolan.deployment";
/// The digest of everything that it was started with: [`Spec::definition`](crate::Spec::definition).
pub const DEFINITION: &str = "portolan.definition";
/// The image that was asked for, `registry/repository@digest`.
pub const IMAGE: &str = "portolan.image";
/// Its ports, `HOST:CONTAINER` divided by commas.
pub const PORTS: &str = "portolan.ports";
/// Its health check as JSON; absent without one.
pub const HEALTH: &str = "portolan.health";

/// What a container is for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Place {
    /// The environment.
    pub environment: String,
    /// The project.
    pub project: String,
    /// The service.
    pub service: String,
    /// The deployment.
    pub deployment: String,
}

impl Place {
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        check::place("an environment", &self.environment)?;
        check::place("a project", &self.project)?;
        check::place("a service", &self.service)?;
        check::place("a deployment", &self.deployment)
    }

    /// What the labels of a container say; empty where they do not.
    pub(crate) fn of(labels: &BTreeMap<String, String>) -> Self {
        let get = |key| labels.get(key).cloned().unwrap_or_default();
        Self {
            environment: get(ENVIRONMENT),
            project: get(PROJECT),
            service: get(SERVICE),
            deployment: get(DEPLOYMENT),
        }
    }

    pub(crate) fn pairs(&self) -> [(&'static str, &str); 4] {
        [
            (ENVIRONMENT, &self.environment),
            (PROJECT, &self.project),
            (SERVICE, &self.service),
            (DEPLOYMENT, &self.deployment),
        ]
    }
}

/// Which containers are meant: those of this installation that have every label named here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this environment alone.
    pub environment: Option<String>,
    /// Of this project alone.
    pub project: Option<String>,
    /// Of this service alone.
    pub service: Option<String>,
    /// Of this deployment alone.
    pub deployment: Option<String>,
}

impl Filter {
    fn wanted(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            (ENVIRONMENT, &self.environment),
            (PROJECT, &self.project),
            (SERVICE, &self.service),
            (DEPLOYMENT, &self.deployment),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_deref()?)))
    }

    /// The values for `--filter`.
    pub(crate) fn arguments(&self, instance: &str) -> Result<Vec<String>, EngineError> {
        let mut arguments = vec![format!("label={INSTANCE}={instance}")];
        for (key, value) in self.wanted() {
            check::place("a part of a filter", value)?;
            arguments.push(format!("label={key}={value}"));
        }
        Ok(arguments)
    }

    /// Whether a container with `labels` is meant. Asked again after the engine's answer, since
    /// engines do not agree on what a pattern is.
    pub(crate) fn takes(&self, instance: &str, labels: &BTreeMap<String, String>) -> bool {
        let has = |key: &str, value: &str| labels.get(key).is_some_and(|label| label == value);
        has(INSTANCE, instance) && self.wanted().all(|(key, value)| has(key, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_asks_for_the_installation_always() {
        let filter = Filter { service: Some("web".into()), ..Filter::default() };
        let asked = filter.arguments("here").unwrap();
        assert_eq!(asked, ["label=portolan.instance=here", "label=portolan.service=web"]);
        let labels = |instance: &str, service: &str| {
            [(INSTANCE, instance), (SERVICE, service)]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into()
        };
        assert!(filter.takes("here", &labels("here", "web")));
        assert!(!filter.takes("here", &labels("there", "web")));
        assert!(!filter.takes("here", &labels("here", "web2")));
        let all = Filter { environment: Some("*".into()), ..Filter::default() };
        assert!(all.arguments("here").is_err());
    }
}
