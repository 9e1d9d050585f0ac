//! What can go wrong on AWS, and what is said of it.

use std::time::Duration;

use portolan_release::{OnFailure, Options};
use portolan_store::RolloutState;
use portolan_testkit::fake_ecs::Fate;

use crate::bed::{Bed, service};

fn crashes() -> Fate {
    Fate::Exits { code: 1, after: Duration::from_secs(3) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_is_told_and_undone() {
    for breaker in [None, Some(false), Some(true)] {
        let mut api = service("api", &["api"]);
        api.breaker = breaker;
        let more = "[services.api]\nwave = 1";
        let bed = Bed::new(&[api, service("web", &["web"])], more).await;
        let digest = bed.digest("api", 2).unwrap();
        bed.fake.fate(&digest, crashes());
        bed.fake.says(&digest, &["starting", "no database"]);
        let rollout = bed.roll(Options::default()).await;
        let reason = rollout.reason.unwrap();
        assert_eq!(rollout.state, RolloutState::RolledBack, "{breaker:?}: {reason}");
        for part in ["service api", "exited with 1", "no database"] {
            assert!(reason.contains(part), "{breaker:?}: {part} in {reason}");
        }
        bed.fake.settle_all().unwrap();
        assert_eq!((bed.versions("api"), bed.versions("web")), (vec![1, 1], vec![1, 1]));
        assert_eq!(bed.tags(), [1, 1]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_can_be_left() {
    let bed =
        Bed::new(&[service("api", &["api"]), service("web", &["web"])], "[services.api]\nwave = 1")
            .await;
    bed.fake.fate(&bed.digest("api", 2).unwrap(), crashes());
    let options = Options { on_failure: OnFailure::Leave, ..Options::default() };
    assert_eq!(bed.roll(options).await.state, RolloutState::Failed);
    assert_eq!(bed.versions("web"), [2, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_secret_and_an_image_that_cannot_be_pulled_are_told() {
    for (fate, said) in
        [(Fate::NoSecret, "ResourceInitializationError"), (Fate::CannotPull, "CannotPull")]
    {
        let bed = Bed::new(&[service("api", &["api"])], "").await;
        bed.fake.fate(&bed.digest("api", 2).unwrap(), fate);
        let rollout = bed.roll(Options::default()).await;
        let reason = rollout.reason.unwrap();
        assert_eq!(rollout.state, RolloutState::RolledBack, "{reason}");
        assert!(reason.contains(said), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_is_waited_out() {
    let bed = Bed::new(&[service("api", &["api"]), service("web", &["web"])], "").await;
    bed.fake.throttle_every(4);
    let rollout = bed.roll(Options::default()).await;
    assert_eq!((rollout.state, rollout.reason), (RolloutState::Succeeded, None));
}

/// Waits until the services were changed so many times, and lets the credentials expire then.
async fn expire_after(bed: &Bed, changes: usize) {
    let mut seen = 0;
    while seen < changes {
        seen += bed.fake.counts().get("UpdateService").copied().unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for action in ["UpdateService", "DescribeServices"] {
        let said = "The security token included in the request is expired";
        bed.fake.refuse(action, "ExpiredTokenException", said, usize::MAX);
    }
}

async fn two_waves() -> Bed {
    let services = [service("api", &["api"]), service("web", &["web"])];
    Bed::new(&services, "[services.web]\nwave = 1").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_in_the_middle_leave_it_to_whoever_comes_with_new_ones() {
    let bed = two_waves().await;
    let id = bed.order(2).await;
    let (run, ()) = tokio::join!(bed.releases.run(id, "me"), expire_after(&bed, 1));
    let error = run.unwrap_err();
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(error.is_transient(), "{error}");
    assert!(said.contains("ExpiredTokenException") && said.contains("renew them"), "{said}");
    let (rollout, _) = bed.releases.rollout(id).await.unwrap().unwrap();
    assert_eq!(rollout.state, RolloutState::Running);
    bed.fake.forgive();
    let rollout = bed.releases.run(id, "other").await.unwrap();
    assert_eq!(rollout.state, RolloutState::Succeeded, "{:?}", rollout.reason);
    assert_eq!((bed.versions("api"), bed.versions("web")), (vec![2, 2], vec![2, 2]));
    // Each was started once.
    for (cluster, name) in [("even", "api"), ("odd", "web")] {
        let service = bed.fake.described(cluster, name).unwrap();
        assert!(service["taskDefinition"].as_str().unwrap().ends_with(":2"), "{service}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_on_the_way_back_end_nothing_half_way() {
    let bed = two_waves().await;
    bed.fake.fate(&bed.digest("web", 2).unwrap(), crashes());
    let id = bed.order(2).await;
    // Each service once, and then web or api on its way back.
    let (run, ()) = tokio::join!(bed.releases.run(id, "me"), expire_after(&bed, 3));
    run.unwrap_err();
    let (rollout, _) = bed.releases.rollout(id).await.unwrap().unwrap();
    assert_eq!(rollout.state, RolloutState::Undoing);
    bed.fake.forgive();
    let rollout = bed.releases.run(id, "other").await.unwrap();
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::RolledBack, "{reason}");
    assert!(reason.contains("exited with 1"), "{reason}");
    bed.fake.settle_all().unwrap();
    assert_eq!((bed.versions("api"), bed.versions("web")), (vec![1, 1], vec![1, 1]));
    assert_eq!(bed.tags(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_the_place_of_ours_is_named() {
    let bed = Bed::new(&[service("api", &["api"])], "").await;
    let id = bed.order(2).await;
    let meddle = async {
        while !bed.fake.counts().contains_key("UpdateService") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let asked =
            serde_json::json!({"cluster": "even", "service": "api", "taskDefinition": "api:1"});
        bed.fake.call("UpdateService", &asked).unwrap();
    };
    let (rollout, ()) = tokio::join!(bed.releases.run(id, "me"), meddle);
    let rollout = rollout.unwrap();
    assert!(rollout.reason.unwrap().contains("took the place of ours"));
    assert_eq!(rollout.state, RolloutState::RolledBack);
}
