//! Releases, rollouts and their steps, and the lease of an environment.

use portolan_model::{Digest, ReleaseId, RolloutId};
use portolan_store::{
    Freeze, Page, PlaceLease, Quarantine, RecordedService, Release, ReleaseImage, Rollout,
    RolloutFilter, RolloutState, Standing, StepState, Store, TableWrite, Taking, Told,
};
use serde_json::json;

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_release_is_read_as_it_was_recorded,
    quarantine_and_freeze_are_told_and_lifted,
    what_would_run_is_recorded_once_for_each_service,
    an_environment_has_one_holder,
    of_many_takers_one_has_it,
    an_abandoned_environment_is_for_its_rollout_alone,
    steps_are_recorded_under_the_lease,
    a_second_person_is_another_person,
    a_release_of_others_is_recorded_once,
    what_waits_for_a_table_is_remembered,
    how_rollouts_stand_is_told_without_their_plans,
    steps_under_way_tell_how_far_they_are,
    the_newest_release_of_an_image_is_found,
);

fn release(store: &Store, project: &str, millis: i64) -> Release {
    let image = |name: &str, registry: Option<&str>| ReleaseImage {
        image: name.to_owned(),
        registry: registry.map(str::to_owned),
        repository: format!("shop/{name}").parse().unwrap(),
        digest: Digest::of(name.as_bytes()),
        tag: registry.map(|_| "1.0".parse().unwrap()),
        revision: registry.map(|_| "abc".to_owned()),
    };
    Release {
        id: ReleaseId::new(store.ids()),
        project: project.to_owned(),
        description: "why".to_owned(),
        source: json!({"tag": "latest"}),
        created_by: "ann".to_owned(),
        created_at: at(millis),
        ci_url: None,
        images: vec![image("carts", None), image("orders", Some("r.example:5000"))],
    }
}

async fn added(store: &Store, project: &str, millis: i64) -> Release {
    let release = release(store, project, millis);
    let add = release.clone();
    change!(store, |tx| tx.add_release(&add).await);
    release
}

fn rollout(store: &Store, release: &Release, state: RolloutState) -> Rollout {
    Rollout {
        id: RolloutId::new(store.ids()),
        project: release.project.clone(),
        environment: "prod".to_owned(),
        release: release.id,
        plan: json!({"services": []}),
        options: json!({}),
        state,
        reason: None,
        created_by: "ann".to_owned(),
        created_at: at(5),
        ci_url: Some("https://ci.example/1".to_owned()),
        approved_by: None,
        approved_at: None,
        started_at: None,
        finished_at: None,
    }
}

async fn ordered(store: &Store, state: RolloutState) -> Rollout {
    let release = added(store, "shop", 1).await;
    let rollout = rollout(store, &release, state);
    let add = rollout.clone();
    change!(store, |tx| tx.add_rollout(&add).await);
    rollout
}

async fn take(store: &Store, rollout: RolloutId, now: i64, until: i64) -> Taking {
    change!(store, |tx| {
        tx.take_environment("shop", "prod", rollout, "me", at(now), at(until)).await
    })
}

async fn taken(store: &Store, rollout: RolloutId, now: i64, until: i64) -> PlaceLease {
    match take(store, rollout, now, until).await {
        Taking::Taken(lease) => lease,
        other => panic!("{other:?}"),
    }
}

async fn end(store: &Store, lease: &PlaceLease, state: RolloutState) -> bool {
    let lease = lease.clone();
    change!(store, |tx| tx.move_rollout(&lease, state, Some("so"), at(90)).await)
}

async fn a_release_is_read_as_it_was_recorded(bed: Bed) {
    let store = &bed.store;
    let old = added(store, "shop", 1).await;
    let new = added(store, "shop", 2).await;
    added(store, "other", 3).await;
    assert_eq!(store.release(old.id).await.unwrap().as_ref(), Some(&old));
    assert_eq!(store.release(ReleaseId::new(store.ids())).await.unwrap(), None);
    let listed = store.releases(Some("shop"), Page::ALL).await.unwrap();
    assert_eq!((listed.total, listed.items), (2, vec![new.clone(), old.clone()]));
    assert_eq!(store.release_before(&new).await.unwrap().as_ref(), Some(&old));
    assert_eq!(store.release_before(&old).await.unwrap(), None);
    let twin = added(store, "shop", 2).await;
    assert_eq!(store.release_before(&twin).await.unwrap().as_ref(), Some(&new), "of one moment");
    let some = [old.id, ReleaseId::new(store.ids()), twin.id];
    let mut found = store.releases_of(&some).await.unwrap();
    found.sort_by_key(|release| release.created_at);
    assert_eq!(found, [old, twin.clone()]);
    assert_eq!(store.releases_of(&[]).await.unwrap(), []);
    let first = store.releases(Some("shop"), Page::first(1)).await.unwrap();
    assert_eq!(first.items, [twin]);
    assert_eq!(store.releases(None, Page::ALL).await.unwrap().total, 4);
}

