//! Events over HTTP: taken in, shown, replayed.

use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

const TASK: &str = r#"{ "id":"e-1","detail-type":"ECS Task State Change", "account":"1",
  "region":"r", "time":"2026-11-02T12:00:00Z", "detail":{"lastStatus":"RUNNING",
  "desiredStatus":"RUNNING","containers":[]}}"#;

async fn put(bed: &Bed, body: impl Into<String>) -> Answer {
    bed.send("POST", "/events", &[("content-type", "application/json")], body.into()).await
}

/// What was recorded of a body that is taken.
async fn taken(bed: &Bed, body: impl Into<String>) -> Vec<String> {
    let answer = put(bed, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let recorded = answer.json()["recorded"].clone();
    serde_json::from_value(recorded).unwrap()
}

async fn total(bed: &Bed, query: &str) -> u64 {
    bed.json(&format!("/events?{query}")).await["total"].as_u64().unwrap()
}

async fn an_event_is_in_the_journal_once_and_to_the_byte(bed: Bed) {
    let ids = taken(&bed, TASK).await;
    assert_eq!(ids.len(), 1);
    let sns = json!({ "Type": "Notification", "MessageId": "m", "Message": TASK }).to_string();
    let wrapped = json!({ "Records": [{ "messageId": "q", "body": sns }] });
    let again = put(&bed, wrapped.to_string()).await.json();
    assert_eq!(again, json!({ "recorded": [], "repeated": 1 }));
    let shown = bed.get(&format!("/events/{}", ids[0])).await;
    assert!(shown.text().contains(TASK), "{}", shown.text());
    let shown = shown.json();
    assert_eq!(shown["kind"], "ecs-task");
    assert_eq!(shown["source"], "http");
    assert_eq!(shown["occurredAt"], "2026-11-02T12:00:00.000Z");
    assert_eq!(shown["recordedAt"], "2026-11-20T18:00:00.000Z");
}

async fn many_at_once_and_what_cannot_be_read_is_told_afterwards(bed: Bed) {
    let push = r#"{"detail":{"result":"SUCCESS","action-type":"OTHER","image-tag":"1","repository-name":"a"}}"#;
    let ids = taken(&bed, format!("[{push},{{\"hello\":1}},{TASK}]")).await;
    assert_eq!(ids.len(), 3);
    assert_eq!(total(&bed, "state=pending").await, 3);
    bed.work().await;
    assert_eq!(total(&bed, "state=pending").await, 0);
    let dead = bed.json(&format!("/events/{}", ids[1])).await;
    assert_eq!((&dead["state"], &dead["kind"]), (&json!("dead"), &json!("other")), "{dead}");
    assert!(dead["reason"].as_str().unwrap().contains("no kind of event"), "{dead}");
    let shown = bed.json("/events?dead&size=1").await;
    assert_eq!(shown["events"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(total(&bed, "kind=ecs-task").await, 1);
    assert_eq!(total(&bed, "dead=false").await, 3);
}

async fn dead_events_are_replayed_alone_and_together(bed: Bed) {
    let ids = taken(&bed, r#"[{"hello":1},{"hello":2}]"#).await;
    bed.work().await;
    assert_eq!(total(&bed, "dead=true").await, 2);
    let answer = bed.post(&format!("/events/{}/replay", ids[0])).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (202, json!({ "replayed": 1 })));
    let shown = bed.json(&format!("/events/{}", ids[0])).await;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("pending"), &Value::Null));
    let answer = bed.post("/events/replay?state=dead&kind=ecs-task").await;
    assert_eq!(answer.json(), json!({ "replayed": 0 }));
    let answer = bed.post("/events/replay?state=dead").await;
    assert_eq!(answer.json(), json!({ "replayed": 1 }));
    assert_eq!(total(&bed, "state=pending").await, 2);
    bed.work().await;
    assert_eq!(total(&bed, "state=dead").await, 2);
}

async fn a_key_makes_an_event_without_identity_one(bed: Bed) {
    let push = r#"{"detail":{"result":"SUCCESS","action-type":"PUSH","image-tag":"1","repository-name":"a"}}"#;
    for repeated in [0, 1] {
        let answer = bed.send("POST", "/events", &[("idempotency-key", "k")], push).await;
        assert_eq!(answer.json()["repeated"], repeated, "{}", answer.text());
    }
    for _ in 0..2 {
        assert_eq!(taken(&bed, push).await.len(), 1, "told twice, it happened twice");
    }
    let long = "k".repeat(201);
    for key in ["", long.as_str()] {
        let answer = bed.send("POST", "/events", &[("idempotency-key", key)], push).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
    }
}

crate::on_both_engines!(
    an_event_is_in_the_journal_once_and_to_the_byte,
    many_at_once_and_what_cannot_be_read_is_told_afterwards,
    dead_events_are_replayed_alone_and_together,
    a_key_makes_an_event_without_identity_one,
);

#[tokio::test]
async fn what_is_no_event_is_refused_and_not_recorded() {
    let bed = Bed::sqlite().await;
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    let nested = format!("{}{TASK}{}", "[".repeat(5), "]".repeat(5));
    for (body, status, message) in [
        (String::new(), 400, "not JSON"),
        ("not json".to_owned(), 400, "not JSON"),
        ("17".to_owned(), 400, "expected an event"),
        (nested, 400, "wrapped more than 4 times"),
        (many, 413, "more than 10000 events"),
        ("x".repeat((1 << 20) + 1), 413, "more than 1048576 bytes"),
        ("x".repeat(10 << 20), 413, "more than 1048576 bytes"),
    ] {
        let answer = put(&bed, body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        let said = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(said.contains(message), "{said}");
    }
    let answer = bed.send("POST", "/events", &[], vec![b'"', 0xff, b'"']).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(total(&bed, "").await, 0);
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let bed = Bed::sqlite().await;
    for (method, path, status) in [
        ("GET", "/events?state=asleep", 400),
        ("GET", "/events?dead=perhaps", 400),
        ("GET", "/events?dead&state=applied", 400),
        ("GET", "/events?size=-1", 400),
        ("GET", "/events?kind=%00", 400),
        ("GET", "/events/x", 404),
        ("POST", "/events/x/replay", 404),
        ("POST", "/events/00000000-0000-4000-8000-000000000000/replay", 404),
        ("POST", "/events/replay", 400),
        ("POST", "/events/replay?state=applied", 400),
    ] {
        let answer = bed.send(method, path, &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text());
        assert!(answer.json()["message"].is_string(), "{method} {path}");
    }
}

#[tokio::test]
async fn cloudevents_in_binary_and_in_batched_mode() {
    let bed = Bed::sqlite().await;
    let binary = [
        ("ce-specversion", "1.0"),
        ("ce-id", "c-1"),
        ("ce-type", "org.example.service.deployed"),
        ("ce-source", "/ci/%C3%A9t%C3%A9"),
        ("ce-subject", "orders"),
        ("ce-time", "2026-11-02T10:00:00Z"),
    ];
    let data = r#"{ "environment":"staging", "image":"r.example/orders:1" }"#;
    let answer = bed.send("POST", "/events", &binary, data).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["recorded"][0].as_str().unwrap().to_owned();
    let shown = bed.json(&format!("/events/{id}")).await;
    assert_eq!((&shown["kind"], &shown["payload"]["id"]), (&json!("cloudevent"), &json!("c-1")));
    assert_eq!(shown["payload"]["source"], "/ci/été");
    assert_eq!(shown["payload"]["data"]["environment"], "staging");
    let refused = bed.send("POST", "/events", &binary, "not json").await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    let refused = bed.send("POST", "/events", &binary[..1], data).await;
    assert_eq!(refused.json()["message"], "the header `ce-id` is missing");
    let batch = json!([{ "specversion": "1.0", "id": "c-2", "type": "a" }, { "specversion": "1.0", "id": "c-3", "type": "b" }]);
    assert_eq!(taken(&bed, batch.to_string()).await.len(), 2);
}
