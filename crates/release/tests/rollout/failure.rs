//! What fails, and what becomes of the rest.

use portolan_release::{OnFailure, Options};
use portolan_store::{RolloutState, StepState};

use crate::bed::{Bed, digest};
use crate::shelf::spot;

fn leave() -> Options {
    Options { on_failure: OnFailure::Leave, ..Options::default() }
}

fn crashing(bed: &Bed, image: &str) {
    bed.memory.state.lock().unwrap().crashing.insert(digest(image, 2));
}

#[tokio::test]
async fn what_was_done_before_a_failure_is_undone() {
    for breaker in [false, true] {
        let bed = Bed::new().await;
        crashing(&bed, "worker");
        bed.memory.state.lock().unwrap().breaker = breaker;
        let rollout = bed.roll(2, Options::default()).await;
        let reason = rollout.reason.unwrap();
        assert_eq!(rollout.state, RolloutState::RolledBack, "{reason}");
        for part in ["service worker", "circuit breaker", "exited with 1", "no database"] {
            assert!(reason.contains(part), "{part} in {reason}");
        }
        assert_eq!((bed.whole(), bed.tags()), (1, vec![1, 1, 1]));
        let services = bed.memory.services();
        for name in ["api", "web", "worker"] {
            assert_eq!(services[name].definition, format!("{name}:1"));
            assert_eq!(services[name].deployments.len(), 3, "{name}: there and back, once");
        }
        let (_, steps) = bed.releases.rollout(rollout.id).await.unwrap().unwrap();
        let watch = steps.iter().find(|step| step.name == "watch:worker").unwrap();
        assert_eq!(watch.state, StepState::Failed);
        let why = &watch.outcome.as_ref().unwrap()["why"];
        assert_eq!(why["tasks"][0]["containers"][0]["log"][0], "no database");
    }
}

#[tokio::test]
async fn or_it_is_left() {
    let bed = Bed::new().await;
    crashing(&bed, "worker");
    let rollout = bed.roll(2, leave()).await;
    assert_eq!(rollout.state, RolloutState::Failed);
    let versions = bed.versions();
    assert_eq!((versions["api"], versions["web"], versions["worker"]), (2, 2, 1));
    assert_eq!(bed.tags()[0], 1, "pointers for people stay where they are");
}

#[tokio::test]
async fn a_failed_hook_stops_it_before_its_service() {
    let bed = Bed::new().await;
    bed.memory.state.lock().unwrap().failing_hooks.insert("migrate".to_owned());
    let rollout = bed.roll(2, Options::default()).await;
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::RolledBack);
    assert!(reason.contains("run hook migrate of service worker: it exited with 1"), "{reason}");
    assert_eq!(bed.memory.services()["worker"].deployments.len(), 1);
    assert_eq!(bed.whole(), 1);
}

#[tokio::test]
async fn busy_is_not_broken() {
    let bed = Bed::new().await;
    bed.memory.state.lock().unwrap().busy = 4;
    assert_eq!(bed.roll(2, Options::default()).await.state, RolloutState::Succeeded);
    let busy = |times| bed.memory.state.lock().unwrap().busy = times;
    // For longer it is left as it is, for whoever comes next.
    let ordered = bed.order(3, Options::default()).await;
    busy(1000);
    let error = bed.releases.run(ordered.id, "me").await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(bed.state(ordered.id).await, RolloutState::Running);
    busy(0);
    let rollout = bed.releases.run(ordered.id, "other").await.unwrap();
    assert_eq!((rollout.state, bed.whole()), (RolloutState::Succeeded, 3));
    // But not for ever.
    let ordered = bed.order(1, Options::default()).await;
    busy(1000);
    bed.releases.run(ordered.id, "me").await.unwrap_err();
    bed.pass(1801);
    let rollout = bed.releases.run(ordered.id, "me").await.unwrap();
    assert_eq!(rollout.state, RolloutState::RolledBack, "a tag was moved first");
    assert_eq!((bed.whole(), bed.tags()), (3, vec![3, 3, 3]));
}

#[tokio::test]
async fn what_cannot_be_undone_is_told() {
    let bed = Bed::new().await;
    crashing(&bed, "api");
    let ordered = bed.order(2, Options::default()).await;
    bed.shelf.0.lock().unwrap().stuck.insert("other".parse().unwrap());
    let other = format!("r.example/shop/api@{}", digest("api", 3));
    // Somebody else takes the service while ours is under way.
    let running = bed.releases.run(ordered.id, "me");
    let meddling = async {
        while bed.memory.services()["web"].deployments.len() < 2 {
            tokio::task::yield_now().await;
        }
        bed.memory.meddle("web", "main", &other);
    };
    let (rollout, ()) = tokio::join!(running, meddling);
    let rollout = rollout.unwrap();
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::Failed);
    assert!(reason.contains("service web was changed by somebody else"), "{reason}");
    assert_eq!((bed.versions()["web"], bed.versions()["api"]), (3, 1));
}

#[tokio::test]
async fn a_pointer_that_cannot_move_undoes_nothing() {
    let bed = Bed::new().await;
    let plan = bed.plan(2).await;
    let ordered = bed.releases.apply(crate::bed::order(plan, Options::default())).await.unwrap();
    // The tag that a service takes its image by has moved before; only pointers are left.
    let watch = async {
        while bed.shelf.tag(&spot("shop/old"), "env.prod") != Some(digest("old", 2)) {
            tokio::task::yield_now().await;
        }
        bed.shelf.0.lock().unwrap().stuck.insert("env.prod".parse().unwrap());
    };
    let (rollout, ()) = tokio::join!(bed.releases.run(ordered.id, "me"), watch);
    let rollout = rollout.unwrap();
    assert_eq!(rollout.state, RolloutState::Succeeded);
    assert!(rollout.reason.unwrap().contains("move the tag env.prod: denied"));
    assert_eq!(bed.whole(), 2);
}

#[tokio::test]
async fn time_runs_out() {
    let bed = Bed::new().await;
    let rollout = bed.roll(2, Options { seconds: 0, ..Options::default() }).await;
    assert!(rollout.reason.unwrap().contains("was not well after 0 seconds"));
    assert_ne!(rollout.state, RolloutState::Succeeded);
}
