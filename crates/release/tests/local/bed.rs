//! A project of two services in containers of this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use portolan_engine::{Access, Container, Engine, Filter, Settings as EngineSettings, State};
use portolan_model::{Clock, Ids, Tag, Timestamp};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, Settings as OciSettings};
use portolan_release::images::oci::OciImages;
use portolan_release::project::{self, Project, ProjectSection};
use portolan_release::target::Asked;
use portolan_release::target::local::LocalTarget;
use portolan_release::{
    Images, Note, Options, Order, Plan, Reach, Releases, Scope, Settings, Source, Target,
};
use portolan_store::{Release, Rollout, Store, StoreOptions, TaskFilter};
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
struct Here {
    target: Arc<LocalTarget>,
    images: Arc<OciImages>,
}

impl Reach for Here {
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

pub(crate) struct Bed {
    pub(crate) releases: Releases,
    pub(crate) engine: Engine,
    pub(crate) tracker: Tracker,
    registry: DockerRegistry,
    // Dropped after the engine's last use: it ends all containers.
    _home: Containers,
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
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids.clone()).await.unwrap();
        let client = Client::new(OciSettings::default(), Arc::new(NoCredentials)).unwrap();
        let images = OciImages::new(client, Some(registry.address()));
        let access = Access { plain_http: true, credentials: None };
        let shop = projects["shop"].clone();
        let target = LocalTarget::new(engine.clone(), access, shop, "staging", clock, ids);
        let reach = Here { target: Arc::new(target), images: Arc::new(images) };
        let settings = Settings { poll: Duration::from_millis(300), ..Settings::default() };
        let tracker = Tracker::new(store, Rules::default());
        let releases = Releases::new(tracker.clone(), projects, Arc::new(reach), settings);
        Self { releases, engine, tracker, registry, _home: home, _folder: folder }
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

    /// What the tracker says runs, by service, after all that is in the journal was acted on.
    pub(crate) async fn told(&self) -> Vec<(String, String)> {
        let store = self.tracker.store();
        let entries = store.pending_events(None, 1_000).await.unwrap();
        self.tracker.apply(&entries).await.unwrap();
        let mut told = Vec::new();
        // Nobody scans here, so that the services of their images are not known.
        for held in [true, false] {
            let filter = TaskFilter { at: Some(store.now()), held, ..TaskFilter::default() };
            for task in store.tasks(&filter).await.unwrap() {
                let digest = task.fact.stated.unwrap().to_string();
                told.push((task.fact.ecs_service.unwrap(), digest));
            }
        }
        told.sort();
        told
    }

    /// What the tracker should say where both services run the images of a tag.
    pub(crate) async fn images(&self, tag: &str) -> Vec<(String, String)> {
        let images = self.release(tag).await.images;
        images.into_iter().map(|it| (it.image, it.digest.to_string())).collect()
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
