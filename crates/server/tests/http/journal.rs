//! The journal: what the registry said, in any order and as often as it likes.

use portolan_model::{Event, EventId, EventKind, Timestamp};
use portolan_store::{JournalFilter, JournalState, Page};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

/// Records an event as its source would.
async fn say(bed: &Bed, key: &str, at: Timestamp, kind: EventKind) -> bool {
    let event = Event { source: "registry".into(), kind, dedupe_key: key.into(), occurred_at: at };
    let (id, now) = (EventId::new(bed.store.ids()), bed.store.now());
    let put =
        bed.store.write(move |tx| Box::pin(async move { tx.append_event(id, &event, now).await }));
    put.await.unwrap()
}

fn pushed(tag: &str, image: &portolan_testkit::Image) -> EventKind {
    EventKind::ImagePushed {
        repository: "shop".parse().unwrap(),
        tag: Some(tag.parse().unwrap()),
        digest: image.digest(),
    }
}

async fn pending(bed: &Bed) -> u64 {
    let filter = JournalFilter { state: Some(JournalState::Pending), kind: None };
    bed.store.journal(&filter, Page::first(0)).await.unwrap().total
}

async fn late_and_repeated_events_change_nothing(bed: Bed) {
    let (old, new) = (service("shop", "1"), service("shop", "2"));
    bed.push("shop", "a", &old).await;
    bed.push("shop", "b", &new).await;
    let at = |millis| bed.store.now().plus_millis(millis);
    assert!(say(&bed, "two", at(2000), pushed("1.0.0", &new)).await);
    bed.work().await;
    // The first push is told after the second, and once more.
    assert!(say(&bed, "one", at(1000), pushed("1.0.0", &old)).await);
    assert!(!say(&bed, "one", at(1000), pushed("1.0.0", &old)).await, "told before");
    bed.work().await;
    assert_eq!(bed.json("/artifacts/shop/1.0.0").await["sha256"], json!(new.digest()));
    let history = bed.json("/tags/history?repo=shop&tag=1.0.0").await;
    let digests: Vec<&Value> =
        history["moves"].as_array().unwrap().iter().map(|moved| &moved["digest"]).collect();
    assert_eq!(digests, [&json!(new.digest()), &json!(old.digest())]);
    assert_eq!(pending(&bed).await, 0);
}

async fn an_image_that_is_gone_is_not_scanned(bed: Bed) {
    let gone = service("shop", "1");
    assert!(say(&bed, "gone", bed.store.now(), pushed("1.0.0", &gone)).await);
    bed.work().await;
    assert_eq!(bed.json("/jobs").await["total"], 0);
    assert_eq!(bed.json("/tags?repo=shop").await["tags"][0]["digest"], json!(gone.digest()));
    assert_eq!(bed.json("/artifacts/shop").await, json!([]), "nothing is known of it");
}

async fn a_deleted_image_takes_its_tags_along(bed: Bed) {
    let (image, other) = (service("shop", "1"), service("shop", "2"));
    for tag in ["1.0.0", "stable"] {
        bed.push("shop", tag, &image).await;
    }
    bed.push("shop", "2.0.0", &other).await;
    bed.pass(1);
    let path = format!("/v2/shop/manifests/{}", image.digest());
    assert_eq!(bed.send("DELETE", &path, &[], "").await.status, 202);
    bed.work().await;
    let tags = bed.json("/tags?repo=shop").await;
    assert_eq!((&tags["total"], &tags["tags"][0]["tag"]), (&json!(1), &json!("2.0.0")));
}

async fn what_is_pushed_by_digest_waits_for_its_index(bed: Bed) {
    let image = service("shop", "1");
    for blob in image.blobs() {
        bed.blob("shop", &blob.bytes).await;
    }
    bed.manifest("shop", &image.digest().to_string(), &image.manifest).await;
    bed.work().await;
    assert_eq!(bed.json(&format!("/images/{}", image.digest())).await["state"], "pending");
    bed.pass(6);
    bed.work().await;
    assert_eq!(bed.json(&format!("/images/{}", image.digest())).await["state"], "scanned");
}

crate::on_both_engines!(
    late_and_repeated_events_change_nothing,
    an_image_that_is_gone_is_not_scanned,
    a_deleted_image_takes_its_tags_along,
    what_is_pushed_by_digest_waits_for_its_index,
);

#[tokio::test]
async fn what_is_not_understood_is_set_aside() {
    let bed = Bed::postgres().await;
    assert!(say(&bed, "bad", bed.store.now(), pushed("1", &service("shop", "1"))).await);
    let database = bed.database.as_ref().unwrap();
    database
        .query("UPDATE journal SET raw_bytes = NULL, payload = '{\"kind\":\"moon-landed\"}'")
        .unwrap();
    assert!(say(&bed, "good", bed.store.now(), pushed("2", &service("shop", "2"))).await);
    bed.work().await;
    let dead = JournalFilter { state: Some(JournalState::Dead), kind: None };
    let dead = bed.store.journal(&dead, Page::first(10)).await.unwrap().items;
    assert_eq!(dead.len(), 1);
    assert!(dead[0].reason.as_ref().unwrap().contains("not understood"));
    assert_eq!(pending(&bed).await, 0, "the next one is not held up");
}
