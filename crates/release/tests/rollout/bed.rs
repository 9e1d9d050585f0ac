//! A project of four services in two waves, on a target in memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{Clock, Digest, Ids, RolloutId, Timestamp};
use portolan_release::project::{self, Project, ProjectSection};
use portolan_release::target::{Asked, Started};
use portolan_release::weco::Table;
use portolan_release::witness::{Expected, Word};
use portolan_release::{
    Images, Note, Options, Order, Plan, Reach, Releases, Scope, Settings, Source, Target, Witness,
};
use portolan_store::{Release, Rollout, RolloutState, Store, StoreError, StoreOptions};

use crate::memory::Memory;
use crate::shelf::{Shelf, spot};

#[derive(Debug, Default)]
pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        // It goes on a little with every look, so that moments differ.
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::SeqCst))
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
struct Near(Memory, Option<Table>);

impl Reach for Near {
    fn target<'a>(&'a self, _: &'a Project, _: &'a str) -> Asked<'a, Arc<dyn Target>> {
        std::future::ready(Ok(Arc::new(self.0.clone()) as Arc<dyn Target>)).boxed()
    }

    fn images<'a>(&'a self, _: &'a Project, _: Option<&'a str>) -> Asked<'a, Arc<dyn Images>> {
        std::future::ready(Ok(Arc::new(self.0.shelf.clone()) as Arc<dyn Images>)).boxed()
    }

    fn table<'a>(&'a self, _: &'a Project) -> Asked<'a, Option<Table>> {
        std::future::ready(Ok(self.1.clone())).boxed()
    }
}

/// What events are scripted to say; nothing where there is no script.
#[derive(Debug, Default)]
pub(crate) struct Ear(pub(crate) Mutex<Vec<Word>>);

impl Witness for Ear {
    fn word<'a>(
        &'a self,
        _: &'a Started,
        _: &'a Expected,
    ) -> BoxFuture<'a, Result<Word, StoreError>> {
        let word = self.0.lock().unwrap().pop().unwrap_or(Word::Silent);
        std::future::ready(Ok(word)).boxed()
    }
}

const PROJECT: &str = include_str!("project.toml");

pub(crate) struct Bed {
    pub(crate) store: Store,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) releases: Releases,
    pub(crate) memory: Memory,
    pub(crate) shelf: Shelf,
    pub(crate) ear: Arc<Ear>,
    _folder: tempfile::TempDir,
}

/// The image `name` of a version.
pub(crate) fn digest(name: &str, version: u32) -> Digest {
    Digest::of(format!("{name} {version}").as_bytes())
}

impl Bed {
    pub(crate) async fn new() -> Self {
        Self::with(PROJECT).await
    }

    pub(crate) async fn with(project: &str) -> Self {
        Self::beside(project, None).await
    }

    /// The same, with a table of weco-deploy.
    pub(crate) async fn with_table(table: Table) -> Self {
        Self::beside(&format!("table = true\n{PROJECT}"), Some(table)).await
    }

    async fn beside(project: &str, table: Option<Table>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let clock = Arc::new(SetClock(AtomicI64::new(1_000_000)));
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let section: ProjectSection = toml::from_str(project).unwrap();
        let sections: BTreeMap<String, ProjectSection> = [("shop".to_owned(), section)].into();
        let (projects, _) = project::build(&sections, &|_| unreachable!()).unwrap();
        let (memory, ear) = (Memory::default(), Arc::new(Ear::default()));
        let shelf = memory.shelf.clone();
        let settings = Settings {
            poll: Duration::from_millis(1),
            again: Duration::from_millis(1),
            grace: Duration::from_millis(50),
            ..Settings::default()
        };
        let reach = Arc::new(Near(memory.clone(), table));
        let releases =
            Releases::with_witness(store.clone(), projects, reach, ear.clone(), settings);
        for version in 1..=3 {
            for name in ["api", "worker", "old"] {
                let tag = format!("v{version}");
                shelf.put(&spot(&format!("shop/{name}")), digest(name, version), &[&tag]);
            }
        }
        shelf.put(&spot("prod/worker"), digest("worker", 1), &["env.prod"]);
        for name in ["api", "old"] {
            shelf.put(&spot(&format!("shop/{name}")), digest(name, 1), &["env.prod"]);
        }
        let sidecar = ("sidecar", format!("r.example/shop/proxy@{}", digest("proxy", 1)));
        shelf.put(&spot("shop/proxy"), digest("proxy", 1), &[]);
        let api = format!("r.example/shop/api@{}", digest("api", 1));
        memory.add("api", &[("main", api.clone()), sidecar.clone()]);
        memory.add("web", &[("main", api)]);
        let worker = format!("r.example/prod/worker@{}", digest("worker", 1));
        memory.add("worker", &[("main", worker), sidecar]);
        memory.add("old", &[("main", "r.example/shop/old:env.prod".to_owned())]);
        Self { store, clock, releases, memory, shelf, ear, _folder: folder }
    }

    pub(crate) async fn release(&self, version: u32) -> Release {
        let tag = format!("v{version}").parse().unwrap();
        let note = Note { description: String::new(), by: "ann".to_owned(), ci_url: None };
        self.releases.prepare("shop", &Source::Tag { tag }, note).await.unwrap()
    }

    pub(crate) async fn plan(&self, version: u32) -> Plan {
        let release = self.release(version).await;
        self.releases.plan("shop", "prod", release.id, &Scope::default()).await.unwrap()
    }

    pub(crate) async fn order(&self, version: u32, options: Options) -> Rollout {
        let plan = self.plan(version).await;
        self.releases.apply(order(plan, options)).await.unwrap()
    }

    /// Orders a version and runs it to its end.
    pub(crate) async fn roll(&self, version: u32, options: Options) -> Rollout {
        let id = self.order(version, options).await.id;
        self.releases.run(id, "me").await.unwrap()
    }

    /// As if so much time had passed.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) async fn state(&self, id: RolloutId) -> RolloutState {
        self.store.rollout(id).await.unwrap().unwrap().state
    }

    /// The version that each service's main container runs.
    pub(crate) fn versions(&self) -> BTreeMap<String, u32> {
        let version = |(service, it): (String, crate::memory::Service)| {
            let image = match service.as_str() {
                "api" | "web" => "api",
                other => other,
            };
            let found = (1..=3).find(|version| it.runs["main"] == digest(image, *version));
            (service.clone(), found.unwrap())
        };
        self.memory.services().into_iter().map(version).collect()
    }

    /// The one version that all services run; a panic where they do not run one.
    pub(crate) fn whole(&self) -> u32 {
        let versions = self.versions();
        let first = *versions.values().next().unwrap();
        assert!(versions.values().all(|version| *version == first), "{versions:?}");
        first
    }

    /// The version that each image's tag points to.
    pub(crate) fn tags(&self) -> Vec<u32> {
        let spots = [("api", "shop/api"), ("worker", "prod/worker"), ("old", "shop/old")];
        let at = |(name, repository): (&str, &str)| {
            let to = self.shelf.tag(&spot(repository), "env.prod").unwrap();
            (1..=3).find(|version| to == digest(name, *version)).unwrap()
        };
        spots.into_iter().map(at).collect()
    }
}

pub(crate) fn order(plan: Plan, options: Options) -> Order {
    Order { plan, options, by: "ann".to_owned(), ci_url: None }
}
