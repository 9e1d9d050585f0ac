//! Amazon ECS.
//!
//! Services are found by their tags `deployment:service` and `deployment:env`, or by the names that
//! the project gives them. A deployment is followed by its identity: that a service is stable says
//! nothing about whose deployment made it so. Tasks that run by the clock are found by the rules that
//! run them.

mod definitions;
mod explain;
mod once;
mod read;
mod rule;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use portolan_aws::ecs::{Ecs, Service, ServiceKey, TaskDefinition, WithImages};
use portolan_aws::{Aws, Logs, Rules};

use super::{
    Asked, Define, Ended, Explanation, Found, Look, Once, Start, Started, Target, TargetError,
};
use crate::images::ecr::failed;
use crate::project::Project;

pub use definitions::Definitions;

/// Calls of one kind that are made at once.
const AT_ONCE: usize = 8;

/// The services of one environment of one project, on ECS.
pub struct EcsTarget {
    ecs: Ecs,
    logs: Logs,
    rules: Rules,
    project: Project,
    environment: String,
    poll: Duration,
    /// Services, as they were last described, by what they are called.
    known: Mutex<HashMap<String, Service>>,
    definitions: Definitions,
}

impl fmt::Debug for EcsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsTarget")
            .field("project", &self.project.id)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}

impl EcsTarget {
    /// The services of `project` in `environment`, in the account and region that `aws` reaches. A
    /// task that is run once is looked at every `poll`.
    pub fn new(aws: &Aws, project: Project, environment: &str, poll: Duration) -> Self {
        Self {
            ecs: Ecs::of(aws),
            logs: Logs::of(aws),
            rules: Rules::of(aws),
            project,
            environment: environment.to_owned(),
            poll,
            known: Mutex::default(),
            definitions: Definitions::default(),
        }
    }

    /// The same, which knows the task definitions that others have read.
    #[must_use]
    pub fn knowing(self, definitions: Definitions) -> Self {
        Self { definitions, ..self }
    }

    async fn definition(&self, arn: &str) -> Result<TaskDefinition, TargetError> {
        if let Some(definition) = self.definitions.get(arn) {
            return Ok(definition);
        }
        let definition = self.ecs.describe_task_definition(arn).await.map_err(failed)?;
        if rule::is_revision(arn) {
            self.definitions.keep(arn, &definition);
        }
        Ok(definition)
    }

    fn keep(&self, service: &Service) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(id(service), service.clone());
    }

    async fn registered(&self, define: &Define) -> Result<String, TargetError> {
        let doing = || format!("define the tasks of service {}", define.service);
        let Some(from) = &define.from else {
            return Err(TargetError::new(doing(), false, "it has no task definition"));
        };
        match self.definition(from).await?.with_images(&define.images) {
            WithImages::Same => Ok(from.clone()),
            WithImages::NoSuchContainer { asked, valid } => {
                let (asked, valid) = (asked.join(", "), valid.join(", "));
                let why = format!("the ECS container {asked} does not exist; there is {valid}");
                Err(TargetError::new(doing(), false, why))
            }
            WithImages::Changed(definition) => {
                let made = self.ecs.register_task_definition(&definition).await.map_err(failed)?;
                let arn = made.arn().unwrap_or_default().to_owned();
                self.definitions.keep(&arn, &made);
                Ok(arn)
            }
        }
    }

    async fn started(&self, start: &Start) -> Result<Started, TargetError> {
        if let Some(rule) = rule::rule(&start.id) {
            return self.start_rule(rule, start).await;
        }
        let key = key(&start.id)?;
        let definition = start.definition.as_deref();
        let updated = self.ecs.update_service(&key, definition, definition.is_none()).await;
        let updated = updated.map_err(failed)?;
        self.keep(&updated.service);
        Ok(Started {
            service: start.service.clone(),
            id: start.id.clone(),
            deployment: updated.deployment,
        })
    }
}

/// What a service is called: its cluster's name and its own.
fn id(service: &Service) -> String {
    let last = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    format!("{}/{}", last(&service.cluster_arn), service.service_name)
}

/// The service that is called `id`.
fn key(id: &str) -> Result<ServiceKey, TargetError> {
    let (cluster, service) = id.split_once('/').ok_or_else(|| {
        TargetError::new(format!("find service {id}"), false, "it names no cluster")
    })?;
    Ok(ServiceKey { cluster: cluster.to_owned(), service: service.to_owned() })
}

impl Target for EcsTarget {
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>> {
        self.found(services).boxed()
    }

    fn define<'a>(&'a self, define: &'a Define) -> Asked<'a, String> {
        self.registered(define).boxed()
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

    fn run_once<'a>(&'a self, once: &'a Once) -> Asked<'a, Ended> {
        self.run(once).boxed()
    }
}
