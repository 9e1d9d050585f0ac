//! From nothing to a version, to the next, and back from a bad one.

use portolan_release::{Back, Order, Scope};
use portolan_store::RolloutState;

use crate::bed::Bed;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_come_and_bad_ones_go() {
    let bed = Bed::new().await;
    bed.push_good("1");
    bed.push_good("2");
    let first = bed.roll("1").await;
    assert_eq!((first.state, first.reason), (RolloutState::Succeeded, None));
    assert_eq!(bed.running().await, ["job", "web", "web"]);
    assert!(bed.plan("1").await.is_empty());
    assert_eq!(bed.told().await, bed.images("1").await);
    let second = bed.roll("2").await;
    assert_eq!((second.state, second.reason), (RolloutState::Succeeded, None));
    assert_eq!(bed.running().await, ["job", "web", "web"]);
    assert!(bed.runs("web", "2").await && bed.runs("job", "2").await);
    assert_eq!(bed.containers().await.len(), 3, "what was replaced is gone");

    // A job that ends takes both back.
    bed.push("3", Bed::serve(), "echo no database; exit 3", &[]);
    let third = bed.roll("3").await;
    let reason = third.reason.unwrap();
    assert_eq!(third.state, RolloutState::RolledBack, "{reason}");
    assert!(reason.contains("ended with 3") && reason.contains("no database"), "{reason}");
    assert!(bed.runs("web", "2").await && bed.runs("job", "2").await);
    assert_eq!(bed.running().await, ["job", "web", "web"]);
    assert_eq!(bed.told().await, bed.images("2").await);

    // A migration that fails keeps its service from being touched.
    bed.push("4", Bed::serve(), "sleep 1000", &[("www/broken", "")]);
    let fourth = bed.roll("4").await;
    let reason = fourth.reason.unwrap();
    assert_eq!(fourth.state, RolloutState::RolledBack, "{reason}");
    assert!(reason.contains("hook migrate of service job: it exited with 1"), "{reason}");
    assert!(reason.contains("migrating"), "{reason}");
    assert!(bed.runs("web", "2").await && bed.runs("job", "2").await);

    let place = ("shop", "staging");
    let back = bed.releases.rollback(place, &Back::Previous, &Scope::default(), "bob").await;
    let (plan, options) = back.unwrap();
    assert_eq!(plan.release, first.release);
    let order = Order { plan, options, by: "bob".to_owned(), ci_url: None };
    let ordered = bed.releases.apply(order).await.unwrap();
    let done = bed.releases.run(ordered.id, "me").await.unwrap();
    assert_eq!(done.state, RolloutState::Succeeded);
    assert!(bed.runs("web", "1").await && bed.runs("job", "1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_never_well_is_taken_back() {
    let bed = Bed::new().await;
    bed.push_good("1");
    assert_eq!(bed.roll("1").await.state, RolloutState::Succeeded);
    bed.push("2", "sleep 1000", "sleep 1000", &[]);
    let rollout = bed.roll("2").await;
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::RolledBack, "{reason}");
    assert!(reason.contains("is not healthy"), "{reason}");
    assert!(bed.runs("web", "1").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_one_that_fails_is_told_to_have_nothing_before_it() {
    let bed = Bed::new().await;
    bed.push("1", "exit 1", "sleep 1000", &[]);
    let rollout = bed.roll("1").await;
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::Failed, "{reason}");
    assert!(reason.contains("ended with 1") && reason.contains("ran nothing before"), "{reason}");
}
