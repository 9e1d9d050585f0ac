//! This machine: its engine, where it has one, and the services that run on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portolan_engine::{Access, Credentials, Engine, EngineError};
use portolan_model::Secret;
use portolan_oci::Client;
use portolan_release::here::{LookError, Looked};
use portolan_release::project::Runs;
use portolan_release::target::local::LocalTarget;
use portolan_release::target::record::RecordTarget;
use portolan_release::target::{Target, TargetError};
use portolan_release::{Here, Project, Teller};
use tokio::sync::Mutex;

use super::ReleaseSettings;

/// For how long it is not looked for an engine once more where none was found.
const PAUSE: Duration = Duration::from_secs(5);

/// As whom it comes in: with a token any name will do.
const OWN_NAME: &str = "portolan";

/// What was found when an engine was looked for last.
#[derive(Debug, Default)]
enum Found {
    #[default]
    Nothing,
    Engine(Engine),
    /// Why there is none, and when that was found.
    None(Arc<EngineError>, Instant),
}

/// This machine. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(super) settings: Arc<ReleaseSettings>,
    teller: Teller,
    found: Arc<Mutex<Found>>,
    here: Arc<Mutex<Here>>,
    /// The token by which this server comes in at its own door.
    own: Option<Secret<String>>,
}

/// Why services cannot be run in containers here.
enum Why {
    /// There is no engine that works.
    None(String),
    /// It could not be tried.
    Failed(TargetError),
}

fn failed(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TargetError {
    TargetError::new("run containers on this machine", false, why)
}

impl Machine {
    pub(super) fn new(
        settings: ReleaseSettings,
        teller: Teller,
        own: Option<Secret<String>>,
    ) -> Self {
        Self {
            settings: Arc::new(settings),
            here: Arc::new(Mutex::new(Here::new(teller.clone()))),
            teller,
            found: Arc::default(),
            own,
        }
    }

    /// The engine.
    async fn engine(&self) -> Result<Engine, Why> {
        let mut found = self.found.lock().await;
        match &*found {
            Found::Engine(engine) => return Ok(engine.clone()),
            Found::None(why, at) if at.elapsed() < PAUSE => return Err(Why::None(why.to_string())),
            Found::None(..) | Found::Nothing => {}
        }
        let Some(settings) = self.settings.engine.clone() else {
            return Err(Why::Failed(failed("this server was told of no engine")));
        };
        let scratch = settings.scratch.clone();
        let made = tokio::fs::create_dir_all(&scratch).await;
        made.map_err(|error| Why::Failed(failed(error)))?;
        match Engine::detect(settings).await {
            Ok(engine) => {
                *found = Found::Engine(engine.clone());
                Ok(engine)
            }
            Err(error @ (EngineError::NotFound { .. } | EngineError::Unusable { .. })) => {
                let why = error.to_string();
                *found = Found::None(Arc::new(error), Instant::now());
                Err(Why::None(why))
            }
            Err(error) => Err(Why::Failed(failed(error))),
        }
    }

    /// Who runs the services of an environment of `project` that are run here, or would be.
    pub(super) async fn target(
        &self,
        project: &Project,
        environment: &str,
        runs: Runs,
    ) -> Result<Arc<dyn Target>, TargetError> {
        let record = |why: String| {
            let teller = self.teller.clone();
            Arc::new(RecordTarget::new(project.clone(), environment, teller, why))
        };
        if runs == Runs::Record {
            return Ok(record("that is how the environment is configured".to_owned()));
        }
        match self.engine().await {
            Ok(engine) => Ok(Arc::new(LocalTarget::new(
                engine,
                self.access(project, environment),
                project.clone(),
                environment,
                self.teller.clone(),
            ))),
            Err(Why::Failed(error)) => Err(error),
            Err(Why::None(why)) => {
                // What runs in containers is not left alone there because the engine is down.
                let runs = self.teller.runs_here(environment).await;
                let runs = runs.map_err(|error| {
                    let transient = error.is_transient();
                    TargetError::new("see what runs on this machine", transient, error)
                })?;
                if runs { Err(failed(why)) } else { Ok(record(why)) }
            }
        }
    }

    /// How this machine's engine pulls an environment's images.
    fn access(&self, project: &Project, environment: &str) -> Access {
        let registries = project.images.keys().filter_map(|image| project.spot(image, environment));
        let is_own = |registry: &Option<String>| {
            registry.is_none() || registry.as_ref() == self.settings.host.as_ref()
        };
        let mut access = Access::default();
        for spot in registries {
            let is_plain =
                spot.registry.as_ref().is_some_and(|host| self.settings.insecure.contains(host));
            access.plain_http |= is_plain || is_own(&spot.registry);
        }
        access.credentials = self.own_login().map(|(registry, password)| Credentials {
            registry: registry.to_owned(),
            username: OWN_NAME.to_owned(),
            password: password.clone(),
        });
        access
    }

    /// The host of this server's own registry, and the token for it.
    fn own_login(&self) -> Option<(&str, &Secret<String>)> {
        Some((self.settings.host.as_deref()?, self.own.as_ref()?))
    }

    /// A client of registries, which this server's own lets in.
    pub(super) fn client(&self) -> Option<Client> {
        let client = self.settings.client.as_ref()?;
        let Some((host, password)) = self.own_login() else { return Some(client.clone()) };
        let (username, password) = (OWN_NAME.to_owned(), password.clone());
        let login = portolan_oci::Credentials::Basic { username, password };
        Some(client.with_login(host, login))
    }

    /// Whether anything is run here, or would be.
    pub(crate) fn is_used(&self) -> bool {
        !self.environments().is_empty()
    }

    fn environments(&self) -> BTreeSet<String> {
        let all = self.settings.projects.values().flat_map(|project| &project.environments);
        let here = all.filter(|(_, environment)| environment.runs != Runs::Ecs);
        here.map(|(name, _)| name.clone()).collect()
    }

    /// Looks once at what runs here: tells what changed by itself, and brings back what ended.
    pub(crate) async fn look(&self) -> Result<Looked, LookError> {
        let is_run =
            |environment: &portolan_release::project::Environment| environment.runs == Runs::Local;
        let any = self.settings.projects.values().any(|it| it.environments.values().any(is_run));
        let engine = if any { self.engine().await.ok() } else { None };
        let access = |project: &str, environment: &str| {
            let project = self.settings.projects.get(project)?;
            let is_run = project.environments.get(environment).is_some_and(is_run);
            is_run.then(|| self.access(project, environment))
        };
        let mut here = self.here.lock().await;
        here.look(engine.as_ref(), &self.environments(), &access).await
    }
}
