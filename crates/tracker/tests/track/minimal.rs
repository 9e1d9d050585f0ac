//! Messages with no more than the replaced tool's own walk-through sends.

use portolan_model::{Digest, Timestamp};
use portolan_store::Page;
use portolan_tracker::running::RunningFilter;
use portolan_tracker::{Status, Wanted};
use serde_json::{Value, json};

use crate::bed::{ACCOUNTS, Bed};

crate::on_both_engines!(the_newest_of_a_slot_runs, one_body_from_two_accounts_is_two_tasks);

fn body(account: &str, id: &str, created: &str, tag: &str) -> Value {
    json!({
        "id": id, "detail-type": "ECS Task State Change", "account": account,
        "time": created, "region": "eu-west-2",
        "detail": {
            "createdAt": created, "desiredStatus": "RUNNING", "lastStatus": "RUNNING",
            "cpu": "256", "memory": "512",
            "taskDefinitionArn": format!("arn:aws:ecs:eu-west-2:{account}:task-definition/x:41"),
            "containers": [{ "name": "x", "image": format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/x:{tag}"), "lastStatus": "RUNNING" }],
        },
    })
}

async fn know(bed: &Bed, tags: &[&str]) {
    for tag in tags {
        let image = Digest::of(tag.as_bytes());
        bed.know("x", image, Some("x")).await;
        bed.tag("x", tag, image, "2026-11-01T00:00:00Z".parse().unwrap()).await;
    }
}

async fn versions(bed: &Bed, at: &str) -> Vec<(String, String, u64)> {
    let at: Timestamp = at.parse().unwrap();
    let running = bed.tracker.running(at, &RunningFilter::default()).await.unwrap();
    let told = |cell: &portolan_tracker::Cell| {
        (cell.environment.clone(), cell.version().to_owned(), cell.counts.running)
    };
    running.cells.iter().map(told).collect()
}

async fn the_newest_of_a_slot_runs(bed: Bed) {
    know(&bed, &["0.30.0", "0.31.0"]).await;
    let told = [("b", "2026-11-02T13:00:00Z", "0.31.0"), ("a", "2026-11-02T12:00:00Z", "0.30.0")];
    for (id, created, tag) in told {
        bed.say([body(ACCOUNTS[0], id, created, tag).to_string()]).await;
        bed.work(10).await;
    }
    let dev = |version: &str| [("dev".to_owned(), version.to_owned(), 1)];
    assert_eq!(versions(&bed, "2026-11-02T12:30:00Z").await, dev("0.30.0"));
    assert_eq!(versions(&bed, "2026-11-02T14:00:00Z").await, dev("0.31.0"));
    let now = "2026-11-02T14:00:00Z".parse().unwrap();
    let all = bed.tracker.deployments(&Wanted::default(), now, Page::ALL).await.unwrap();
    let told: Vec<_> = all.items.iter().map(|it| (it.id(), it.verdict.status)).collect();
    assert_eq!(told, [("b", Status::Running), ("a", Status::Stopped)]);
}

async fn one_body_from_two_accounts_is_two_tasks(bed: Bed) {
    know(&bed, &["0.30.0"]).await;
    let bodies =
        ACCOUNTS.map(|account| body(account, "same", "2026-11-02T12:00:00Z", "0.30.0").to_string());
    bed.say(bodies).await;
    bed.work(10).await;
    let told = |name: &str| (name.to_owned(), "0.30.0".to_owned(), 1);
    assert_eq!(versions(&bed, "2026-11-02T14:00:00Z").await, [told("dev"), told("prod")]);
}
