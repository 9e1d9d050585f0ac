//! Receiving from SQS, as moto has it: recorded once, deleted only then, by any number of processes.

use std::time::{Duration, Instant};

use portolan_aws::{AwsSettings, StaticKey};
use portolan_model::Secret;
use portolan_server::Settings;
use portolan_store::{JournalFilter, JournalState, Page};
use portolan_testkit::moto::{self, Moto};
use portolan_tracker::{Environment, Places};
use serde_json::{Value, json};

use crate::bed::Bed;

/// How long anything may take to show.
const PATIENCE: Duration = Duration::from_secs(30);

async fn moto() -> Moto {
    tokio::task::spawn_blocking(|| moto::start().unwrap()).await.unwrap()
}

/// What `ask` answers of moto, which blocks.
fn of<T, E: std::fmt::Debug>(moto: &Moto, ask: impl FnOnce(&Moto) -> Result<T, E>) -> T {
    tokio::task::block_in_place(|| ask(moto).unwrap())
}

fn receive(settings: &mut Settings, moto: &Moto, queues: &[&str]) {
    settings.aws.queues = queues.iter().map(|&queue| queue.to_owned()).collect();
    settings.aws.reach = AwsSettings {
        region: Some(moto::REGION.to_owned()),
        endpoint: Some(moto.url()),
        key: Some(StaticKey {
            id: "test".into(),
            secret: Secret::new("test".into()),
            session: None,
        }),
        ..AwsSettings::default()
    };
    let development =
        Environment { name: "dev".into(), account: Some("333".into()), ..Environment::default() };
    settings.track.places = Places::new(vec![development]);
}

fn task(number: usize) -> String {
    json!({
        "id": format!("event-{number}"),
        "detail-type": "ECS Task State Change",
        "account": "333",
        "time": "2026-11-20T17:00:00Z",
        "region": moto::REGION,
        "detail": {
            "taskArn": format!("arn:aws:ecs:{}:333:task/dev/{number}", moto::REGION),
            "createdAt": "2026-11-20T17:00:00Z",
            "desiredStatus": "RUNNING",
            "lastStatus": "RUNNING",
            "containers": [{
                "name": "orders",
                "image": "333.dkr.ecr.eu-west-2.amazonaws.com/orders:1.0.0",
                "lastStatus": "RUNNING",
            }],
        },
    })
    .to_string()
}

