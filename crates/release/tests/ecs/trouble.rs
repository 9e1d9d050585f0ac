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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_in_the_middle_undo_what_was_begun() {
    let bed =
        Bed::new(&[service("api", &["api"]), service("web", &["web"])], "[services.web]\nwave = 1")
            .await;
    let plan = bed.plan().await;
    let order = portolan_release::Order {
        plan,
        options: Options::default(),
        by: "ann".into(),
        ci_url: None,
    };
    let ordered = bed.releases.apply(order).await.unwrap();
    let expire = async {
        while !bed.fake.counts().contains_key("UpdateService") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bed.fake.refuse(
            "UpdateService",
            "ExpiredTokenException",
            "The security token is expired",
            1,
        );
    };
    let (rollout, ()) = tokio::join!(bed.releases.run(ordered.id, "me"), expire);
    let rollout = rollout.unwrap();
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::RolledBack, "{reason}");
    assert!(reason.contains("ExpiredTokenException"), "{reason}");
    assert_eq!((bed.versions("api"), bed.versions("web")), (vec![1, 1], vec![1, 1]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_the_place_of_ours_is_named() {
    let bed = Bed::new(&[service("api", &["api"])], "").await;
    let plan = bed.plan().await;
    let order = portolan_release::Order {
        plan,
        options: Options::default(),
        by: "ann".into(),
        ci_url: None,
    };
    let ordered = bed.releases.apply(order).await.unwrap();
    let meddle = async {
        while !bed.fake.counts().contains_key("UpdateService") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let asked =
            serde_json::json!({"cluster": "even", "service": "api", "taskDefinition": "api:1"});
        bed.fake.call("UpdateService", &asked).unwrap();
    };
    let (rollout, ()) = tokio::join!(bed.releases.run(ordered.id, "me"), meddle);
    let rollout = rollout.unwrap();
    assert!(rollout.reason.unwrap().contains("took the place of ours"));
    assert_eq!(rollout.state, RolloutState::RolledBack);
}
