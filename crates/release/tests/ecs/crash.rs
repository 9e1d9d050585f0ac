//! Killed at every step on ECS, and run again by another: wholly the new release, or wholly the old
//! one.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use portolan_model::{RolloutId, failpoint};
use portolan_store::RolloutState;
use portolan_testkit::fake_ecs::Fate;

use crate::bed::{Bed, service};

/// How many failpoints of a rollout are passed before the process dies.
static LEFT: AtomicI64 = AtomicI64::new(i64::MAX);

const SERVICES: [&str; 3] = ["api", "web", "worker"];

fn die(name: &str) {
    let is_last = name.starts_with("rollout.") && LEFT.fetch_sub(1, Ordering::SeqCst) == 1;
    assert!(!is_last, "killed at {name}");
}

async fn bed() -> Bed {
    let services =
        [service("api", &["api"]), service("web", &["web"]), service("worker", &["worker"])];
    Bed::new(&services, "[services.web]\nfloating = true\n[services.worker]\nwave = 1").await
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

/// Kills it everywhere and lets another go on; how often it died.
async fn killed_everywhere(fails: bool) -> i64 {
    for after in 1.. {
        let bed = bed().await;
        if fails {
            let crash = Fate::Exits { code: 1, after: Duration::from_secs(1) };
            bed.fake.fate(&bed.digest("worker", 2).unwrap(), crash);
        }
        let id = bed.order(2).await;
        if !dies(&bed, id, after).await {
            return after - 1;
        }
        bed.pass(120);
        let rollout = bed.releases.run(id, "second").await.unwrap();
        let wanted =
            if fails { (RolloutState::RolledBack, 1) } else { (RolloutState::Succeeded, 2) };
        let found = (rollout.state, bed.whole(&SERVICES));
        assert_eq!(found, wanted, "death {after}: {:?}", rollout.reason);
        for (cluster, name) in [("even", "api"), ("odd", "web"), ("even", "worker")] {
            let service = bed.fake.described(cluster, name).unwrap();
            let definition = service["taskDefinition"].as_str().unwrap();
            let number = if fails || name == "web" { ":1" } else { ":" };
            assert!(definition.contains(&format!("{name}{number}")), "{definition}: death {after}");
        }
    }
    unreachable!("it is done sooner or later")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_is_wholly_the_new_release() {
    let deaths = killed_everywhere(false).await;
    assert!(deaths > 25, "{deaths}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_on_the_way_back_it_is_wholly_the_old_one() {
    let deaths = killed_everywhere(true).await;
    assert!(deaths > 25, "{deaths}");
}
