//! The way back.

use portolan_release::{Back, Options, OrderError, Reason, Scope};
use portolan_store::RolloutState;

use crate::bed::{Bed, order};

#[tokio::test]
async fn back_to_the_previous_success() {
    let bed = Bed::new().await;
    let place = ("shop", "prod");
    let none = bed.releases.rollback(place, &Back::Previous, &Scope::default(), "bob").await;
    assert!(matches!(none.unwrap_err(), OrderError::NoPrevious { .. }));
    let first = bed.roll(1, Options::default()).await.release;
    let second = bed.roll(2, Options::default()).await.release;
    let third = bed.roll(3, Options::default()).await.release;
    let back = |back: Back| {
        let releases = bed.releases.clone();
        async move { releases.rollback(place, &back, &Scope::default(), "bob").await.unwrap() }
    };
    assert_eq!(back(Back::Previous).await.0.release, second);
    assert_eq!(back(Back::Release(first)).await.0.release, first);
    assert!(bed.releases.quarantine(second, "it leaks", "bob").await.unwrap());
    let (plan, options) = back(Back::Previous).await;
    assert_eq!((plan.release, options.reason), (first, Reason::Rollback));
    let id = bed.releases.apply(order(plan, options)).await.unwrap().id;
    assert_eq!(bed.releases.run(id, "me").await.unwrap().state, RolloutState::Succeeded);
    assert_eq!((bed.whole(), bed.tags()), (1, vec![1; 3]));
    assert_eq!(back(Back::Previous).await.0.release, third);
}
