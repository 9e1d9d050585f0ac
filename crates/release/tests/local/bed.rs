//! A project of two services in containers of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use portolan_engine::{Access, Container, Engine, Filter, Settings as EngineSettings, State};
use portolan_model::{Clock, Ids, Tag, Timestamp};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, Settings as OciSettings};
use portolan_release::here::Looked;
use portolan_release::images::oci::OciImages;
use portolan_release::project::{self, Project, ProjectSection};
use portolan_release::target::Asked;
use portolan_release::target::local::LocalTarget;
use portolan_release::{
    Here, Images, Note, Options, Order, Plan, Reach, Releases, Scope, Settings, Source, Target,
    Teller,
};
use portolan_store::{
    JournalFilter, Page, Release, Rollout, Store, StoreOptions, Task, TaskFilter,
};
use portolan_testkit::containers::{self, Containers};
use portolan_testkit::docker_registry::{self, DockerRegistry};
use portolan_testkit::{Publisher, process};
use portolan_tracker::{Rules, Tracker};

#[derive(Debug)]
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "containers live by the wall's clock")]
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

#[derive(Debug, Default)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

#[derive(Debug)]
struct Near {
    target: Arc<LocalTarget>,
    images: Arc<OciImages>,
}

impl Reach for Near {
    fn target<'a>(&'a self, _: &'a Project, _: &'a str) -> Asked<'a, Arc<dyn Target>> {
        std::future::ready(Ok(self.target.clone() as Arc<dyn Target>)).boxed()
    }

    fn images<'a>(&'a self, _: &'a Project, _: Option<&'a str>) -> Asked<'a, Arc<dyn Images>> {
        std::future::ready(Ok(self.images.clone() as Arc<dyn Images>)).boxed()
    }
}

/// What a version of a service does. `web` answers for its health; `job` runs.
const SERVE: &str = "httpd -f -p 127.0.0.1:$PORT -h /www";

const PROJECT: &str = r#"
[images.web]
repository = "shop/web"
services = ["web"]
[images.job]
repository = "shop/job"
services = ["job"]
[services.web.local]
count = 2
port = 8080
stop_seconds = 1
health = { path = "/version", interval_seconds = 1, start_seconds = 5, retries = 2 }
[services.job]
wave = 1
hooks = [{ name = "migrate", when = "before", command = ["sh", "-c", "echo migrating; test ! -e /www/broken"] }]
[services.job.local]
stop_seconds = 1
[environments.staging]
runs = "local"
"#;

const ACCESS: Access = Access { plain_http: true, credentials: None };

