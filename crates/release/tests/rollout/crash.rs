//! Killed at every step, and run again by another: the environment is wholly one release.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use portolan_model::{RolloutId, failpoint};
use portolan_release::Options;
use portolan_store::RolloutState;

use crate::bed::{Bed, digest};

/// How many failpoints of a rollout are passed before the process dies.
static LEFT: AtomicI64 = AtomicI64::new(i64::MAX);
/// There is one count, and so one of these tests at a time.
static TURN: Mutex<()> = Mutex::new(());

fn die(name: &str) {
    let is_last = name.starts_with("rollout.") && LEFT.fetch_sub(1, Ordering::SeqCst) == 1;
    assert!(!is_last, "killed at {name}");
}

/// Runs a rollout as a process that dies at its failpoint number `after`; whether it died.
async fn dies(bed: &Bed, id: RolloutId, after: i64) -> bool {
    failpoint::install(die);
    LEFT.store(after, Ordering::SeqCst);
    let releases = bed.releases.clone();
    let run = tokio::spawn(async move { releases.run(id, "first").await });
    let died = run.await.is_err();
    LEFT.store(i64::MAX, Ordering::SeqCst);
    died
}

/// Runs it on as another process, when the lease of the first has run out.
async fn goes_on(bed: &Bed, id: RolloutId) -> RolloutState {
    bed.pass(120);
    bed.releases.run(id, "second").await.unwrap().state
}

#[test]
fn killed_anywhere_it_goes_on_to_the_same_end() {
    let _turn = TURN.lock();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut deaths = 0;
        for after in 1.. {
            let bed = Bed::new().await;
            let id = bed.order(2, Options::default()).await.id;
            if !dies(&bed, id, after).await {
                break;
            }
            deaths += 1;
            assert_eq!(goes_on(&bed, id).await, RolloutState::Succeeded, "death {after}");
            assert_eq!((bed.whole(), bed.tags()), (2, vec![2; 3]), "death {after}");
            for (name, service) in bed.memory.services() {
                assert_eq!(service.deployments.len(), 2, "{name} is deployed once: death {after}");
            }
            let hooks = bed.memory.state.lock().unwrap().hooks.len();
            assert_eq!(hooks, 2, "each hook runs once: death {after}");
        }
        assert!(deaths > 40, "{deaths}");
    });
}

#[test]
fn killed_anywhere_on_the_way_back_it_goes_back_to_the_same_end() {
    let _turn = TURN.lock();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut deaths = 0;
        for after in 1.. {
            let bed = Bed::new().await;
            bed.memory.state.lock().unwrap().crashing.insert(digest("worker", 2));
            let id = bed.order(2, Options::default()).await.id;
            if !dies(&bed, id, after).await {
                break;
            }
            deaths += 1;
            assert_eq!(goes_on(&bed, id).await, RolloutState::RolledBack, "death {after}");
            assert_eq!((bed.whole(), bed.tags()), (1, vec![1; 3]), "death {after}");
            for name in ["api", "web"] {
                let services = bed.memory.services();
                assert_eq!(services[name].definition, format!("{name}:1"), "death {after}");
            }
        }
        assert!(deaths > 40, "{deaths}");
    });
}

#[test]
fn what_cannot_be_ended_is_given_up() {
    let _turn = TURN.lock();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let bed = Bed::new().await;
        let id = bed.order(2, Options::default()).await.id;
        assert!(dies(&bed, id, 12).await);
        let error = bed.releases.give_up(id, "seen to by hand", "second").await.unwrap_err();
        assert!(matches!(error, portolan_release::RunError::Held { .. }), "{error}");
        bed.pass(120);
        let rollout = bed.releases.give_up(id, "seen to by hand", "second").await.unwrap();
        assert_eq!(rollout.state, RolloutState::Failed);
        assert_eq!(rollout.reason.as_deref(), Some("seen to by hand"));
        assert_eq!(bed.roll(3, Options::default()).await.state, RolloutState::Succeeded);
        assert_eq!(bed.whole(), 3);
    });
}

#[test]
fn killed_anywhere_the_next_one_undoes_it_first() {
    let _turn = TURN.lock();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        for after in 1.. {
            let bed = Bed::new().await;
            let dead = bed.order(2, Options::default()).await.id;
            if !dies(&bed, dead, after).await {
                break;
            }
            bed.pass(120);
            let next = bed.roll(3, Options::default()).await;
            let whole = bed.whole();
            assert_eq!(bed.tags(), vec![whole; 3], "death {after}");
            // What was ordered for a half-done world is not done to a whole one.
            match next.state {
                RolloutState::Succeeded => assert_eq!(whole, 3),
                RolloutState::Refused => {
                    assert!(next.reason.unwrap().contains("has moved"));
                    assert_ne!(whole, 3);
                }
                other => panic!("{other:?}"),
            }
            let dead = bed.state(dead).await;
            assert!(dead.is_end(), "{dead:?} at death {after}");
            let again = bed.roll(3, Options::default()).await.state;
            assert_eq!((again, bed.whole()), (RolloutState::Succeeded, 3));
        }
    });
}
