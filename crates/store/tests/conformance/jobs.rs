//! Jobs: one worker at a time, at least once, by priority and time.

use portolan_model::{JobId, Timestamp};
use portolan_store::{Job, JobFilter, JobState, NewJob, Page, Store};
use serde_json::json;

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    jobs_go_by_priority_then_time,
    a_queued_job_is_not_queued_twice,
    a_lease_that_runs_out_is_lost_to_the_next,
    a_retried_job_waits_and_gives_way_to_its_like,
    workers_never_share_a_job,
    progress_and_counts_are_told,
);

fn job(kind: &'static str, key: Option<&str>, priority: i64, run_at: i64) -> NewJob {
    NewJob {
        kind,
        payload: json!({"key": key}),
        dedupe_key: key.map(str::to_owned),
        priority,
        run_at: at(run_at),
    }
}

async fn enqueue(store: &Store, job: NewJob) -> (JobId, bool) {
    let id = JobId::new(store.ids());
    (id, change!(store, |tx| tx.enqueue(id, &job, at(1)).await))
}

async fn claim(store: &Store, now: i64, until: i64) -> Option<Job> {
    change!(store, |tx| tx.claim_job("me", &["scan", "gc"], at(now), at(until)).await)
}

async fn jobs_go_by_priority_then_time(bed: Bed) {
    let store = &bed.store;
    let late = enqueue(store, job("scan", None, 0, 20)).await.0;
    let early = enqueue(store, job("scan", None, 0, 10)).await.0;
    let urgent = enqueue(store, job("gc", None, 9, 15)).await.0;
    enqueue(store, job("other", None, 99, 0)).await;
    assert!(claim(store, 5, 100).await.is_none(), "none is due");
    assert_eq!(store.next_job_at().await.unwrap(), Some(at(0)));
    let mut order = Vec::new();
    while let Some(job) = claim(store, 50, 100).await {
        assert_eq!((job.state, job.attempts, job.fence), (JobState::Running, 1, 1));
        order.push(job.id);
    }
    assert_eq!(order, [urgent, early, late]);
}

async fn a_queued_job_is_not_queued_twice(bed: Bed) {
    let store = &bed.store;
    let first = enqueue(store, job("scan", Some("k"), 0, 0)).await;
    assert!(first.1);
    assert!(!enqueue(store, job("scan", Some("k"), 0, 0)).await.1);
    assert_eq!(store.open_job("k").await.unwrap().unwrap().id, first.0);
    let running = claim(store, 5, 100).await.unwrap();
    assert!(enqueue(store, job("scan", Some("k"), 0, 0)).await.1, "the running one may be too old");
    let lease = running.lease();
    assert!(change!(store, |tx| tx.finish_job(lease, at(6)).await));
    assert_eq!(store.job(running.id).await.unwrap().unwrap().state, JobState::Done);
}

async fn a_lease_that_runs_out_is_lost_to_the_next(bed: Bed) {
    let store = &bed.store;
    enqueue(store, job("scan", None, 0, 0)).await;
    let dead = claim(store, 1, 10).await.unwrap();
    assert!(claim(store, 10, 20).await.is_none(), "the lease still holds");
    let alive = claim(store, 11, 20).await.unwrap();
    assert_eq!((alive.id, alive.fence, alive.attempts), (dead.id, 2, 2));
    let (old, new) = (dead.lease(), alive.lease());
    assert!(!change!(store, |tx| tx.keep_job(old, at(99), None, at(12)).await));
    assert!(!change!(store, |tx| tx.finish_job(old, at(12)).await));
    assert!(!change!(store, |tx| tx.retry_job(old, "x", at(12), at(12)).await));
    assert!(!change!(store, |tx| tx.fail_job(old, "x", at(12)).await));
    assert!(change!(store, |tx| tx.keep_job(new, at(30), None, at(12)).await));
    assert!(claim(store, 25, 40).await.is_none(), "the lease was prolonged");
    assert!(change!(store, |tx| tx.fail_job(new, "gave up", at(26)).await));
    let failed = store.job(alive.id).await.unwrap().unwrap();
    assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("gave up")));
    assert_eq!(failed.lease_owner, None);
}

async fn a_retried_job_waits_and_gives_way_to_its_like(bed: Bed) {
    let store = &bed.store;
    enqueue(store, job("scan", Some("k"), 0, 0)).await;
    let running = claim(store, 1, 10).await.unwrap();
    let lease = running.lease();
    assert!(change!(store, |tx| tx.retry_job(lease, "busy", at(50), at(2)).await));
    assert!(claim(store, 49, 60).await.is_none());
    let again = claim(store, 50, 60).await.unwrap();
    assert_eq!((again.id, again.error.as_deref()), (running.id, Some("busy")));
    enqueue(store, job("scan", Some("k"), 0, 0)).await;
    let lease = again.lease();
    assert!(change!(store, |tx| tx.retry_job(lease, "busy", at(70), at(51)).await));
    assert_eq!(store.job(again.id).await.unwrap().unwrap().state, JobState::Done);
    assert_ne!(claim(store, 80, 90).await.unwrap().id, again.id);
}

async fn workers_never_share_a_job(bed: Bed) {
    for _ in 0..40 {
        enqueue(&bed.store, job("scan", None, 0, 0)).await;
    }
    let other = bed.another().await;
    let mut workers = Vec::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { bed.store.clone() } else { other.clone() };
        workers.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(job) = claim(&store, 5, 1_000).await {
                taken.push(job.id);
            }
            taken
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    all.sort();
    let taken = all.len();
    all.dedup();
    assert_eq!((taken, all.len()), (40, 40));
}

async fn progress_and_counts_are_told(bed: Bed) {
    let store = &bed.store;
    enqueue(store, job("scan", None, 0, 0)).await;
    enqueue(store, job("gc", None, -1, 0)).await;
    let job = claim(store, 1, 10).await.unwrap();
    let lease = job.lease();
    let progress = json!({"done": 3});
    assert!(change!(store, |tx| tx.keep_job(lease, at(20), Some(&progress), at(2)).await));
    assert!(change!(store, |tx| tx.keep_job(lease, at(21), None, at(3)).await));
    let seen = store.job(job.id).await.unwrap().unwrap();
    assert_eq!(seen.progress, Some(json!({"done": 3})));
    assert_eq!((seen.lease_until, seen.updated_at), (Some(at(21)), at(3)));
    assert_eq!(
        store.job_counts().await.unwrap(),
        [("gc".to_owned(), JobState::Queued, 1), ("scan".to_owned(), JobState::Running, 1)]
    );
    let filter = JobFilter { kind: Some("gc".into()), state: Some(JobState::Queued) };
    assert_eq!(store.jobs(&filter, Page::ALL).await.unwrap().total, 1);
    assert_eq!(store.jobs(&JobFilter::default(), Page::first(1)).await.unwrap().items.len(), 1);
    assert!(change!(store, |tx| tx.finish_job(lease, at(4)).await));
    assert_eq!(change!(store, |tx| tx.forget_jobs(Timestamp::from_millis(5)).await), 1);
    assert!(store.job(job.id).await.unwrap().is_none());
}