pub(crate) struct Bed {
    pub(crate) releases: Releases,
    pub(crate) engine: Engine,
    pub(crate) tracker: Tracker,
    /// What looks after what runs, as a server does.
    pub(crate) here: tokio::sync::Mutex<Here>,
    registry: DockerRegistry,
    // Dropped after the engine's last use: it ends all containers.
    home: Containers,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) async fn new() -> Self {
        let home = Containers::new().unwrap();
        let registry = docker_registry::start(&docker_registry::Options::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = EngineSettings {
            program: Some(process::find("podman", "podman").unwrap()),
            environment: home.environment(),
            ..EngineSettings::new("test", folder.path())
        };
        let engine = Engine::detect(settings).await.unwrap();
        let section: ProjectSection = toml::from_str(PROJECT).unwrap();
        let (projects, _) =
            project::build(&[("shop".to_owned(), section)].into(), &|_| unreachable!()).unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(Sequence::default()));
        let store = Store::open(&StoreOptions::new(url), clock, ids).await.unwrap();
        let client = Client::new(OciSettings::default(), Arc::new(NoCredentials)).unwrap();
        let images = OciImages::new(client, Some(registry.address()));
        let teller = Teller::new(store.clone());
        let here = tokio::sync::Mutex::new(Here::new(teller.clone()));
        let shop = projects["shop"].clone();
        let target = LocalTarget::new(engine.clone(), ACCESS, shop, "staging", teller);
        let reach = Near { target: Arc::new(target), images: Arc::new(images) };
        let settings = Settings { poll: Duration::from_millis(300), ..Settings::default() };
        let tracker = Tracker::new(store, Rules::default());
        let releases = Releases::new(tracker.clone(), projects, Arc::new(reach), settings);
        Self { releases, engine, tracker, here, registry, home, _folder: folder }
    }

    /// Pushes a version of both images: what `web` and `job` run, and files that are in `job`.
    pub(crate) fn push(&self, tag: &str, web: &str, job: &str, more: &[(&str, &str)]) {
        let mut files = vec![("www/version", tag)];
        let image = containers::busybox(&files, &["sh", "-c", web]).unwrap();
        Publisher::new(&self.registry.url(), "shop/web").image(tag, &image).unwrap();
        files.extend(more);
        let image = containers::busybox(&files, &["sh", "-c", job]).unwrap();
        Publisher::new(&self.registry.url(), "shop/job").image(tag, &image).unwrap();
    }

    /// Pushes a version that runs.
    pub(crate) fn push_good(&self, tag: &str) {
        self.push(tag, SERVE, "sleep 1000", &[]);
    }

    /// Kills a container behind everybody's back.
    pub(crate) fn kill(&self, name: &str) {
        self.home.podman(&["kill", name]).unwrap();
    }

    /// Removes one.
    pub(crate) fn remove(&self, name: &str) {
        self.home.podman(&["rm", "--force", "--time", "0", name]).unwrap();
    }

    pub(crate) fn serve() -> &'static str {
        SERVE
    }

    pub(crate) async fn release(&self, tag: &str) -> Release {
        let tag: Tag = tag.parse().unwrap();
        let note = Note { by: "ann".to_owned(), ..Note::default() };
        self.releases.prepare("shop", &Source::Tag { tag }, note).await.unwrap()
    }

    pub(crate) async fn plan(&self, tag: &str) -> Plan {
        let release = self.release(tag).await;
        self.releases.plan("shop", "staging", release.id, &Scope::default()).await.unwrap()
    }

    pub(crate) async fn roll(&self, tag: &str) -> Rollout {
        let (plan, options) = (self.plan(tag).await, Options::default());
        let order = Order { plan, options, by: "ann".to_owned(), ci_url: None };
        let ordered = self.releases.apply(order).await.unwrap();
        self.releases.run(ordered.id, "me").await.unwrap()
    }

    /// Acts on all that is in the journal, after making the images known that are named there.
    pub(crate) async fn work(&self) {
        let store = self.tracker.store();
        let entries = store.pending_events(None, 1_000).await.unwrap();
        self.tracker.apply(&entries).await.unwrap();
    }

    /// What the tracker says runs, by service, after all that is in the journal was acted on.
    pub(crate) async fn told(&self) -> Vec<(String, String)> {
        let mut told = self.tasks().await;
        told.retain(|task| task.fact.stopped_at.is_none());
        let mut told: Vec<(String, String)> = told
            .into_iter()
            .map(|task| (task.fact.ecs_service.unwrap(), task.fact.stated.unwrap().to_string()))
            .collect();
        told.sort();
        told
    }

    /// All tasks that were told of, after all that is in the journal was acted on.
    pub(crate) async fn tasks(&self) -> Vec<Task> {
        self.work().await;
        let mut tasks = Vec::new();
        // Nobody scans here, so that the services of their images are not known.
        for held in [true, false] {
            let filter = TaskFilter { held, ..TaskFilter::default() };
            tasks.extend(self.tracker.store().tasks(&filter).await.unwrap());
        }
        tasks
    }

    /// How many entries the journal has.
    pub(crate) async fn entries(&self) -> u64 {
        let filter = JournalFilter::default();
        self.tracker.store().journal(&filter, Page::first(1)).await.unwrap().total
    }

    /// Looks once at what runs, as a server does every few seconds.
    pub(crate) async fn look(&self) -> Looked {
        let access = |_: &str, _: &str| Some(ACCESS);
        let mut here = self.here.lock().await;
        here.look(Some(&self.engine), &["staging".to_owned()].into(), &access).await.unwrap()
    }

    /// As if this process had been killed and had started again.
    pub(crate) async fn restart(&self) {
        *self.here.lock().await = Here::new(Teller::new(self.tracker.store().clone()));
    }

    /// What the tracker should say where both services run the images of a tag.
    pub(crate) async fn images(&self, tag: &str) -> Vec<(String, String)> {
        let images = self.release(tag).await.images;
        // Of `web` there are two tasks.
        let all = images.iter().chain(images.iter().filter(|it| it.image == "web"));
        let mut all: Vec<_> = all.map(|it| (it.image.clone(), it.digest.to_string())).collect();
        all.sort();
        all
    }

    pub(crate) async fn containers(&self) -> Vec<Container> {
        self.engine.list(&Filter::default()).await.unwrap()
    }

    /// The services of the containers that run, one for each.
    pub(crate) async fn running(&self) -> Vec<String> {
        let all = self.containers().await;
        let running = all.iter().filter(|it| it.state == State::Running);
        let mut services: Vec<String> = running.map(|it| it.place.service.clone()).collect();
        services.sort();
        services
    }

    /// Whether all tasks of `service` that run are of the image that the tag `tag` names.
    pub(crate) async fn runs(&self, service: &str, tag: &str) -> bool {
        let digest = self.release(tag).await.image(service).unwrap().digest;
        let all = self.containers().await;
        let mut own = all
            .iter()
            .filter(|it| it.place.service == service && it.state == State::Running)
            .peekable();
        own.peek().is_some() && own.all(|it| it.digest() == Some(digest))
    }
}
