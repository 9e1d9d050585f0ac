//! A project whose images and services are on a fake of AWS.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use portolan_aws::{Aws, AwsSettings, StaticKey};
use portolan_model::{Clock, Ids, RolloutId, Secret, Timestamp};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, Settings as OciSettings};
use portolan_release::images::ecr::EcrImages;
use portolan_release::images::oci::OciImages;
use portolan_release::project::{self, Project, ProjectSection};
use portolan_release::target::Asked;
use portolan_release::target::ecs::EcsTarget;
use portolan_release::{
    Images, Note, Options, Order, Plan, Reach, Releases, Scope, Settings, Source, Target,
};
use portolan_store::{Release, Rollout, Store, StoreOptions};
use portolan_testkit::fake_ecs::{self, FakeEcs, GivenService};
use portolan_testkit::moto::{ACCOUNT, REGION};
use portolan_tracker::{Rules, Tracker};

/// Stands still, unless it is set on.
#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
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
struct OnAws {
    target: Arc<EcsTarget>,
    images: Arc<EcrImages>,
}

impl Reach for OnAws {
    fn target<'a>(&'a self, _: &'a Project, _: &'a str) -> Asked<'a, Arc<dyn Target>> {
        std::future::ready(Ok(self.target.clone() as Arc<dyn Target>)).boxed()
    }

    fn images<'a>(&'a self, _: &'a Project, _: Option<&'a str>) -> Asked<'a, Arc<dyn Images>> {
        std::future::ready(Ok(self.images.clone() as Arc<dyn Images>)).boxed()
    }
}

pub(crate) struct Bed {
    pub(crate) fake: FakeEcs,
    pub(crate) releases: Releases,
    pub(crate) images: Vec<String>,
    clock: Arc<SetClock>,
    _folder: tempfile::TempDir,
}

/// A service with the images that it runs.
pub(crate) struct Given<'a> {
    pub(crate) name: &'a str,
    pub(crate) images: &'a [&'a str],
    pub(crate) breaker: Option<bool>,
    pub(crate) controller: &'a str,
}

pub(crate) fn service<'a>(name: &'a str, images: &'a [&'a str]) -> Given<'a> {
    Given { name, images, breaker: Some(true), controller: "ECS" }
}