async fn quarantine_and_freeze_are_told_and_lifted(bed: Bed) {
    let store = &bed.store;
    let release = added(store, "shop", 1).await.id;
    let word = |reason: &str| Quarantine {
        release,
        reason: reason.to_owned(),
        created_by: "ann".to_owned(),
        created_at: at(7),
    };
    let (first, second) = (word("crashes"), word("again"));
    let told = first.clone();
    change!(store, |tx| tx.quarantine(&told).await);
    change!(store, |tx| tx.quarantine(&second).await);
    assert_eq!(store.quarantine(release).await.unwrap().as_ref(), Some(&first));
    assert_eq!(store.quarantines("shop").await.unwrap(), [first]);
    assert!(store.quarantines("other").await.unwrap().is_empty());
    assert!(change!(store, |tx| tx.lift_quarantine(release).await));
    assert!(!change!(store, |tx| tx.lift_quarantine(release).await));
    assert_eq!(store.quarantine(release).await.unwrap(), None);

    let freeze = Freeze {
        project: "shop".to_owned(),
        environment: "prod".to_owned(),
        reason: "holidays".to_owned(),
        created_by: "ann".to_owned(),
        created_at: at(7),
        until: Some(at(50)),
    };
    let told = freeze.clone();
    change!(store, |tx| tx.freeze(&told).await);
    assert_eq!(store.frozen("shop", "prod", at(49)).await.unwrap(), Some(freeze));
    assert_eq!(store.frozen("shop", "prod", at(50)).await.unwrap(), None);
    assert_eq!(store.frozen("shop", "dev", at(9)).await.unwrap(), None);
    assert!(change!(store, |tx| tx.thaw("shop", "prod").await));
    assert!(!change!(store, |tx| tx.thaw("shop", "prod").await));
}

async fn what_would_run_is_recorded_once_for_each_service(bed: Bed) {
    let store = &bed.store;
    let service = |project: &str, service: &str, deployment: &str| RecordedService {
        project: project.to_owned(),
        environment: "staging".to_owned(),
        service: service.to_owned(),
        deployment: deployment.to_owned(),
        definition: "{\"image\": \"Ä\"}".to_owned(),
        at: at(5),
    };
    let (old, new) = (service("shop", "web", "d1"), service("shop", "web", "d2"));
    let (job, other) = (service("shop", "job", "d3"), service("other", "web", "d4"));
    for one in [&old, &job, &other, &new] {
        let one = one.clone();
        change!(store, |tx| tx.record_service(&one).await);
    }
    let all = store.recorded_services(None, "staging").await.unwrap();
    assert_eq!(all, [other.clone(), job.clone(), new.clone()]);
    assert_eq!(store.recorded_services(Some("shop"), "staging").await.unwrap(), [job, new]);
    assert!(store.recorded_services(None, "production").await.unwrap().is_empty());
    assert!(!change!(store, |tx| tx.forget_recorded("shop", "web", "staging").await));
    assert!(change!(store, |tx| tx.forget_recorded("shop", "staging", "web").await));
    assert!(!change!(store, |tx| tx.forget_recorded("shop", "staging", "web").await));
    assert_eq!(store.recorded_services(Some("other"), "staging").await.unwrap(), [other]);
}

