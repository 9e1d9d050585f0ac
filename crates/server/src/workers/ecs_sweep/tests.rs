//! Sweeps of an ECS that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use portolan_aws::{AwsSettings, StaticKey};
use portolan_model::{Clock, Ids, JobId, Secret, Timestamp};
use portolan_store::{Job, JobState, JournalFilter, JournalState, Page, Store, StoreOptions};
use portolan_testkit::fake_ecs::{self, FakeEcs};
use portolan_testkit::{moto, postgres};
use portolan_tracker::{Environment, Places};
use serde_json::json;

use super::SweepEcs;
use crate::workers::queue;
use crate::{App, Settings, SweptEnvironment};

const ACCOUNT: &str = moto::ACCOUNT;
const REGION: &str = moto::REGION;
const IMAGE: &str = "123456789012.dkr.ecr.eu-west-2.amazonaws.com/orders:1.0.0";
/// The present moment, in seconds since 1970.
const NOW: f64 = 1_790_000_000.0;
/// Long before it.
const LONG_AGO: f64 = NOW - 86_400.0;

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

struct Bed {
    app: App,
    clock: Arc<SetClock>,
    _folder: tempfile::TempDir,
    _database: Option<postgres::Database>,
}

impl Bed {
    /// The environment `dev`, whose ECS is at `endpoint`.
    async fn new(endpoint: String, clusters: &[&str]) -> Self {
        Self::on(None, endpoint, clusters).await
    }

    async fn on(database: Option<postgres::Database>, endpoint: String, clusters: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = match &database {
            Some(database) => database.url(),
            None => format!("sqlite:{}", folder.path().join("portolan.db").display()),
        };
        let clock = Arc::new(SetClock(AtomicI64::new(1_790_000_000_000)));
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(url), clock.clone(), ids).await.unwrap();
        let mut settings = Settings::new(folder.path().join("blobs"));
        let clusters: Vec<_> = clusters.iter().map(|&cluster| cluster.to_owned()).collect();
        let place = |name: &str, clusters: &[String]| Environment {
            name: name.into(),
            account: Some(ACCOUNT.into()),
            region: Some(REGION.into()),
            clusters: clusters.to_vec(),
            ..Environment::default()
        };
        settings.track.places =
            Places::new(vec![place("dev", &clusters), place("other", &["dev-other".to_owned()])]);
        let key =
            StaticKey { id: "test".into(), secret: Secret::new("test".into()), session: None };
        settings.aws.swept = vec![SweptEnvironment {
            name: "dev".into(),
            account: ACCOUNT.into(),
            region: REGION.into(),
            clusters,
            reach: AwsSettings {
                region: Some(REGION.into()),
                endpoint: Some(endpoint),
                key: Some(key),
                timeout: Duration::from_secs(30),
                ..AwsSettings::default()
            },
        }];
        let app = App::open(store, settings).await.unwrap();
        Self { app, clock, _folder: folder, _database: database }
    }

    /// Moves the clock.
    fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Sweeps, and acts on all that was found.
    async fn sweep(&self) -> Job {
        let store = &self.app.store;
        let (id, now) = (JobId::new(store.ids()), store.now());
        let job = queue::new(&SweepEcs { environment: "dev".into() }, None, now);
        let put = store.write(move |tx| Box::pin(async move { tx.enqueue(id, &job, now).await }));
        put.await.unwrap();
        self.app.run_jobs_until_idle().await.unwrap();
        store.job(id).await.unwrap().unwrap()
    }

    /// What the last sweep found to be otherwise, and how many events there are by now.
    async fn drift(&self) -> (u64, u64) {
        let sweeps = self.app.store.sweeps().await.unwrap();
        (sweeps[0].drift, self.events(None).await)
    }

    async fn events(&self, state: Option<JournalState>) -> u64 {
        let filter = JournalFilter { state, kind: None };
        self.app.store.journal(&filter, Page::first(0)).await.unwrap().total
    }

    async fn open(&self) -> Vec<String> {
        let tasks = self.app.store.tasks_open("dev").await.unwrap();
        tasks.into_iter().map(|task| task.fact.id).collect()
    }
}

fn ecs() -> FakeEcs {
    fake_ecs::start(ACCOUNT, REGION).unwrap()
}