impl Bed {
    /// Services that run version 1 of their images by the tag `env.stage`, beside a sidecar; and
    /// versions 2 and 3 of each image under the tags `v2` and `v3`. `more` is added to the project's section.
    pub(crate) async fn new(services: &[Given<'_>], more: &str) -> Self {
        let fake = fake_ecs::start(ACCOUNT, REGION).unwrap();
        let mut runs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for service in services {
            for image in service.images {
                runs.entry(image).or_default().push(service.name);
            }
        }
        let mut section = String::new();
        for (image, services) in &runs {
            fake.push(image, &format!("{image} 1"), &["v1", "env.stage"]).unwrap();
            fake.push(image, &format!("{image} 2"), &["v2"]).unwrap();
            fake.push(image, &format!("{image} 3"), &["v3"]).unwrap();
            let place = fake.image(image);
            writeln!(section, "[images.{image}]\nrepository = {place:?}\nservices = {services:?}")
                .unwrap();
        }
        for (index, service) in services.iter().enumerate() {
            let mut containers: Vec<(&str, String)> = Vec::new();
            for image in service.images {
                containers.push((image, format!("{}:env.stage", fake.image(image))));
            }
            let mut containers: Vec<(&str, &str)> =
                containers.iter().map(|(name, image)| (*name, image.as_str())).collect();
            containers.push(("sidecar", "public.example/proxy:1"));
            let tags = [("deployment:env", "stage"), ("deployment:service", service.name)];
            let given = GivenService {
                cluster: if index % 2 == 0 { "even" } else { "odd" },
                name: service.name,
                containers: &containers,
                count: 2,
                tags: &tags,
                breaker: service.breaker,
                controller: service.controller,
            };
            fake.given(&given).unwrap();
        }
        writeln!(section, "[environments.stage]\n{more}").unwrap();
        let section: ProjectSection = toml::from_str(&section).unwrap();
        let (projects, _) =
            project::build(&[("shop".to_owned(), section)].into(), &|_| unreachable!()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let clock = Arc::new(SetClock(AtomicI64::new(1_790_000_000_000)));
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let secret = Secret::new("test".to_owned());
        let key = StaticKey { id: "test".to_owned(), secret, session: None };
        let aws = AwsSettings {
            region: Some(REGION.to_owned()),
            endpoint: Some(fake.url()),
            key: Some(key),
            ..AwsSettings::default()
        };
        let client = Client::new(OciSettings::default(), Arc::new(NoCredentials)).unwrap();
        let reached = Aws::open(&aws).await;
        let poll = Duration::from_millis(20);
        let target = EcsTarget::new(&reached, projects["shop"].clone(), "stage", poll);
        let roles = projects["shop"].roles(Some("stage"));
        let also = vec!["env.stage".parse().unwrap()];
        let images = EcrImages::new(aws, roles, OciImages::new(client, None), also);
        let reach = OnAws { target: Arc::new(target), images: Arc::new(images) };
        let settings = Settings { poll, again: Duration::from_millis(5), ..Settings::default() };
        let tracker = Tracker::new(store, Rules::default());
        let releases = Releases::new(tracker, projects, Arc::new(reach), settings);
        fake.run(100.0);
        let images = runs.keys().map(|&image| image.to_owned()).collect();
        Self { fake, releases, images, clock, _folder: folder }
    }

    pub(crate) async fn release(&self) -> Release {
        self.release_of(2).await
    }

    /// As if so much time had passed.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Orders a version of everything.
    pub(crate) async fn order(&self, version: u32) -> RolloutId {
        let release = self.release_of(version).await.id;
        let plan = self.releases.plan("shop", "stage", release, &Scope::default()).await.unwrap();
        let order = Order { plan, options: Options::default(), by: "ann".into(), ci_url: None };
        self.releases.apply(order).await.unwrap().id
    }

    /// The one version that all tasks of all services run, and that all tags point to; a panic where
    /// there is a mixture.
    pub(crate) fn whole(&self, services: &[&str]) -> u32 {
        self.fake.settle_all().unwrap();
        let mut found = self.tags();
        for service in services {
            let versions = self.versions(service);
            assert!(!versions.is_empty(), "{service} runs nothing");
            found.extend(versions);
        }
        assert!(found.iter().all(|it| *it == found[0]), "{found:?}");
        found[0]
    }

    async fn release_of(&self, version: u32) -> Release {
        let tag = format!("v{version}").parse().unwrap();
        let note = Note { by: "ann".to_owned(), ..Note::default() };
        self.releases.prepare("shop", &Source::Tag { tag }, note).await.unwrap()
    }

    pub(crate) async fn plan(&self) -> Plan {
        let release = self.release().await;
        self.releases.plan("shop", "stage", release.id, &Scope::default()).await.unwrap()
    }

    pub(crate) async fn roll(&self, options: Options) -> Rollout {
        let order = Order { plan: self.plan().await, options, by: "ann".into(), ci_url: None };
        let ordered = self.releases.apply(order).await.unwrap();
        self.releases.run(ordered.id, "me").await.unwrap()
    }

    /// Prepares a release and deploys it at once.
    pub(crate) async fn deploy(&self) -> Rollout {
        self.deploy_of(2).await
    }

    pub(crate) async fn deploy_of(&self, version: u32) -> Rollout {
        let (release, place) = (self.release_of(version).await.id, ("shop", "stage"));
        let order = self.releases.deploy(place, release, Options::default(), "ann", None).await;
        self.releases.run(order.unwrap().id, "me").await.unwrap()
    }

    /// The versions that the tasks of a service run, of their containers that are the project's.
    pub(crate) fn versions(&self, service: &str) -> Vec<u32> {
        let mut versions = Vec::new();
        for cluster in ["even", "odd"] {
            for (container, digest) in self.fake.running(cluster, service).unwrap_or_default() {
                versions.extend(self.version(&container, &digest));
            }
        }
        versions
    }

    /// Which version of an image a digest is.
    pub(crate) fn version(&self, image: &str, digest: &str) -> Option<u32> {
        (1..=3).find(|version| self.digest(image, *version).as_deref() == Some(digest))
    }

    pub(crate) fn digest(&self, image: &str, version: u32) -> Option<String> {
        self.fake.tagged(image, &format!("v{version}"))
    }

    /// The versions that the images' tags for the environment point to.
    pub(crate) fn tags(&self) -> Vec<u32> {
        let at = |image: &String| {
            let digest = self.fake.tagged(image, "env.stage").unwrap();
            self.version(image, &digest).unwrap()
        };
        self.images.iter().map(at).collect()
    }
}