async fn an_environment_has_one_holder(bed: Bed) {
    let store = &bed.store;
    let one = ordered(store, RolloutState::Queued).await;
    let two = ordered(store, RolloutState::Queued).await;
    let lease = taken(store, one.id, 10, 20).await;
    assert_eq!(lease.fence, 1);
    let Taking::Held(held) = take(store, two.id, 20, 30).await else { panic!("it is held") };
    assert_eq!((held.rollout, held.owner.as_str(), held.until), (one.id, "me", at(20)));
    assert!(matches!(take(store, one.id, 15, 30).await, Taking::Held(_)), "even for itself");
    assert!(end(store, &lease, RolloutState::Succeeded).await);
    let ended = store.rollout(one.id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.finished_at), (RolloutState::Succeeded, Some(at(90))));
    assert!(!end(store, &lease, RolloutState::Failed).await, "an end is an end");
    let gone = lease.clone();
    assert!(change!(store, |tx| tx.leave_environment(&gone).await));
    assert_eq!(taken(store, two.id, 11, 30).await.fence, 2);
    assert!(!change!(store, |tx| tx.keep_environment(&lease, at(99)).await));
    let filter = RolloutFilter { state: Some(RolloutState::Queued), ..RolloutFilter::default() };
    assert_eq!(store.rollouts(&filter, Page::ALL).await.unwrap().items, [two]);
    let filter = RolloutFilter { release: Some(one.release), ..RolloutFilter::default() };
    assert_eq!(store.rollouts(&filter, Page::ALL).await.unwrap().total, 1);
    let held = store.environment_lease("shop", "prod").await.unwrap().unwrap();
    assert_eq!(held.fence, 2);
}

async fn of_many_takers_one_has_it(bed: Bed) {
    let other = bed.another().await;
    let mut takers = Vec::new();
    for n in 0..12 {
        let store = if n % 2 == 0 { bed.store.clone() } else { other.clone() };
        let id = ordered(&store, RolloutState::Queued).await.id;
        takers.push(tokio::spawn(async move { take(&store, id, 10, 20).await }));
    }
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(matches!(taker.await.unwrap(), Taking::Taken(_)));
    }
    assert_eq!(taken, 1);
}

async fn an_abandoned_environment_is_for_its_rollout_alone(bed: Bed) {
    let store = &bed.store;
    let dead = ordered(store, RolloutState::Running).await;
    let next = ordered(store, RolloutState::Queued).await;
    let lost = taken(store, dead.id, 10, 20).await;
    let Taking::Abandoned(held) = take(store, next.id, 21, 30).await else { panic!("not ended") };
    assert_eq!(held.rollout, dead.id);
    let again = taken(store, dead.id, 21, 30).await;
    assert_eq!(again.fence, 2);
    assert!(!end(store, &lost, RolloutState::Succeeded).await, "the first taking is lost");
    assert!(end(store, &again, RolloutState::RolledBack).await);
    assert!(matches!(take(store, next.id, 31, 40).await, Taking::Taken(_)));
}

async fn steps_are_recorded_under_the_lease(bed: Bed) {
    let store = &bed.store;
    let rollout = ordered(store, RolloutState::Queued).await;
    let lost = taken(store, rollout.id, 1, 2).await;
    let lease = taken(store, rollout.id, 10, 20).await;
    for (lease, intent, kept) in [(&lease, 1, true), (&lease, 2, true), (&lost, 3, false)] {
        let lease = lease.clone();
        let begun = change!(store, |tx| {
            tx.begin_step(&lease, "start:orders", &json!(intent), at(11), at(30)).await
        });
        assert_eq!(begun, kept);
    }
    let held = lease.clone();
    change!(store, |tx| tx.begin_step(&held, "a", &json!({}), at(12), at(31)).await);
    let held = lease.clone();
    let outcome = json!({"deployment": "d"});
    assert!(change!(store, |tx| {
        tx.end_step(&held, "start:orders", StepState::Done, &outcome, at(13), at(40)).await
    }));
    assert!(!change!(store, |tx| {
        tx.end_step(&lost, "a", StepState::Failed, &json!(0), at(13), at(99)).await
    }));
    let steps = store.rollout_steps(rollout.id).await.unwrap();
    let [first, second] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(
        (first.name.as_str(), first.position, first.state),
        ("start:orders", 1, StepState::Done)
    );
    assert_eq!((&first.intent, &first.outcome), (&json!(1), &Some(json!({"deployment": "d"}))));
    assert_eq!((first.started_at, first.finished_at), (at(11), Some(at(13))));
    assert_eq!((second.position, second.state, &second.outcome), (2, StepState::Begun, &None));
    let held = store.environment_lease("shop", "prod").await.unwrap().unwrap();
    assert_eq!(held.until, at(40));
}