#[tokio::test]
async fn what_no_event_told_is_found_and_then_known() {
    let ecs = ecs();
    let ids: Vec<_> = (0..120).map(|number| format!("t{number:03}")).collect();
    for id in &ids {
        ecs.put_task("dev", ecs.task("dev", id, IMAGE, LONG_AGO));
    }
    for number in 0..12 {
        let (name, deployment) = (format!("s{number}"), format!("ecs-svc/{number}"));
        ecs.put_service("dev", ecs.service("dev", &name, &deployment, LONG_AGO));
    }
    ecs.page(50);
    ecs.throttle(1);
    let database = postgres::database().unwrap();
    let bed = Bed::on(Some(database), ecs.url(), &["dev"]).await;
    assert_eq!(bed.sweep().await.state, JobState::Done);
    assert_eq!(bed.open().await.len(), 120);
    assert_eq!(bed.events(Some(JournalState::Applied)).await, 132, "none is dead");
    let calls = ecs.calls();
    let of = |action: &str| calls.iter().filter(|call| *call == action).count();
    // The first was refused and made again; services are described by ten, tasks by a hundred.
    assert_eq!((of("ListServices"), of("DescribeServices")), (2, 2));
    assert_eq!((of("ListTasks"), of("DescribeTasks")), (4, 2));
    // The deployment `ecs-svc/1`, which the tasks name, is one of the services'.
    assert_eq!(bed.drift().await, (132, 132));

    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (0, 132), "what is known is not said again");
}

#[tokio::test]
async fn changes_are_found_by_version_and_what_is_behind_changes_nothing() {
    let ecs = ecs();
    let task = ecs.task("dev", "a", IMAGE, LONG_AGO);
    ecs.put_task("dev", task.clone());
    let bed = Bed::new(ecs.url(), &["dev"]).await;
    bed.sweep().await;
    let mut stopped = task.clone();
    stopped["lastStatus"] = json!("STOPPED");
    stopped["desiredStatus"] = json!("STOPPED");
    stopped["stopCode"] = json!("EssentialContainerExited");
    stopped["stoppedAt"] = json!(NOW - 300.0);
    stopped["version"] = json!(7);
    stopped["containers"][0]["exitCode"] = json!(137);
    stopped["containers"][0]["reason"] = json!("OutOfMemoryError");
    ecs.put_task("dev", stopped);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (1, 2));
    assert!(bed.open().await.is_empty());
    let rows = bed.app.store.tasks_with(&[ecs.task_arn("dev", "a")]).await.unwrap();
    assert_eq!(rows[0].fact.word.exit_code, Some(137));
    assert_eq!(rows[0].fact.stopped_at, Some(Timestamp::from_millis(1_789_999_700_000)));
    // An answer from before.
    ecs.put_task("dev", task);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (0, 2));
}

#[tokio::test]
async fn a_task_that_ecs_forgot_has_stopped_and_no_other_has() {
    let ecs = ecs();
    for id in ["a", "b"] {
        ecs.put_task("dev", ecs.task("dev", id, IMAGE, LONG_AGO));
    }
    let bed = Bed::new(ecs.url(), &["dev"]).await;
    bed.sweep().await;
    ecs.remove_task("dev", &ecs.task_arn("dev", "a"));
    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.open().await, [ecs.task_arn("dev", "b")]);
    let rows = bed.app.store.tasks_with(&[ecs.task_arn("dev", "a")]).await.unwrap();
    let fact = &rows[0].fact;
    assert_eq!(fact.word.reason.as_deref(), Some("ECS no longer lists this task"));
    assert_eq!(fact.word.stop_code.as_deref(), Some("Sweep"));
    assert_eq!(fact.stopped_at, Some(bed.app.store.now()));
    assert_eq!((fact.deployment.as_str(), fact.ecs_service.as_deref()), ("ecs-svc/1", Some("app")));
    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.drift().await.0, 0);
}

#[tokio::test]
async fn what_may_be_on_its_way_as_an_event_is_left_alone() {
    let ecs = ecs();
    ecs.put_task("dev", ecs.task("dev", "a", IMAGE, NOW - 5.0));
    let bed = Bed::new(ecs.url(), &["dev"]).await;
    bed.sweep().await;
    assert_eq!(bed.drift().await, (0, 0));
    bed.pass(120);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (1, 1));
}

#[tokio::test]
async fn ignored_containers_are_no_drift() {
    let ecs = ecs();
    let mut task = ecs.task("dev", "a", IMAGE, LONG_AGO);
    let sidecar = json!({ "name": "log_router", "image": "fluent:1", "lastStatus": "RUNNING" });
    task["containers"].as_array_mut().unwrap().push(sidecar.clone());
    ecs.put_task("dev", task);
    let mut bare = ecs.task("dev", "b", IMAGE, LONG_AGO);
    bare["containers"] = json!([sidecar]);
    ecs.put_task("dev", bare);
    let bed = Bed::new(ecs.url(), &["dev"]).await;
    bed.sweep().await;
    assert_eq!(bed.drift().await, (1, 1));
    bed.sweep().await;
    assert_eq!(bed.drift().await, (0, 1));
}

