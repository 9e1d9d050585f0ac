//! How environments are reached: ECS by AWS's calls, this machine by its engine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use portolan_aws::{Aws, AwsSettings};
use portolan_model::{Clock, Tag};
use portolan_registry::Registry;
use portolan_release::images::ecr::EcrImages;
use portolan_release::images::logins::RoleLogins;
use portolan_release::images::oci::OciImages;
use portolan_release::project::{Environment, Roles, Runs};
use portolan_release::target::ecs::{Definitions, EcsTarget};
use portolan_release::target::{Asked, TargetError};
use portolan_release::weco::Table;
use portolan_release::{Images, Project, Reach, Target};
use tokio::sync::Mutex;

use super::Machine;
use super::built_in::BuiltIn;

/// For how long what was learnt of an environment's services is built upon.
const FRESH: Duration = Duration::from_mins(10);

type Place = (String, String);
type Known<T> = HashMap<Place, (Instant, T)>;

/// How environments are reached.
#[derive(Debug)]
pub(super) struct Reached {
    machine: Machine,
    registry: Registry,
    clock: Arc<dyn Clock>,
    targets: Mutex<Known<Arc<dyn Target>>>,
    images: Mutex<Known<Arc<dyn Images>>>,
    tables: Mutex<HashMap<String, Table>>,
    /// Of all environments: what one deployment registered is where the next one begins.
    definitions: Definitions,
}

impl Reached {
    pub(super) fn new(machine: Machine, registry: Registry, clock: Arc<dyn Clock>) -> Self {
        let (targets, images, tables, definitions) = Default::default();
        Self { machine, registry, clock, targets, images, tables, definitions }
    }

    /// How AWS is reached for an environment of a project.
    fn aws(&self, project: &Project, environment: Option<&str>) -> AwsSettings {
        let base = &self.machine.settings.aws;
        let told = environment.and_then(|name| project.environments.get(name));
        AwsSettings {
            region: told.and_then(|it| it.region.clone()).or_else(|| base.region.clone()),
            role_arn: told.and_then(|it| it.role_arn.clone()).or_else(|| base.role_arn.clone()),
            ..base.clone()
        }
    }

    async fn ecs(&self, project: &Project, environment: &str) -> Arc<dyn Target> {
        let aws = Aws::open(&self.aws(project, Some(environment))).await;
        let poll = self.machine.settings.rollout.poll;
        let target = EcsTarget::new(&aws, project.clone(), environment, poll);
        Arc::new(target.knowing(self.definitions.clone()))
    }

    fn open_images(&self, roles: Roles, also: Vec<Tag>) -> Result<Arc<dyn Images>, TargetError> {
        let Some(client) = self.machine.client() else {
            let doing = "reach registries";
            return Err(TargetError::new(doing, false, "this server was told of no way there"));
        };
        let host = self.machine.settings.host.clone();
        let aws = self.machine.settings.aws.clone();
        let logins = RoleLogins::new(aws.clone(), self.clock.clone(), roles.clone());
        let others = OciImages::new(client, host.clone()).with_roles(logins);
        let others = EcrImages::new(aws, roles, others, also);
        Ok(Arc::new(BuiltIn { registry: self.registry.clone(), host, others }))
    }
}

impl Reach for Reached {
    fn target<'a>(
        &'a self,
        project: &'a Project,
        environment: &'a str,
    ) -> Asked<'a, Arc<dyn Target>> {
        async move {
            let runs = project.environments.get(environment).map_or(Runs::Ecs, |it| it.runs);
            if runs != Runs::Ecs {
                // Nothing is learnt of this machine: an engine may come at any time.
                return self.machine.target(project, environment, runs).await;
            }
            let place = (project.id.clone(), environment.to_owned());
            let mut targets = self.targets.lock().await;
            targets.retain(|_, (at, _)| at.elapsed() < FRESH);
            if let Some((_, target)) = targets.get(&place) {
                return Ok(target.clone());
            }
            let target = self.ecs(project, environment).await;
            targets.insert(place, (Instant::now(), target.clone()));
            Ok(target)
        }
        .boxed()
    }

    fn images<'a>(
        &'a self,
        project: &'a Project,
        environment: Option<&'a str>,
    ) -> Asked<'a, Arc<dyn Images>> {
        async move {
            let place = (project.id.clone(), environment.unwrap_or_default().to_owned());
            let mut known = self.images.lock().await;
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
            if let Some((_, images)) = known.get(&place) {
                return Ok(images.clone());
            }
            // Whoever looks for images to release them will ask where the tags of environments point.
            let told =
                |(name, _): &(&String, &Environment)| environment.is_none_or(|it| it == *name);
            let tags = project.environments.iter().filter(told).flat_map(|(_, it)| it.tags.clone());
            let also: BTreeSet<Tag> = tags.collect();
            let roles = project.roles(environment);
            let images = self.open_images(roles, also.into_iter().collect())?;
            known.insert(place, (Instant::now(), images.clone()));
            Ok(images)
        }
        .boxed()
    }

    fn table<'a>(&'a self, project: &'a Project) -> Asked<'a, Option<Table>> {
        async move {
            let Some(told) = &project.table else { return Ok(None) };
            let mut tables = self.tables.lock().await;
            if let Some(table) = tables.get(&project.id) {
                return Ok(Some(table.clone()));
            }
            let base = self.aws(project, project.environments.keys().next().map(String::as_str));
            let settings = AwsSettings {
                region: told.region.clone().or_else(|| base.region.clone()),
                role_arn: told.role_arn.clone().or_else(|| base.role_arn.clone()),
                ..base
            };
            let table = Table::of(&Aws::open(&settings).await, told);
            tables.insert(project.id.clone(), table.clone());
            Ok(Some(table))
        }
        .boxed()
    }
}