async fn a_second_person_is_another_person(bed: Bed) {
    let store = &bed.store;
    let id = ordered(store, RolloutState::Waiting).await.id;
    assert!(!change!(store, |tx| tx.approve_rollout(id, "ann", at(6)).await));
    assert!(change!(store, |tx| tx.approve_rollout(id, "bob", at(6)).await));
    assert!(!change!(store, |tx| tx.approve_rollout(id, "eve", at(7)).await));
    let found = store.rollout(id).await.unwrap().unwrap();
    assert_eq!((found.state, found.approved_by.as_deref()), (RolloutState::Queued, Some("bob")));
    assert!(change!(store, |tx| tx.refuse_rollout(id, "moved", at(8)).await));
    assert!(!change!(store, |tx| tx.refuse_rollout(id, "moved", at(9)).await));
    let found = store.rollout(id).await.unwrap().unwrap();
    assert_eq!((found.state, found.reason.as_deref()), (RolloutState::Refused, Some("moved")));
}

async fn a_release_of_others_is_recorded_once(bed: Bed) {
    let store = &bed.store;
    let first = added(store, "shop", 1).await;
    let again = Release { description: "another".to_owned(), ..first.clone() };
    assert!(!change!(store, |tx| tx.add_release(&again).await));
    assert_eq!(store.release(first.id).await.unwrap().as_ref(), Some(&first));
    let unknown = ReleaseId::new(store.ids());
    let known = store.known_releases(&[unknown, first.id]).await.unwrap();
    assert_eq!(known, [first.id]);
    assert!(store.known_releases(&[]).await.unwrap().is_empty());
}

async fn what_waits_for_a_table_is_remembered(bed: Bed) {
    let store = &bed.store;
    let write = |kind: Told, id: &str, project: &str, millis: i64| TableWrite {
        kind,
        id: id.to_owned(),
        project: project.to_owned(),
        queued_at: at(millis),
        refused: None,
    };
    let (late, early) =
        (write(Told::Rollout, "a", "shop", 9), write(Told::Release, "b", "shop", 3));
    let other = write(Told::Release, "c", "other", 1);
    let same = TableWrite { queued_at: at(1), ..late.clone() };
    for write in [&late, &early, &other, &same] {
        let write = write.clone();
        change!(store, |tx| tx.queue_table_write(&write).await);
    }
    assert_eq!(store.table_writes("shop", 9).await.unwrap(), [early.clone(), late.clone()]);
    assert_eq!(store.table_writes("shop", 1).await.unwrap(), [early]);
    change!(store, |tx| tx.end_table_write(Told::Release, "b").await);
    change!(store, |tx| tx.refuse_table_write(Told::Rollout, "a", "too large").await);
    assert!(store.table_writes("shop", 9).await.unwrap().is_empty());
    assert_eq!(store.table_write(Told::Release, "b").await.unwrap(), None);
    let refused = TableWrite { refused: Some("too large".to_owned()), ..late };
    assert_eq!(store.table_write(Told::Rollout, "a").await.unwrap(), Some(refused));
    assert_eq!(store.table_writes("other", 9).await.unwrap(), [other]);
}

/// A rollout that was ordered, begun and ended; `ended` is when, if it has.
async fn stood(
    store: &Store,
    release: &Release,
    environment: &str,
    (state, ordered, ended): (RolloutState, i64, Option<i64>),
) -> RolloutId {
    let rollout = Rollout {
        environment: environment.to_owned(),
        created_at: at(ordered),
        finished_at: ended.map(at),
        ..rollout(store, release, state)
    };
    let add = rollout.clone();
    change!(store, |tx| tx.add_rollout(&add).await);
    rollout.id
}