#[tokio::test]
async fn a_service_s_rollout_is_drift_and_its_size_is_news() {
    let ecs = ecs();
    let mut service = ecs.service("dev", "app", "ecs-svc/1", LONG_AGO);
    service["deployments"][0]["rolloutState"] = json!("IN_PROGRESS");
    ecs.put_service("dev", service.clone());
    let bed = Bed::new(ecs.url(), &["dev"]).await;
    bed.sweep().await;
    let known = async || {
        let keys = ["ecs-svc/1".to_owned()];
        let found = bed.app.store.deployments_with("dev", &keys).await.unwrap();
        found.into_iter().next().unwrap().fact
    };
    let fact = known().await;
    assert!(fact.completed_at.is_none() && fact.in_progress_at.is_some(), "{fact:?}");
    assert_eq!(fact.desired.unwrap().1, 1);
    service["deployments"][0]["desiredCount"] = json!(4);
    ecs.put_service("dev", service.clone());
    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (0, 2), "no event tells of autoscaling");
    assert_eq!(known().await.desired.unwrap().1, 4);
    service["deployments"][0]["rolloutState"] = json!("FAILED");
    service["deployments"][0]["rolloutStateReason"] = json!("circuit breaker");
    service["deployments"][0]["updatedAt"] = json!(NOW);
    ecs.put_service("dev", service);
    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.drift().await, (1, 3));
    assert_eq!(known().await.failed.unwrap().1.as_deref(), Some("circuit breaker"));
}

#[tokio::test]
async fn a_star_finds_clusters_and_leaves_others_theirs() {
    let ecs = ecs();
    for cluster in ["dev-a", "dev-b", "dev-other", "prod"] {
        ecs.put_task(cluster, ecs.task(cluster, "t", IMAGE, LONG_AGO));
    }
    let bed = Bed::new(ecs.url(), &["dev-*"]).await;
    bed.sweep().await;
    assert_eq!(bed.open().await, [ecs.task_arn("dev-a", "t"), ecs.task_arn("dev-b", "t")]);
    ecs.remove_cluster("dev-b");
    bed.pass(600);
    bed.sweep().await;
    assert_eq!(bed.open().await, [ecs.task_arn("dev-a", "t")], "what ran there has stopped");
}

#[tokio::test]
async fn what_cannot_be_asked_changes_nothing_and_is_told() {
    let ecs = ecs();
    ecs.put_task("one", ecs.task("one", "t", IMAGE, LONG_AGO));
    ecs.put_task("two", ecs.task("two", "t", IMAGE, LONG_AGO));
    let bed = Bed::new(ecs.url(), &["one", "two"]).await;
    bed.sweep().await;
    // A cluster that is named and not there: a mistake, or somebody else's account.
    ecs.remove_cluster("one");
    ecs.remove_task("two", &ecs.task_arn("two", "t"));
    bed.pass(600);
    let job = bed.sweep().await;
    assert_eq!(job.state, JobState::Failed);
    let told = bed.app.store.sweeps().await.unwrap().remove(0).error.unwrap();
    assert!(told.contains("ClusterNotFoundException") && told.contains("cluster/one"), "{told}");
    assert_eq!(bed.open().await, [ecs.task_arn("one", "t")], "the other cluster was swept");
}

#[tokio::test]
async fn credentials_of_another_account_do_not_stop_everything() {
    let ecs = fake_ecs::start("999999999999", REGION).unwrap();
    ecs.put_task("dev-a", ecs.task("dev-a", "t", IMAGE, LONG_AGO));
    let bed = Bed::new(ecs.url(), &[]).await;
    assert_eq!(bed.sweep().await.state, JobState::Failed);
    let told = bed.app.store.sweeps().await.unwrap().remove(0).error.unwrap();
    assert!(told.contains("another account") && told.contains("999999999999"), "{told}");
    assert_eq!(bed.events(None).await, 0);
}

/// moto's ECS has another opinion of many things, but of the shape of services it has ECS's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moto_s_services_are_understood() {
    let made = tokio::task::spawn_blocking(|| {
        let moto = moto::start().unwrap();
        let call = |action: &str, body| {
            let target = format!("AmazonEC2ContainerServiceV20141113.{action}");
            moto.call("ecs", &target, &body).unwrap()
        };
        call("CreateCluster", json!({ "clusterName": "dev" }));
        let container = json!({ "name": "app", "image": IMAGE, "memory": 128 });
        let definition = json!({ "family": "app", "containerDefinitions": [container] });
        call("RegisterTaskDefinition", definition);
        for number in 0..13 {
            let name = format!("s{number}");
            let service = json!({
                "cluster": "dev", "serviceName": name, "taskDefinition": "app", "desiredCount": 2,
            });
            call("CreateService", service);
        }
        moto
    });
    let moto = made.await.unwrap();
    let bed = Bed::new(moto.url(), &["dev"]).await;
    // moto's clock is the machine's.
    bed.clock.0.store(4_000_000_000_000, Ordering::SeqCst);
    assert_eq!(bed.sweep().await.state, JobState::Done);
    let sweep = bed.app.store.sweeps().await.unwrap().remove(0);
    assert_eq!((sweep.services, sweep.drift, sweep.error), (13, 13, None));
    assert_eq!(bed.events(Some(JournalState::Applied)).await, 13);
}
