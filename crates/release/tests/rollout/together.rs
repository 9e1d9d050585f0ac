//! Two at once.

use portolan_release::{Options, OrderError, Refusal, RunError};
use portolan_store::RolloutState;

use crate::bed::{Bed, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_orders_are_never_mixed() {
    let mut won = [0, 0];
    for _ in 0..50 {
        let bed = Bed::new().await;
        let (two, three) =
            (bed.order(2, Options::default()).await, bed.order(3, Options::default()).await);
        let run = |id, name: &'static str| {
            let releases = bed.releases.clone();
            tokio::spawn(async move { releases.run(id, name).await.unwrap() })
        };
        let (two, three) = (run(two.id, "a"), run(three.id, "b"));
        let (two, three) = (two.await.unwrap(), three.await.unwrap());
        let whole = bed.whole();
        let (winner, loser) = if whole == 2 { (two, three) } else { (three, two) };
        assert_eq!((winner.state, loser.state), (RolloutState::Succeeded, RolloutState::Refused));
        let why = loser.reason.unwrap();
        assert!(why.contains(&winner.id.to_string()) || why.contains("has moved"), "{why}");
        assert_eq!(bed.tags(), [whole; 3]);
        won[(whole - 2) as usize] += 1;
    }
    assert_eq!(won[0] + won[1], 50);
}

#[tokio::test]
async fn one_that_waits_comes_after_and_finds_the_world_moved() {
    let bed = Bed::new().await;
    let wait = Options { wait_seconds: 20, ..Options::default() };
    let (two, three) = (bed.order(2, wait.clone()).await, bed.order(3, wait).await);
    let (two, three) = tokio::join!(bed.releases.run(two.id, "a"), bed.releases.run(three.id, "b"));
    let (two, three) = (two.unwrap(), three.unwrap());
    let whole = bed.whole();
    let (first, second) = if whole == 2 { (two, three) } else { (three, two) };
    assert_eq!((first.state, second.state), (RolloutState::Succeeded, RolloutState::Refused));
    assert!(second.reason.unwrap().contains("has moved"));
}

#[tokio::test]
async fn who_is_at_it_is_named() {
    let bed = Bed::new().await;
    let ordered = bed.order(2, Options::default()).await;
    let running = bed.releases.run(ordered.id, "a");
    let asking = async {
        while bed.memory.services()["api"].deployments.len() < 2 {
            tokio::task::yield_now().await;
        }
        let plan = bed.plan(3).await;
        assert!(
            matches!(&plan.refusals[..], [Refusal::Held { rollout, .. }] if *rollout == ordered.id)
        );
        let error = bed.releases.apply(order(plan, Options::default())).await.unwrap_err();
        assert!(matches!(error, OrderError::Refused(_)), "{error}");
        let error = bed.releases.run(ordered.id, "b").await.unwrap_err();
        assert!(matches!(error, RunError::Held { by, .. } if by == ordered.id), "{error}");
    };
    let (rollout, ()) = tokio::join!(running, asking);
    assert_eq!(rollout.unwrap().state, RolloutState::Succeeded);
}