async fn how_rollouts_stand_is_told_without_their_plans(bed: Bed) {
    use RolloutState::{Failed, Running, Succeeded, Waiting};
    let store = &bed.store;
    let (one, two) = (added(store, "shop", 1).await, added(store, "shop", 2).await);
    let other = added(store, "other", 3).await;
    let old = stood(store, &one, "prod", (Succeeded, 10, Some(20))).await;
    // Ordered before the next one, and ended after it: it is what is there.
    let late = stood(store, &one, "prod", (Succeeded, 30, Some(60))).await;
    let early = stood(store, &two, "prod", (Succeeded, 40, Some(50))).await;
    let failed = stood(store, &two, "dev", (Failed, 41, Some(42))).await;
    let running = stood(store, &two, "dev", (Running, 70, None)).await;
    let waiting = stood(store, &one, "dev", (Waiting, 71, None)).await;
    let strange = stood(store, &other, "prod", (Succeeded, 80, Some(90))).await;
    let ids = |all: Vec<Standing>| all.into_iter().map(|it| it.id).collect::<Vec<_>>();

    let of_both = store.standings_of(&[one.id, two.id]).await.unwrap();
    assert_eq!(ids(of_both), [waiting, running, failed, early, late]);
    assert!(store.standings_of(&[]).await.unwrap().is_empty());
    assert_eq!(ids(store.last_rollouts("shop", Succeeded, 2).await.unwrap()), [late, early]);
    let live = store.last_rollouts("shop", Succeeded, 1).await.unwrap();
    assert_eq!((live.len(), live[0].id, live[0].release), (1, late, one.id));
    assert_eq!((live[0].environment.as_str(), live[0].finished_at), ("prod", Some(at(60))));
    assert_eq!(
        ids(store.ended_rollouts("shop", "prod", Succeeded, 9).await.unwrap()),
        [late, early, old]
    );
    assert_eq!(ids(store.ended_rollouts("shop", "prod", Succeeded, 1).await.unwrap()), [late]);
    assert!(store.ended_rollouts("shop", "dev", Succeeded, 9).await.unwrap().is_empty());
    assert_eq!(ids(store.ended_rollouts("shop", "dev", Failed, 9).await.unwrap()), [failed]);
    assert_eq!(ids(store.open_rollouts("shop", 9).await.unwrap()), [waiting, running]);
    assert_eq!(ids(store.open_rollouts("shop", 1).await.unwrap()), [waiting]);
    assert_eq!(ids(store.rollouts_of(one.id, 9).await.unwrap()), [waiting, late, old]);
    assert_eq!(ids(store.rollouts_of(other.id, 9).await.unwrap()), [strange]);

    for (environment, until) in [("prod", None), ("dev", Some(at(50)))] {
        let freeze = Freeze {
            project: "shop".to_owned(),
            environment: environment.to_owned(),
            reason: "holidays".to_owned(),
            created_by: "ann".to_owned(),
            created_at: at(7),
            until,
        };
        change!(store, |tx| tx.freeze(&freeze).await);
    }
    let frozen = async |moment| {
        let all = store.freezes("shop", at(moment)).await.unwrap();
        all.into_iter().map(|it| it.environment).collect::<Vec<_>>()
    };
    assert_eq!(
        (frozen(49).await, frozen(50).await),
        (vec!["dev".into(), "prod".into()], vec!["prod".into()])
    );
    assert!(store.freezes("other", at(49)).await.unwrap().is_empty());
}

async fn steps_under_way_tell_how_far_they_are(bed: Bed) {
    let store = &bed.store;
    let rollout = ordered(store, RolloutState::Queued).await.id;
    let lease = taken(store, rollout, 1, 100).await;
    let intent = json!({});
    for name in ["watch:api", "watch:web"] {
        let (lease, intent) = (lease.clone(), intent.clone());
        assert!(change!(store, |tx| tx.begin_step(&lease, name, &intent, at(2), at(100)).await));
    }
    let held = lease.clone();
    let done = json!({"deployment": "d"});
    change!(store, |tx| tx
        .end_step(&held, "watch:web", StepState::Done, &done, at(3), at(100))
        .await);
    let told: Vec<_> = ["watch:api", "watch:web", "watch:none"]
        .map(|name| (name.to_owned(), json!({"running": 1})))
        .into();
    let held = lease.clone();
    assert!(change!(store, |tx| tx.tell_steps(&held, &told, at(200)).await));
    let steps = store.rollout_steps(rollout).await.unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(
        (steps[0].state, &steps[0].outcome),
        (StepState::Begun, &Some(json!({"running": 1})))
    );
    assert_eq!(steps[1].outcome, Some(json!({"deployment": "d"})), "what has ended stays");
    let lost = PlaceLease { fence: lease.fence + 1, ..lease };
    let told = vec![("watch:api".to_owned(), json!({"running": 9}))];
    assert!(!change!(store, |tx| tx.tell_steps(&lost, &told, at(300)).await));
    let steps = store.rollout_steps(rollout).await.unwrap();
    assert_eq!(steps[0].outcome, Some(json!({"running": 1})));
}

async fn the_newest_release_of_an_image_is_found(bed: Bed) {
    let store = &bed.store;
    added(store, "shop", 1).await;
    let newest = added(store, "shop", 2).await;
    let (carts, none) = (Digest::of(b"carts"), Digest::of(b"none"));
    assert_eq!(store.releases_with(&[none, carts]).await.unwrap(), [(carts, newest.id)]);
    assert!(store.releases_with(&[]).await.unwrap().is_empty());
}
