//! Orders: what is taken, what is refused, and what a plain one comes to.

use portolan_release::witness::Word;
use portolan_release::{Options, OrderError, RunError, Scope};
use portolan_store::{RolloutState, StepState};

use crate::bed::{Bed, digest, order};
use crate::shelf::spot;

#[tokio::test]
async fn a_plain_rollout_changes_all_once() {
    let bed = Bed::new().await;
    let rollout = bed.roll(2, Options::default()).await;
    assert_eq!((rollout.state, rollout.reason), (RolloutState::Succeeded, None));
    assert_eq!((bed.whole(), bed.tags()), (2, vec![2, 2, 2]));
    let services = bed.memory.services();
    assert!(services.values().all(|it| it.deployments.len() == 2), "{services:?}");
    assert_eq!(services["api"].runs["sidecar"], digest("proxy", 1), "nobody else's container");
    let hooks = bed.memory.state.lock().unwrap().hooks.clone();
    assert!(hooks[0].ends_with("worker migrate") && hooks[1].ends_with("worker warm"));
    assert_eq!(bed.shelf.0.lock().unwrap().copies, [(spot("prod/worker"), digest("worker", 2))]);
    let (_, steps) = bed.releases.rollout(rollout.id).await.unwrap().unwrap();
    assert!(steps.iter().all(|step| step.state == StepState::Done && step.outcome.is_some()));
    let position = |name: &str| steps.iter().position(|step| step.name == name).unwrap();
    let order = [
        "copy:worker",
        "tag:old:env.prod",
        "define:api",
        "start:api",
        "watch:web",
        "hook:worker:migrate",
        "start:worker",
        "watch:worker",
        "hook:worker:warm",
        "tag:api:env.prod",
    ];
    assert!(
        order.map(position).is_sorted(),
        "{:?}",
        steps.iter().map(|it| &it.name).collect::<Vec<_>>()
    );
    assert!(bed.plan(2).await.is_empty(), "there is nothing left to do");
    let again = bed.releases.run(rollout.id, "me").await.unwrap();
    assert_eq!(again.state, RolloutState::Succeeded);
    assert!(bed.memory.services().values().all(|it| it.deployments.len() == 2));
}

#[tokio::test]
async fn a_world_that_moved_is_told() {
    let bed = Bed::new().await;
    let mut changed = bed.plan(2).await;
    changed.services.remove(0);
    let error = bed.releases.apply(order(changed, Options::default())).await.unwrap_err();
    assert!(matches!(error, OrderError::Changed));

    let ordered = bed.order(2, Options::default()).await;
    bed.memory.meddle("web", "main", &format!("r.example/shop/api@{}", digest("api", 3)));
    let rollout = bed.releases.run(ordered.id, "me").await.unwrap();
    let reason = rollout.reason.unwrap();
    assert_eq!(rollout.state, RolloutState::Refused);
    assert!(reason.contains("has moved") && reason.contains("service web"), "{reason}");
    assert_eq!((bed.versions()["api"], bed.versions()["web"]), (1, 3), "nothing was done");
    // The environment is free for the next.
    assert_eq!(bed.roll(2, Options::default()).await.state, RolloutState::Succeeded);
}

#[tokio::test]
async fn planned_and_done_at_once_it_looks_once() {
    let bed = Bed::new().await;
    let release = bed.release(2).await.id;
    let deploy = || bed.releases.deploy(("shop", "prod"), release, Options::default(), "ann", None);
    let (first, second) = (deploy().await.unwrap(), deploy().await.unwrap());
    // What nobody looked at since is what the plan was made for.
    bed.memory.meddle("web", "main", &format!("r.example/shop/api@{}", digest("api", 3)));
    let done = bed.releases.run(first.id, "me").await.unwrap();
    assert_eq!((done.state, bed.whole()), (RolloutState::Succeeded, 2));
    // Somebody had the environment since the second plan was made.
    let done = bed.releases.run(second.id, "me").await.unwrap();
    assert_eq!(done.state, RolloutState::Refused);
    assert!(done.reason.unwrap().contains("has moved"));
}

#[tokio::test]
async fn an_image_that_is_gone_before_it_begins_is_missed() {
    let bed = Bed::new().await;
    let ordered = bed.order(2, Options::default()).await;
    bed.shelf
        .0
        .lock()
        .unwrap()
        .images
        .get_mut(&spot("shop/api"))
        .unwrap()
        .remove(&digest("api", 2));
    let rollout = bed.releases.run(ordered.id, "me").await.unwrap();
    assert_eq!(rollout.state, RolloutState::Refused);
    assert!(rollout.reason.unwrap().contains("image api: sha256:"));
    assert_eq!(bed.whole(), 1);
}

#[tokio::test]
async fn quarantine_and_frost_refuse() {
    let bed = Bed::new().await;
    let plan = bed.plan(2).await;
    assert!(bed.releases.quarantine(plan.release, "it leaks", "bob").await.unwrap());
    bed.releases.freeze(("shop", "prod"), "holidays", "eve", None).await.unwrap();
    let error = bed.releases.apply(order(plan.clone(), Options::default())).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("it leaks") && said.contains("holidays"), "{said}");
    bed.releases.lift(plan.release).await.unwrap();
    bed.releases.thaw("shop", "prod").await.unwrap();
    bed.releases.apply(order(plan, Options::default())).await.unwrap();
}

