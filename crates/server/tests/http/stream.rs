//! The stream of what is acted on.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures::StreamExt as _;
use http::{Request, StatusCode};
use portolan_tracker::Message;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::bed::Bed;
use crate::deployments::with_places;

/// Someone who listens.
struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn start(bed: &Bed, last: Option<&str>) -> Self {
        let mut request = Request::get("/stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = bed.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event: its id, its name and its data.
    async fn next(&mut self) -> (String, String, Value) {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let frame: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| {
                    let start = format!("{name}: ");
                    frame.lines().find_map(|line| line.strip_prefix(start.as_str()))
                };
                if let Some(data) = field("data") {
                    let text = |name| field(name).unwrap().to_owned();
                    return (text("id"), text("event"), serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let part = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let part = part.unwrap().unwrap().unwrap();
            self.text.push_str(std::str::from_utf8(&part).unwrap());
        }
    }
}

async fn say(bed: &Bed, number: usize) {
    let body = json!({
        "id": format!("e-{number}"), "detail-type": "ECS Service Action",
        "time": "2026-11-20T17:00:00Z", "detail": {},
    });
    let message =
        Message { source: "sqs:q".into(), body: body.to_string(), id: None, sent_at: None };
    bed.app.intake.take(vec![message]).await.unwrap();
}

async fn what_is_acted_on_is_told_in_order_and_again(bed: Bed) {
    say(&bed, 0).await;
    bed.work().await;
    // One waits already when somebody begins to listen.
    say(&bed, 1).await;
    let mut listener = Listener::start(&bed, None).await;
    say(&bed, 2).await;
    bed.work().await;
    let first = listener.next().await;
    let second = listener.next().await;
    assert!(first.0 < second.0);
    let shown = bed.json(&format!("/events/{}", first.0)).await;
    for name in ["id", "kind", "source", "occurredAt", "recordedAt", "state", "reason"] {
        assert_eq!(first.2[name], shown[name], "{name}");
    }
    assert_eq!(
        (first.1.as_str(), &first.2["payload"]),
        (shown["kind"].as_str().unwrap(), &Value::Null)
    );
    // Much later, and more than are read at a time.
    bed.pass(60);
    for number in 3..700 {
        say(&bed, number).await;
    }
    bed.work().await;
    let mut ids = vec![first.0.clone(), second.0];
    for _ in 3..700 {
        ids.push(listener.next().await.0);
    }
    assert!(ids.is_sorted(), "in the order of the journal");
    let total = bed.json("/events").await["total"].as_u64().unwrap();
    assert_eq!(ids.len() as u64, total - 1, "each once, but for the one from before");
    let mut again = Listener::start(&bed, Some(&first.0)).await;
    for id in &ids[1..] {
        assert_eq!(again.next().await.0, *id);
    }
    let wrong = bed.send("GET", "/stream", &[("last-event-id", "x")], "").await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

async fn what_is_set_aside_is_told_too(bed: Bed) {
    let mut listener = Listener::start(&bed, None).await;
    let garbage =
        Message { source: "sqs:q".into(), body: "garbage".into(), id: None, sent_at: None };
    bed.app.intake.take(vec![garbage]).await.unwrap();
    say(&bed, 1).await;
    bed.work().await;
    let dead = listener.next().await.2;
    assert_eq!(dead["state"], "dead");
    assert!(dead["reason"].as_str().unwrap().contains("JSON"), "{dead}");
    assert_eq!(listener.next().await.2["state"], "applied");
}

with_places!(what_is_acted_on_is_told_in_order_and_again, what_is_set_aside_is_told_too);
