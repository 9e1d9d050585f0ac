//! Notifications of deployments that were observed, by a server at work; the list; trying a rule out.

use std::time::Duration;

use http::StatusCode;
use portolan_model::Secret;
use portolan_server::{NotificationKind, NotificationRule, Occasion};
use portolan_testkit::receiver::{Receiver, Reply};

use crate::bed::Bed;
use crate::story::{places, told};

fn rule(name: &str, receiver: &Receiver) -> NotificationRule {
    NotificationRule {
        name: name.to_owned(),
        kind: NotificationKind::Webhook,
        url: Secret::new(receiver.url("/hunter2").parse().unwrap()),
        secret: None,
        occasions: vec![
            Occasion::DeploymentSucceeded,
            Occasion::DeploymentFailed,
            Occasion::RolledBack,
        ],
        environments: Vec::new(),
        services: Vec::new(),
        private: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_told_of_once() {
    let receiver = Receiver::start([]).unwrap();
    let bed = Bed::with(|settings| {
        places(settings);
        settings.notifications.rules = vec![rule("ops", &receiver)];
    });
    let bed = bed.await;
    // The rule looks since the morning.
    bed.pass(-10 * 3600);
    let workers = bed.app.start_workers();
    tokio::time::sleep(Duration::from_millis(500)).await;
    bed.pass(10 * 3600);
    told(&bed).await;
    bed.store.wake_changes().await;
    let receiver = tokio::task::spawn_blocking(move || {
        receiver.wait(4, Duration::from_secs(30)).unwrap();
        receiver
    });
    let receiver = receiver.await.unwrap();
    workers.stop().await;
    let mut summaries: Vec<String> = Vec::new();
    for request in receiver.received() {
        let body = request.json().unwrap();
        summaries.push(body["summary"].as_str().unwrap().to_owned());
        assert_eq!(body["service"], body["details"]["service"], "{body}");
    }
    summaries.sort();
    let failed =
        "shop 1.1.0 failed in prod: ECS deployment circuit breaker: tasks failed to start.";
    assert_eq!(
        summaries,
        ["cart 2.0.0 runs in test", "shop 1.0.0 runs in prod", failed, "shop 1.1.0 runs in test",]
    );
    let list = bed.json("/notifications?size=1&state=sent").await;
    assert_eq!((&list["total"], &list["totalPages"]), (&4.into(), &4.into()));
    assert_eq!(list["notifications"].as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains("hunter2"));
    assert_eq!(bed.json("/notifications?rule=nobody").await["total"], 0);
    assert_eq!(bed.get("/notifications?state=lost").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_tried_out_at_once() {
    let receiver = Receiver::start([Reply::status(200), Reply::status(503)]).unwrap();
    let bed = Bed::with(|settings| settings.notifications.rules = vec![rule("ops", &receiver)]);
    let bed = bed.await;
    for (state, status) in [("sent", 200), ("failed", 503)] {
        let answer = bed.post("/notifications/ops/test").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let told = answer.json();
        assert_eq!((&told["state"], &told["status"]), (&state.into(), &status.into()));
        assert!(!answer.text().contains("hunter2"));
    }
    assert_eq!(bed.post("/notifications/nobody/test").await.status, StatusCode::NOT_FOUND);
    assert_eq!(bed.json("/notifications").await["total"], 2);
    assert_eq!(receiver.received().len(), 2, "a test is sent once");
}