#[tokio::test]
async fn a_protected_environment_waits_for_another_person() {
    let bed = Bed::with(&format!("{}protected = true\n", include_str!("project.toml"))).await;
    let ordered = bed.order(2, Options::default()).await;
    assert_eq!(ordered.state, RolloutState::Waiting);
    let error = bed.releases.run(ordered.id, "me").await.unwrap_err();
    assert!(matches!(error, RunError::Waiting(_)));
    let error = bed.releases.approve(ordered.id, "ann").await.unwrap_err();
    assert!(matches!(error, OrderError::NotApproved(_)));
    bed.releases.approve(ordered.id, "bob").await.unwrap();
    let rollout = bed.releases.run(ordered.id, "me").await.unwrap();
    assert_eq!(
        (rollout.state, rollout.approved_by.as_deref()),
        (RolloutState::Succeeded, Some("bob"))
    );
    let taken_back = bed.order(3, Options::default()).await;
    assert!(bed.releases.refuse(taken_back.id, "never mind").await.unwrap());
    assert!(bed.releases.approve(taken_back.id, "bob").await.is_err());
}

#[tokio::test]
async fn events_are_heard_before_it_is_complete() {
    let bed = Bed::new().await;
    *bed.ear.0.lock().unwrap() = vec![Word::Complete, Word::NotYet, Word::NotYet];
    assert_eq!(bed.roll(2, Options::default()).await.state, RolloutState::Succeeded);
    *bed.ear.0.lock().unwrap() = vec![Word::Against("events say that it failed".to_owned())];
    let rollout = bed.roll(3, Options::default()).await;
    assert_eq!(rollout.state, RolloutState::RolledBack);
    assert!(rollout.reason.unwrap().contains("events say that it failed"));
    assert_eq!(bed.whole(), 2);
    // Events that never come are not waited for without end.
    *bed.ear.0.lock().unwrap() = vec![Word::NotYet; 500];
    assert_eq!(bed.roll(3, Options::default()).await.state, RolloutState::Succeeded);
}

#[tokio::test]
async fn a_part_is_some_services() {
    let bed = Bed::new().await;
    let release = bed.release(2).await;
    let scope = Scope { services: Some(["worker".to_owned()].into()) };
    let plan = bed.releases.plan("shop", "prod", release.id, &scope).await.unwrap();
    let options = Options { scope, ..Options::default() };
    let ordered = bed.releases.apply(order(plan, options)).await.unwrap();
    bed.releases.run(ordered.id, "me").await.unwrap();
    assert_eq!(bed.versions().into_values().collect::<Vec<_>>(), [1, 1, 1, 2]);
    assert_eq!(bed.tags(), [1, 2, 1]);
}

#[tokio::test]
async fn what_is_unknown_is_named() {
    let bed = Bed::new().await;
    let release = bed.release(2).await.id;
    let plan = |project, environment, scope: Scope| {
        let releases = bed.releases.clone();
        async move {
            releases.plan(project, environment, release, &scope).await.unwrap_err().to_string()
        }
    };
    let said = plan("shop", "prdo", Scope::default()).await;
    assert_eq!(said, "project shop has no environment `prdo`; it has prod");
    let said = plan("shp", "prod", Scope::default()).await;
    assert_eq!(said, "there is no project `shp`; there is shop");
    let scope = Scope { services: Some(["wob".to_owned()].into()) };
    let said = plan("shop", "prod", scope).await;
    assert_eq!(said, "project shop has no service `wob`; it has api, old, web, worker");
    assert!(
        bed.store
            .rollouts(&portolan_store::RolloutFilter::default(), portolan_store::Page::ALL)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

const TWO_PLACES: &str = r#"
[images.api]
repository = "r.example/shop/api"
services = ["api", "web"]
[environments.early]
tags = []
[environments.prod]
tags = ["env.prod"]
after = ["early"]
"#;

#[tokio::test]
async fn what_comes_after_another_environment_comes_after_it() {
    let bed = Bed::with(TWO_PLACES).await;
    let early = async |scope: Scope| {
        let release = bed.release(2).await.id;
        let plan = bed.releases.plan("shop", "early", release, &scope).await.unwrap();
        let options = Options { scope, ..Options::default() };
        let id = bed.releases.apply(order(plan, options)).await.unwrap().id;
        assert_eq!(bed.releases.run(id, "me").await.unwrap().state, RolloutState::Succeeded);
        release
    };
    // A part of it is not it.
    let part = early(Scope { services: Some(["web".to_owned()].into()) }).await;
    let refused = bed.releases.plan("shop", "prod", part, &Scope::default()).await.unwrap();
    let said: Vec<String> = refused.refusals.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["the same images have not succeeded in early, where they must first"]);
    let error = bed.releases.apply(order(refused, Options::default())).await.unwrap_err();
    assert!(error.to_string().contains("have not succeeded in early"), "{error}");
    let first = early(Scope::default()).await;
    // Another release of the same images is as good.
    let plan = bed.plan(2).await;
    assert_ne!(plan.release, first);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    assert_eq!(bed.plan(3).await.refusals.len(), 1);
}
