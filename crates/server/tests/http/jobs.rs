//! Jobs: leases, retries, what is shown of them.

use portolan_model::JobId;
use portolan_store::{Job, NewJob};
use serde_json::{Value, json};

use crate::bed::{Bed, service};

/// Queues a job of any kind by hand.
async fn queue(bed: &Bed, kind: &'static str, payload: Value) -> JobId {
    let (id, now) = (JobId::new(bed.store.ids()), bed.store.now());
    let job = NewJob { kind, payload, dedupe_key: None, priority: 0, run_at: now };
    let put = bed.store.write(move |tx| Box::pin(async move { tx.enqueue(id, &job, now).await }));
    assert!(put.await.unwrap());
    id
}

async fn job(bed: &Bed, id: JobId) -> Job {
    bed.store.job(id).await.unwrap().unwrap()
}

/// Takes a job as another process would.
async fn claim(bed: &Bed, kinds: &'static [&'static str]) -> Job {
    let now = bed.store.now();
    let until = now.plus_millis(60_000);
    let claim = bed
        .store
        .write(move |tx| Box::pin(async move { tx.claim_job("another", kinds, now, until).await }));
    claim.await.unwrap().unwrap()
}

async fn what_cannot_be_done_fails_at_once(bed: Bed) {
    let unread = queue(&bed, "scan-image", json!({ "repository": "NO" })).await;
    bed.work().await;
    let unread = job(&bed, unread).await;
    assert_eq!((unread.state.name(), unread.attempts), ("failed", 1));
    assert!(unread.error.unwrap().contains("cannot be read"));
}

async fn what_may_go_through_later_is_tried_again(bed: Bed) {
    let image = service("shop", "1");
    bed.push("shop", "1", &image).await;
    // The row is there, the bytes are not: a disk that is away.
    let blobs = bed.folder.path().join("blobs/blobs");
    let away = bed.folder.path().join("away");
    let other = service("shop", "2");
    for blob in other.blobs() {
        bed.blob("shop", &blob.bytes).await;
    }
    bed.manifest("shop", "2", &other.manifest).await;
    std::fs::rename(&blobs, &away).unwrap();
    std::fs::write(&blobs, "no folder").unwrap();
    bed.work().await;
    let waiting = bed.json("/jobs?state=queued").await;
    assert_eq!(waiting["total"], 1, "{waiting}");
    assert_eq!(waiting["jobs"][0]["attempts"], 1);
    assert!(waiting["jobs"][0]["error"].is_string());
    let wait = waiting["jobs"][0]["runAt"].as_str().unwrap().to_owned();
    assert!(wait.as_str() > "2026-11-20T18:00:00.400Z", "not at once: {wait}");
    std::fs::remove_file(&blobs).unwrap();
    std::fs::rename(&away, &blobs).unwrap();
    bed.work().await;
    assert_eq!(bed.get("/artifacts/shop/2").await.status, 404, "not before its time");
    bed.pass(2);
    bed.work().await;
    assert_eq!(bed.json("/artifacts/shop/2").await["tag"], "2");
}

async fn a_dead_workers_job_goes_to_another(bed: Bed) {
    bed.post("/admin/backfill").await;
    let taken = claim(&bed, &["backfill"]).await;
    bed.work().await;
    assert_eq!(job(&bed, taken.id).await.state.name(), "running", "its lease holds");
    bed.pass(61);
    bed.work().await;
    let done = job(&bed, taken.id).await;
    assert_eq!((done.state.name(), done.attempts), ("done", 2));
    let (lease, now) = (taken.lease(), bed.store.now());
    let late = bed
        .store
        .write(move |tx| Box::pin(async move { tx.fail_job(lease, "too late", now).await }));
    assert!(!late.await.unwrap(), "the dead one may not speak any more");
}

async fn a_job_that_kills_its_workers_is_given_up(bed: Bed) {
    bed.post("/admin/backfill").await;
    for _ in 0..8 {
        claim(&bed, &["backfill"]).await;
        bed.pass(61);
    }
    bed.work().await;
    let jobs = bed.json("/jobs").await;
    assert_eq!(jobs["jobs"][0]["state"], "failed");
    assert_eq!(jobs["jobs"][0]["error"], "given up: begun 8 times and never ended");
}

async fn a_scan_that_is_given_up_is_told_at_the_image(bed: Bed) {
    let image = service("shop", "1");
    for blob in image.blobs() {
        bed.blob("shop", &blob.bytes).await;
    }
    bed.manifest("shop", &image.digest().to_string(), &image.manifest).await;
    bed.work().await;
    bed.pass(6);
    for _ in 0..8 {
        claim(&bed, &["scan-image"]).await;
        bed.pass(61);
    }
    bed.work().await;
    let info = bed.json(&format!("/images/{}", image.digest())).await;
    assert_eq!((&info["state"], &info["fileCount"]), (&json!("failed"), &json!(0)));
    assert_eq!(info["error"], "given up: begun 8 times and never ended");
}

async fn a_backfill_goes_on_where_it_was(bed: Bed) {
    for repository in ["a", "b", "c"] {
        bed.push(repository, "1.0.0", &service(repository, "1")).await;
    }
    bed.post("/admin/backfill").await;
    let taken = claim(&bed, &["backfill"]).await;
    let (lease, now) = (taken.lease(), bed.store.now());
    let told = json!({ "cursor": "b", "listed": false, "repositories": 2, "tags": 2, "known": 2 });
    let keep = bed
        .store
        .write(move |tx| Box::pin(async move { tx.keep_job(lease, now, Some(&told), now).await }));
    assert!(keep.await.unwrap());
    bed.pass(61);
    bed.work().await;
    let done = bed.json(&format!("/jobs/{}", taken.id)).await;
    assert_eq!((&done["state"], &done["progress"]["repositories"]), (&json!("done"), &json!(3)));
    assert_eq!(done["progress"]["tags"], 3, "{done}");
}

crate::on_both_engines!(
    what_cannot_be_done_fails_at_once,
    what_may_go_through_later_is_tried_again,
    a_dead_workers_job_goes_to_another,
    a_job_that_kills_its_workers_is_given_up,
    a_scan_that_is_given_up_is_told_at_the_image,
    a_backfill_goes_on_where_it_was,
);

#[tokio::test]
async fn jobs_are_shown_newest_first_and_in_parts() {
    let bed = Bed::sqlite().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(queue(&bed, "backfill", json!({ "drop": false })).await.to_string());
    }
    let part = bed.json("/jobs?size=2").await;
    let shown: Vec<&str> =
        part["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
    assert_eq!(shown, [ids[2].as_str(), ids[1].as_str()]);
    assert_eq!((&part["total"], &part["totalPages"]), (&json!(3), &json!(2)));
    assert_eq!(bed.json("/jobs?kind=scan-image").await["total"], 0);
    assert_eq!(bed.json("/jobs?state=queued&kind=backfill").await["total"], 3);
    insta::assert_json_snapshot!("job", bed.json(&format!("/jobs/{}", ids[0])).await);
}
