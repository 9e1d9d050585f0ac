//! Two at once on ECS, fifty times.

use portolan_store::RolloutState;

use crate::bed::{Bed, service};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_orders_are_never_mixed() {
    let services = [service("api", &["api"]), service("web", &["web"])];
    let bed = Bed::new(&services, "[services.web]\nfloating = true").await;
    let mut is = 1;
    for round in 0..50 {
        let [one, other] = match is {
            1 => [2, 3],
            2 => [3, 1],
            _ => [1, 2],
        };
        let orders = [bed.order(one).await, bed.order(other).await];
        let run = |id, name: &'static str| {
            let releases = bed.releases.clone();
            tokio::spawn(async move { releases.run(id, name).await.unwrap() })
        };
        let [first, second] = [run(orders[0], "a"), run(orders[1], "b")];
        let ended = [first.await.unwrap(), second.await.unwrap()];
        is = bed.whole(&["api", "web"]);
        let won = usize::from(is == other);
        assert!(is == one || is == other, "round {round}: {is}");
        let states = (ended[won].state, ended[1 - won].state);
        assert_eq!(states, (RolloutState::Succeeded, RolloutState::Refused), "round {round}");
        let why = ended[1 - won].reason.clone().unwrap();
        let named = why.contains(&orders[won].to_string()) || why.contains("has moved");
        assert!(named, "round {round}: {why}");
    }
}
