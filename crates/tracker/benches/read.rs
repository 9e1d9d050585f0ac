//! How fast events are opened and read: the path of every one that arrives.
//!
//! The event is a task's, as ECS sends it: without white space, 1.7 KB; plain, and as SQS hands it
//! over when SNS carried it.

#![allow(missing_docs, reason = "what criterion makes is not for readers")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portolan_model::Timestamp;
use portolan_tracker::envelope::open;
use portolan_tracker::read::read;

const EVENT: &str = include_str!("../tests/fixtures/ecs-task-running.json");

fn compact(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

fn bench(criterion: &mut Criterion) {
    let event = compact(EVENT);
    let notification =
        serde_json::json!({ "Type": "Notification", "MessageId": "m", "Message": event });
    let wrapped = notification.to_string();
    let received = Timestamp::from_millis(0);
    let mut group = criterion.benchmark_group("event");
    group.throughput(Throughput::Bytes(event.len() as u64));
    group.bench_function("open", |bencher| bencher.iter(|| open(black_box(&event))));
    group.bench_function("open out of SNS", |bencher| bencher.iter(|| open(black_box(&wrapped))));
    if let Some(inner) = open(&event).ok().and_then(|mut inner| inner.pop()) {
        group.bench_function("read", |bencher| {
            bencher.iter(|| read(inner.kind, black_box(&inner.body), received));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
