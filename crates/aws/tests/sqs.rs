//! Queues, against moto.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use portolan_aws::sqs::{BATCH, Queue, Received};
use portolan_aws::{AwsSettings, StaticKey};
use portolan_model::Secret;
use portolan_testkit::moto::{self, Moto};
use serde_json::json;

const AT_ONCE: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_mins(1);

fn settings(moto: &Moto) -> AwsSettings {
    AwsSettings {
        region: Some(moto::REGION.to_owned()),
        endpoint: Some(moto.url()),
        key: Some(StaticKey {
            id: "test".into(),
            secret: Secret::new("test".into()),
            session: None,
        }),
        ..AwsSettings::default()
    }
}

fn start() -> Moto {
    moto::start().unwrap()
}

fn receipts(messages: &[Received]) -> Vec<portolan_aws::sqs::Receipt> {
    messages.iter().map(|message| message.receipt.clone()).collect()
}

#[tokio::test]
async fn batches_are_received_hidden_and_deleted() {
    let moto = start();
    let url = moto.queue("ecs-deployments", &json!({})).unwrap();
    let bodies: Vec<_> = (0..25).map(|number| format!("{{\"n\": {number}}}")).collect();
    moto.send(&url, &bodies).unwrap();
    let queue = Queue::open("ecs-deployments", &settings(&moto)).await.unwrap();
    assert_eq!((queue.name(), queue.url()), ("ecs-deployments", url.as_str()));

    let (mut seen, mut ids) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let messages = queue.receive(AT_ONCE, MINUTE).await.unwrap();
        assert!(messages.len() <= BATCH);
        if messages.is_empty() {
            break;
        }
        for message in &messages {
            assert_eq!(message.receives, 1);
            assert!(message.sent_at.unwrap().millis() > 1_700_000_000_000, "{message:?}");
            assert!(ids.insert(message.id.clone()), "received twice: {message:?}");
            seen.insert(message.body.clone());
        }
        assert_eq!(queue.delete(&receipts(&messages)).await.unwrap(), 0);
    }
    assert_eq!(seen, bodies.into_iter().collect());
    assert_eq!(moto.waiting(&url).unwrap(), (0, 0));
}

#[tokio::test]
async fn a_url_alone_says_where_the_queue_is() {
    let moto = start();
    let url = moto.queue("q", &json!({})).unwrap();
    moto.send(&url, &["hello"]).unwrap();
    let settings = AwsSettings { endpoint: None, ..settings(&moto) };
    let queue = Queue::open(&url, &settings).await.unwrap();
    assert_eq!(queue.name(), "q");
    let messages = queue.receive(AT_ONCE, MINUTE).await.unwrap();
    assert_eq!(messages[0].body, "hello");
}

#[tokio::test]
async fn what_is_worked_on_can_be_kept_hidden_or_given_back() {
    let moto = start();
    let url = moto.queue("q", &json!({})).unwrap();
    moto.send(&url, &["a"]).unwrap();
    let queue = Queue::open("q", &settings(&moto)).await.unwrap();
    let first = queue.receive(AT_ONCE, Duration::from_secs(1)).await.unwrap();
    assert_eq!(queue.extend(&receipts(&first), MINUTE).await.unwrap(), 0);
    // Longer than it was hidden for at first: moto counts whole seconds.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert!(queue.receive(AT_ONCE, MINUTE).await.unwrap().is_empty(), "still worked on");
    assert_eq!(queue.extend(&receipts(&first), AT_ONCE).await.unwrap(), 0);
    let again = queue.receive(Duration::from_secs(5), MINUTE).await.unwrap();
    assert_eq!((again[0].id.as_str(), again[0].receives), (first[0].id.as_str(), 2));
}

#[tokio::test]
async fn a_long_poll_ends_when_something_is_sent() {
    let moto = start();
    let url = moto.queue("q", &json!({})).unwrap();
    let queue = Queue::open("q", &settings(&moto)).await.unwrap();
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.receive(Duration::from_secs(20), MINUTE).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished(), "a long poll waits");
    let sent = Instant::now();
    let sending = tokio::task::spawn_blocking(move || moto.send(&url, &["late"]).map(|()| moto));
    // Held: with it the queue would go before the answer has come.
    let _moto = sending.await.unwrap().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap()[0].body, "late");
    assert!(sent.elapsed() < Duration::from_secs(10), "{:?}", sent.elapsed());
}

#[tokio::test]
async fn what_is_never_deleted_ends_among_the_dead_letters() {
    let moto = start();
    let dead = moto.queue("dead", &json!({})).unwrap();
    let target = format!("arn:aws:sqs:{}:{}:dead", moto::REGION, moto::ACCOUNT);
    let redrive = json!({ "deadLetterTargetArn": target, "maxReceiveCount": 2 }).to_string();
    let url = moto.queue("q", &json!({ "RedrivePolicy": redrive })).unwrap();
    moto.send(&url, &["poison"]).unwrap();
    let queue = Queue::open("q", &settings(&moto)).await.unwrap();
    for _ in 0..2 {
        let messages = queue.receive(Duration::from_secs(5), MINUTE).await.unwrap();
        queue.extend(&receipts(&messages), AT_ONCE).await.unwrap();
    }
    assert!(queue.receive(AT_ONCE, MINUTE).await.unwrap().is_empty());
    assert_eq!(moto.waiting(&dead).unwrap(), (1, 0));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_an_error_with_its_name() {
    let moto = start();
    let error = Queue::open("nowhere", &settings(&moto)).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(error.code().is_some_and(|code| code.contains("NonExistentQueue")), "{error:?}");
    let gone = format!("{}/{}/gone", moto.url(), moto::ACCOUNT);
    let queue = Queue::open(&gone, &settings(&moto)).await.unwrap();
    assert!(queue.receive(AT_ONCE, MINUTE).await.is_err());
}
