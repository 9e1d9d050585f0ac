//! Tasks whose image is not known are held, and appear when it is.

use portolan_model::{Digest, Timestamp};
use portolan_store::{JournalFilter, JournalState, Page};
use portolan_tracker::running::RunningFilter;
use serde_json::{Value, json};

use crate::bed::{ACCOUNTS, Bed};

crate::on_both_engines!(
    a_task_appears_when_its_image_is_known,
    a_held_task_hides_no_later_one_of_its_deployment,
    a_tag_means_what_it_pointed_to_when_the_task_was_made,
    ignored_containers_are_left_out,
    an_unknown_account_is_set_aside_and_can_be_replayed,
);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn task(account: &str, name: &str, created: &str, containers: &Value) -> String {
    json!({
        "id": format!("event of {name}"),
        "detail-type": "ECS Task State Change",
        "account": account,
        "time": created,
        "region": "eu-west-2",
        "detail": {
            "createdAt": created, "updatedAt": created, "startedAt": created,
            "desiredStatus": "RUNNING", "lastStatus": "RUNNING", "version": 3,
            "clusterArn": format!("arn:aws:ecs:eu-west-2:{account}:cluster/main"),
            "taskArn": format!("arn:aws:ecs:eu-west-2:{account}:task/main/{name}"),
            "taskDefinitionArn": format!("arn:aws:ecs:eu-west-2:{account}:task-definition/x:1"),
            "startedBy": format!("ecs-svc/{name}"), "group": "service:x-service",
            "containers": containers,
        },
    })
    .to_string()
}

fn container(name: &str, image: &str) -> Value {
    json!({ "name": name, "image": image, "lastStatus": "RUNNING" })
}

async fn running(bed: &Bed, moment: &str) -> Vec<(String, String, u64)> {
    let running = bed.tracker.running(at(moment), &RunningFilter::default()).await.unwrap();
    let told = |cell: &portolan_tracker::Cell| {
        (cell.service.clone(), cell.version().to_owned(), cell.counts.running)
    };
    running.cells.iter().map(told).collect()
}

const LATER: &str = "2026-11-02T12:00:00Z";

async fn a_task_appears_when_its_image_is_known(bed: Bed) {
    let image = Digest::of(b"x");
    let mut containers = json!([container("x", "r.example:5000/team/x:1.0.0")]);
    containers[0]["imageDigest"] = image.to_string().into();
    bed.say([task(ACCOUNTS[0], "a", "2026-11-02T10:00:00Z", &containers)]).await;
    bed.work(10).await;
    assert_eq!(running(&bed, LATER).await, []);
    assert_eq!(bed.store.tasks_held(at(LATER)).await.unwrap(), 1);
    bed.know("team/x", image, Some("labelled")).await;
    assert_eq!(running(&bed, LATER).await, [("labelled".into(), "1.0.0".into(), 1)]);
    assert_eq!(bed.store.tasks_held(at(LATER)).await.unwrap(), 0);
    // Without a label it is the service of ECS.
    bed.know("team/x", image, None).await;
    assert_eq!(running(&bed, LATER).await, [("x-service".into(), "1.0.0".into(), 1)]);
}

async fn a_held_task_hides_no_later_one_of_its_deployment(bed: Bed) {
    let image = Digest::of(b"x");
    bed.know("team/x", image, Some("x")).await;
    let of_one = |name: &str, created: &str, containers: &Value| {
        let said = task(ACCOUNTS[0], name, created, containers);
        said.replace(&format!("ecs-svc/{name}"), "ecs-svc/one")
    };
    // The first task is placed, and nothing more is ever heard of it: which image, nobody can tell.
    let unknown = json!([container("x", "r.example:5000/team/x:unheard-of")]);
    bed.say([of_one("a", "2026-11-02T10:00:00Z", &unknown)]).await;
    bed.work(10).await;
    let mut known = json!([container("x", "r.example:5000/team/x:1.0.0")]);
    known[0]["imageDigest"] = image.to_string().into();
    bed.say([of_one("b", "2026-11-02T10:01:00Z", &known)]).await;
    bed.work(10).await;
    let (_, held, deployments) = bed.dump().await;
    assert_eq!(held.len(), 1);
    let told: Vec<_> = deployments.iter().map(|it| (it.service.as_deref(), it.digest)).collect();
    assert_eq!(told, [(Some("x"), Some(image))]);
    let rows = bed.dump().await;
    bed.tracker.rebuild().await.unwrap();
    assert_eq!(bed.dump().await, rows);
}

async fn a_tag_means_what_it_pointed_to_when_the_task_was_made(bed: Bed) {
    let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
    for (image, service) in [(old, "old"), (new, "new")] {
        bed.know("x", image, Some(service)).await;
    }
    let containers = json!([container("x", "r.example/x:1")]);
    bed.say([
        task(ACCOUNTS[0], "a", "2026-11-02T10:00:00Z", &containers),
        task(ACCOUNTS[1], "b", "2026-11-02T11:00:00Z", &containers),
    ])
    .await;
    bed.work(10).await;
    assert_eq!(running(&bed, LATER).await, []);
    // What moved first is told last.
    bed.tag("x", "1", new, at("2026-11-02T10:30:00Z")).await;
    let told = |name: &str| (name.to_owned(), "1".to_owned(), 1);
    assert_eq!(running(&bed, LATER).await, [told("new"), told("new")]);
    bed.tag("x", "1", old, at("2026-11-02T09:30:00Z")).await;
    assert_eq!(running(&bed, LATER).await, [told("new"), told("old")]);
}

async fn ignored_containers_are_left_out(bed: Bed) {
    let image = Digest::of(b"x");
    bed.know("x", image, Some("x")).await;
    bed.tag("x", "1", image, at("2026-11-01T00:00:00Z")).await;
    let sidecar = container("cwagent", "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:latest");
    let containers = json!([sidecar, container("x", "r.example/x:1")]);
    bed.say([task(ACCOUNTS[0], "a", "2026-11-02T10:00:00Z", &containers)]).await;
    bed.work(10).await;
    assert_eq!(running(&bed, LATER).await, [("x".into(), "1".into(), 1)]);
    assert_eq!(bed.store.tasks_held(at(LATER)).await.unwrap(), 0);
}

async fn an_unknown_account_is_set_aside_and_can_be_replayed(bed: Bed) {
    let containers = json!([container("x", "r.example/x:1")]);
    bed.say([task("999999999999", "a", "2026-11-02T10:00:00Z", &containers)]).await;
    bed.work(10).await;
    let dead = JournalFilter { state: Some(JournalState::Dead), kind: None };
    let found = bed.store.journal(&dead, Page::ALL).await.unwrap();
    let entry = &found.items[0];
    let reason = entry.reason.clone().unwrap();
    assert!(reason.contains("999999999999") && reason.contains("[environments"), "{reason}");
    let id = entry.id;
    let replay = bed.store.write(move |tx| Box::pin(async move { tx.replay_event(id).await }));
    assert!(replay.await.unwrap());
    assert_eq!(bed.store.pending_events(None, 10).await.unwrap().len(), 1);
}
