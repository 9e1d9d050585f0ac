//! The way back.

use portolan_model::{Digest, Timestamp};
use portolan_release::{Back, Note, OnFailure, Options, OrderError, Reason, Scope, Source};
use portolan_store::{RolloutState, TaskFact, TaskWord};

use crate::bed::{Bed, digest, order};

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

#[tokio::test]
async fn back_from_what_a_failure_left() {
    let bed = Bed::new().await;
    let first = bed.roll(1, Options::default()).await.release;
    bed.roll(3, Options::default()).await;
    let second = bed.roll(1, Options::default()).await;
    assert_eq!(second.state, RolloutState::Succeeded);
    bed.memory.state.lock().unwrap().crashing.insert(digest("worker", 2));
    let leave = Options { on_failure: OnFailure::Leave, ..Options::default() };
    assert_eq!(bed.roll(2, leave).await.state, RolloutState::Failed);
    let place = ("shop", "prod");
    let back = bed.releases.rollback(place, &Back::Previous, &Scope::default(), "bob").await;
    let (plan, options) = back.unwrap();
    assert_eq!(
        plan.release, second.release,
        "what was there before it, and not what was before that"
    );
    assert_ne!(plan.release, first);
    let id = bed.releases.apply(order(plan, options)).await.unwrap().id;
    assert_eq!(bed.releases.run(id, "me").await.unwrap().state, RolloutState::Succeeded);
    assert_eq!((bed.whole(), bed.tags()), (1, vec![1; 3]));
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A task that ran an image from one moment on, to another.
fn task(repository: &str, digest: Digest, from: i64, to: Option<i64>) -> TaskFact {
    TaskFact {
        id: format!("{repository} {from}"),
        container: "main".to_owned(),
        position: 0,
        environment: "prod".to_owned(),
        account: String::new(),
        region: String::new(),
        cluster: String::new(),
        ecs_service: None,
        deployment: "d".to_owned(),
        task_definition: None,
        image: format!("r.example/{repository}@{digest}"),
        repository: Some(repository.parse().unwrap()),
        tag: None,
        stated: Some(digest),
        cpu: None,
        memory: None,
        word: TaskWord { at: at(from), last_status: "RUNNING".to_owned(), ..TaskWord::default() },
        pending_at: Some(at(from)),
        running_at: Some(at(from)),
        stopping_at: to.map(at),
        stopped_at: to.map(at),
        slot: None,
    }
}

#[tokio::test]
async fn back_to_what_ran_at_a_moment() {
    let bed = Bed::new().await;
    let mut tasks = Vec::new();
    for (name, repository) in [("api", "shop/api"), ("worker", "prod/worker"), ("old", "shop/old")]
    {
        tasks.push(task(repository, digest(name, 3), 1_000, Some(5_000)));
        tasks.push(task(repository, digest(name, 1), 4_000, None));
    }
    let merge =
        bed.store.write(move |tx| Box::pin(async move { tx.merge_tasks(tasks, at(1)).await }));
    merge.await.unwrap();
    let place = ("shop", "prod");
    let back = |moment: i64| {
        let releases = bed.releases.clone();
        async move {
            releases.rollback(place, &Back::Moment(at(moment)), &Scope::default(), "bob").await
        }
    };
    let (plan, options) = back(2_000).await.unwrap();
    let id = bed.releases.apply(order(plan, options)).await.unwrap().id;
    assert_eq!(bed.releases.run(id, "me").await.unwrap().state, RolloutState::Succeeded);
    assert_eq!(bed.whole(), 3);
    let error = back(4_500).await.unwrap_err().to_string();
    assert!(error.contains("is more than one image: api: sha256:"), "{error}");
    let error = back(500).await.unwrap_err().to_string();
    assert!(error.contains("there is no image for what ran in prod"), "{error}");
}

#[tokio::test]
async fn where_no_event_told_what_ran_it_is_what_was_brought() {
    let bed = Bed::new().await;
    let first = bed.roll(2, Options::default()).await;
    bed.pass(1_000);
    bed.roll(3, Options::default()).await;
    let moment = first.finished_at.unwrap().plus_millis(1);
    let back = Back::Moment(moment);
    let (plan, _) =
        bed.releases.rollback(("shop", "prod"), &back, &Scope::default(), "bob").await.unwrap();
    assert_eq!(plan.release, first.release);
    // What runs now is asked of whoever runs it.
    let source = Source::Environment { environment: "prod".to_owned(), at: None };
    let now = bed.releases.prepare("shop", &source, Note::default()).await.unwrap();
    assert!(now.images.iter().all(|it| it.digest == digest(&it.image, 3)), "{now:?}");
}
