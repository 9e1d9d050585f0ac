//! How environments are reached: ECS by AWS's calls, this machine by its engine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use portolan_aws::{Aws, AwsSettings};
use portolan_engine::{Access, Engine};
use portolan_model::{Clock, Ids, Tag, Timestamp};
use portolan_registry::Registry;
use portolan_release::images::ecr::EcrImages;
use portolan_release::images::oci::OciImages;
use portolan_release::project::{Environment, Runs};
use portolan_release::target::ecs::{Definitions, EcsTarget};
use portolan_release::target::local::LocalTarget;
use portolan_release::target::{Asked, TargetError};
use portolan_release::weco::Table;
use portolan_release::{Images, Project, Reach, Target};
use portolan_store::Store;
use tokio::sync::Mutex;

use super::ReleaseSettings;
use super::built_in::BuiltIn;

/// For how long what was learnt of an environment's services is built upon.
const FRESH: Duration = Duration::from_mins(10);

type Place = (String, String);
type Known<T> = HashMap<Place, (Instant, T)>;

/// How environments are reached.
#[derive(Debug)]
pub(super) struct Reached {
    settings: ReleaseSettings,
    store: Store,
    registry: Registry,
    targets: Mutex<Known<Arc<dyn Target>>>,
    images: Mutex<Known<Arc<dyn Images>>>,
    tables: Mutex<HashMap<String, Table>>,
    /// Of all environments: what one deployment registered is where the next one begins.
    definitions: Definitions,
    engine: Mutex<Option<Engine>>,
}

/// The store's clock and identities, for whoever keeps them.
#[derive(Debug)]
struct OfStore(Store);

impl Clock for OfStore {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

impl Ids for OfStore {
    fn next(&self) -> uuid::Uuid {
        self.0.ids().next()
    }
}

impl Reached {
    pub(super) fn new(settings: ReleaseSettings, store: Store, registry: Registry) -> Self {
        let (targets, images, tables, definitions, engine) = Default::default();
        Self { settings, store, registry, targets, images, tables, definitions, engine }
    }

    /// How AWS is reached for an environment of a project.
    fn aws(&self, project: &Project, environment: Option<&str>) -> AwsSettings {
        let base = &self.settings.aws;
        let told = environment.and_then(|name| project.environments.get(name));
        AwsSettings {
            region: told.and_then(|it| it.region.clone()).or_else(|| base.region.clone()),
            role_arn: told.and_then(|it| it.role_arn.clone()).or_else(|| base.role_arn.clone()),
            ..base.clone()
        }
    }

    async fn engine(&self) -> Result<Engine, TargetError> {
        let failed = |why: Box<dyn std::error::Error + Send + Sync>| {
            TargetError::new("run containers on this machine", false, why)
        };
        let mut engine = self.engine.lock().await;
        if let Some(engine) = &*engine {
            return Ok(engine.clone());
        }
        let Some(settings) = self.settings.engine.clone() else {
            return Err(failed("this server was told of no engine".into()));
        };
        let scratch = settings.scratch.clone();
        tokio::fs::create_dir_all(&scratch).await.map_err(|error| failed(error.into()))?;
        let found = Engine::detect(settings).await.map_err(|error| failed(error.into()))?;
        Ok(engine.insert(found).clone())
    }

    async fn opened(
        &self,
        project: &Project,
        environment: &str,
    ) -> Result<Arc<dyn Target>, TargetError> {
        let runs = project.environments.get(environment).map_or(Runs::Ecs, |it| it.runs);
        if runs == Runs::Ecs {
            let aws = Aws::open(&self.aws(project, Some(environment))).await;
            let poll = self.settings.rollout.poll;
            let target = EcsTarget::new(&aws, project.clone(), environment, poll);
            return Ok(Arc::new(target.knowing(self.definitions.clone())));
        }
        let clock = Arc::new(OfStore(self.store.clone()));
        Ok(Arc::new(LocalTarget::new(
            self.engine().await?,
            self.access(project, environment),
            project.clone(),
            environment,
            clock.clone(),
            clock,
        )))
    }

    /// How this machine's engine pulls an environment's images.
    fn access(&self, project: &Project, environment: &str) -> Access {
        let registries = project.images.keys().filter_map(|image| project.spot(image, environment));
        let is_plain = |registry: &Option<String>| match registry {
            None => true,
            Some(host) => {
                self.settings.host.as_ref() == Some(host) || self.settings.insecure.contains(host)
            }
        };
        let plain_http = registries.into_iter().any(|spot| is_plain(&spot.registry));
        Access { plain_http, credentials: None }
    }

    fn open_images(
        &self,
        aws: AwsSettings,
        also: Vec<Tag>,
    ) -> Result<Arc<dyn Images>, TargetError> {
        let Some(client) = self.settings.client.clone() else {
            let doing = "reach registries";
            return Err(TargetError::new(doing, false, "this server was told of no way there"));
        };
        let host = self.settings.host.clone();
        let others = EcrImages::new(aws, OciImages::new(client, host.clone()), also);
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
            let place = (project.id.clone(), environment.to_owned());
            let mut targets = self.targets.lock().await;
            targets.retain(|_, (at, _)| at.elapsed() < FRESH);
            if let Some((_, target)) = targets.get(&place) {
                return Ok(target.clone());
            }
            let target = self.opened(project, environment).await?;
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
            let aws = self.aws(project, environment);
            let images = self.open_images(aws, also.into_iter().collect())?;
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