async fn recorded(bed: &Bed, state: Option<JournalState>) -> u64 {
    let filter = JournalFilter { state, kind: None };
    bed.store.journal(&filter, Page::first(0)).await.unwrap().total
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_queues_hold_is_recorded_once_and_deleted() {
    let moto = moto().await;
    let ecr = of(&moto, |moto| moto.queue("ecr-push-events", &json!({})));
    let ecs = of(&moto, |moto| moto.queue("ecs-deployments", &json!({})));
    let mut bodies: Vec<_> = (0..23).map(task).collect();
    bodies.push(task(7));
    bodies.push("this is no event".to_owned());
    of(&moto, |moto| moto.send(&ecs, &bodies));
    let push = json!({ "detail": {
        "result": "SUCCESS", "action-type": "PUSH", "image-tag": "1.0.0", "repository-name": "orders",
    }});
    of(&moto, |moto| moto.send(&ecr, &[push.to_string()]));
    // One by its name, one by its URL.
    let bed =
        Bed::with(|settings| receive(settings, &moto, &["ecs-deployments", ecr.as_str()])).await;
    let workers = bed.app.start_workers();
    eventually("all is recorded", async || recorded(&bed, None).await == 25).await;
    for url in [&ecr, &ecs] {
        eventually("all is deleted", async || of(&moto, |moto| moto.waiting(url)) == (0, 0)).await;
    }
    eventually("all is acted on", async || recorded(&bed, Some(JournalState::Pending)).await == 0)
        .await;
    let stop = Instant::now();
    workers.stop().await;
    assert!(stop.elapsed() < Duration::from_secs(5), "a long poll does not hold up the end");

    let dead = JournalFilter { state: Some(JournalState::Dead), kind: None };
    let dead = bed.store.journal(&dead, Page::first(10)).await.unwrap();
    assert_eq!((dead.total, dead.items[0].payload.as_str()), (1, "this is no event"));
    assert_eq!(dead.items[0].source, "sqs:ecs-deployments");
    assert_eq!(bed.store.tasks_open("dev").await.unwrap().len(), 23);
    let told = bed.get("/metrics").await.text();
    let count = |became: &str| {
        let line = format!(
            "portolan_queue_messages_total{{queue=\"ecs-deployments\",became=\"{became}\"}} "
        );
        let rest = told.split_once(&line).map_or("0", |(_, rest)| rest);
        rest.lines().next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(
        [count("received"), count("recorded"), count("repeated"), count("dead")],
        [25, 24, 1, 1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_a_queue() {
    let moto = moto().await;
    let url = of(&moto, |moto| moto.queue("q", &json!({})));
    let bodies: Vec<_> = (0..120).map(task).collect();
    let many = |settings: &mut Settings| {
        receive(settings, &moto, &["q"]);
        settings.aws.pollers = 2;
    };
    let bed = Bed::postgres_with(many).await;
    let replica = bed.replica_with(many).await;
    let workers = [bed.app.start_workers(), replica.start_workers()];
    of(&moto, |moto| moto.send(&url, &bodies));
    eventually("all is deleted", async || of(&moto, |moto| moto.waiting(&url)) == (0, 0)).await;
    assert_eq!(recorded(&bed, None).await, 120);
    for workers in workers {
        workers.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_recorded_is_not_deleted() {
    let moto = moto().await;
    let url = of(&moto, |moto| moto.queue("q", &json!({})));
    let mut bed = Bed::postgres_with(|settings| receive(settings, &moto, &["q"])).await;
    // The store is gone for good.
    tokio::task::block_in_place(|| drop(bed.database.take()));
    of(&moto, |moto| moto.send(&url, &[task(1), task(2)]));
    let workers = bed.app.start_workers();
    eventually("the messages are received", async || {
        let (visible, hidden) = of(&moto, |moto| moto.waiting(&url));
        (visible, hidden) == (0, 2)
    })
    .await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    workers.stop().await;
    assert_eq!(of(&moto, |moto| moto.waiting(&url)), (0, 2), "hidden, and still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_store_stays_hidden() {
    let moto = moto().await;
    let url = of(&moto, |moto| moto.queue("q", &json!({})));
    let bed = Bed::with(|settings| {
        receive(settings, &moto, &["q"]);
        (settings.aws.pollers, settings.aws.hidden) = (2, Duration::from_secs(3));
    })
    .await;
    let store = bed.store.clone();
    // Longer than messages are hidden for at first; other changes wait for it.
    let busy = tokio::spawn(async move {
        let work = Duration::from_secs(8);
        let change = store.write(move |_| {
            Box::pin(async move {
                tokio::time::sleep(work).await;
                Ok(())
            })
        });
        change.await.unwrap();
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let workers = bed.app.start_workers();
    of(&moto, |moto| moto.send(&url, &[task(1), task(2)]));
    busy.await.unwrap();
    eventually("all is deleted", async || of(&moto, |moto| moto.waiting(&url)) == (0, 0)).await;
    let told = bed.get("/metrics").await.text();
    let line = "portolan_queue_messages_total{queue=\"q\",became=\"received\"} 2";
    assert!(told.lines().any(|it| it == line), "received twice: {told}");
    workers.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_fails_is_tried_again_and_shows() {
    let moto = moto().await;
    let bed = Bed::with(|settings| receive(settings, &moto, &["late"])).await;
    let workers = bed.app.start_workers();
    let metric = async |line: &str| bed.get("/metrics").await.text().lines().any(|it| it == line);
    eventually("the failure shows", async || {
        metric("portolan_queue_failing{queue=\"late\"} 1").await
    })
    .await;
    let url = of(&moto, |moto| moto.queue("late", &json!({})));
    of(&moto, |moto| moto.send(&url, &[task(1)]));
    eventually("the message is recorded", async || recorded(&bed, None).await == 1).await;
    eventually("the failure is over", async || {
        metric("portolan_queue_failing{queue=\"late\"} 0").await
    })
    .await;
    let failures = bed.get("/metrics").await.text();
    let failures: Vec<Value> = failures
        .lines()
        .filter_map(|line| line.strip_prefix("portolan_queue_failures_total{queue=\"late\"} "))
        .map(|count| serde_json::from_str(count).unwrap())
        .collect();
    // It waits longer each time: no spin.
    assert!(failures[0].as_u64().unwrap() <= 8, "{failures:?}");
    workers.stop().await;
}
