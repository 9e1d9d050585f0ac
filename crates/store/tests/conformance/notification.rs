//! Notifications: told once for each rule, kept until they are received, and never of the past.

use std::collections::BTreeMap;

use portolan_model::{EventId, NotificationId};
use portolan_store::{
    Delivery, NewEntry, Notification, NotificationFilter, NotificationState, Page, Payload, Store,
};
use serde_json::json;

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    one_thing_is_told_once_for_each_rule,
    two_processes_that_notice_at_once_tell_once,
    what_was_sent_is_not_sent_again,
    rules_look_from_when_they_were_made,
    notifications_are_listed_and_forgotten,
    dead_events_are_found,
);

fn new(store: &Store, rule: &str, subject: &str, moment: i64) -> Notification {
    Notification {
        id: NotificationId::new(store.ids()),
        rule: rule.to_owned(),
        occasion: "deployment-failed".to_owned(),
        subject: subject.to_owned(),
        environment: Some("staging".to_owned()),
        service: None,
        summary: "shop 1.0 failed in staging".to_owned(),
        details: json!({ "reasons": ["exit 1"] }),
        happened_at: at(5),
        state: NotificationState::Waiting,
        attempts: 0,
        status: None,
        error: None,
        next_at: None,
        created_at: at(moment),
        ended_at: None,
    }
}

async fn one_thing_is_told_once_for_each_rule(bed: Bed) {
    let first = new(&bed.store, "ops", "deployment:1", 10);
    let (id, kept) = (first.id, first.clone());
    assert!(change!(bed.store, |tx| tx.add_notification(&first).await));
    let again = new(&bed.store, "ops", "deployment:1", 20);
    assert!(!change!(bed.store, |tx| tx.add_notification(&again).await));
    for other in [
        new(&bed.store, "devs", "deployment:1", 20),
        new(&bed.store, "ops", "deployment:2", 20),
        Notification {
            occasion: "rolled-back".to_owned(),
            ..new(&bed.store, "ops", "deployment:1", 20)
        },
    ] {
        assert!(change!(bed.store, |tx| tx.add_notification(&other).await));
    }
    assert_eq!(bed.store.notification(id).await.unwrap(), Some(kept));
    assert_eq!(bed.store.noticed_since(at(10)).await.unwrap().len(), 4);
    let later = bed.store.noticed_since(at(11)).await.unwrap();
    let key = |rule: &str, occasion: &str, subject: &str| {
        (rule.to_owned(), occasion.to_owned(), subject.to_owned())
    };
    assert_eq!(later.len(), 3);
    assert!(later.contains(&key("devs", "deployment-failed", "deployment:1")));
    assert!(!later.contains(&key("ops", "deployment-failed", "deployment:1")));
}

async fn two_processes_that_notice_at_once_tell_once(bed: Bed) {
    let other = bed.another().await;
    let mut told = 0;
    for subject in 0..20 {
        let subject = format!("deployment:{subject}");
        let (mine, theirs) = (new(&bed.store, "ops", &subject, 1), new(&other, "ops", &subject, 1));
        let mine =
            bed.store.write(move |tx| Box::pin(async move { tx.add_notification(&mine).await }));
        let theirs =
            other.write(move |tx| Box::pin(async move { tx.add_notification(&theirs).await }));
        let (mine, theirs) = tokio::join!(mine, theirs);
        told += u32::from(mine.unwrap()) + u32::from(theirs.unwrap());
    }
    assert_eq!(told, 20);
}

async fn what_was_sent_is_not_sent_again(bed: Bed) {
    let one = new(&bed.store, "ops", "deployment:1", 10);
    let id = one.id;
    change!(bed.store, |tx| tx.add_notification(&one).await);
    assert!(change!(bed.store, |tx| tx.begin_delivery(id).await));
    let again = Delivery {
        state: NotificationState::Waiting,
        status: Some(503),
        error: Some("it answered 503".to_owned()),
        next_at: Some(at(40)),
    };
    assert!(change!(bed.store, |tx| tx.end_delivery(id, &again, at(20)).await));
    let found = bed.store.notification(id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.attempts, found.status),
        (NotificationState::Waiting, 1, Some(503))
    );
    assert_eq!((found.next_at, found.ended_at), (Some(at(40)), None));
    assert!(change!(bed.store, |tx| tx.begin_delivery(id).await));
    let sent =
        Delivery { state: NotificationState::Sent, status: Some(204), error: None, next_at: None };
    let late = Delivery { state: NotificationState::Failed, ..sent.clone() };
    assert!(change!(bed.store, |tx| tx.end_delivery(id, &sent, at(50)).await));
    assert!(!change!(bed.store, |tx| tx.begin_delivery(id).await), "it was received");
    assert!(!change!(bed.store, |tx| tx.end_delivery(id, &late, at(60)).await));
    let found = bed.store.notification(id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.attempts, found.status),
        (NotificationState::Sent, 2, Some(204))
    );
    assert_eq!((found.error, found.ended_at), (None, Some(at(50))));
}

async fn rules_look_from_when_they_were_made(bed: Bed) {
    let pair = |rule: &str, occasion: &str| (rule.to_owned(), occasion.to_owned());
    let (a, b, c) =
        (pair("ops", "rolled-back"), pair("ops", "event-dead"), pair("x", "event-dead"));
    let (first, second) = (vec![a.clone(), b.clone()], vec![a.clone(), c.clone()]);
    let third = vec![a.clone(), b.clone(), c.clone()];
    let since = change!(bed.store, |tx| tx.watch(&first, at(10)).await);
    assert_eq!(since, BTreeMap::from([(a.clone(), at(10)), (b.clone(), at(10))]));
    let since = change!(bed.store, |tx| tx.watch(&second, at(20)).await);
    assert_eq!(since, BTreeMap::from([(a.clone(), at(10)), (c.clone(), at(20))]));
    let since = change!(bed.store, |tx| tx.watch(&third, at(30)).await);
    let expected = BTreeMap::from([(a, at(10)), (b, at(30)), (c, at(20))]);
    assert_eq!(since, expected, "what was left out for a while begins anew");
}

async fn notifications_are_listed_and_forgotten(bed: Bed) {
    for (place, rule) in ["ops", "devs", "ops"].into_iter().enumerate() {
        let moment = i64::try_from(place).unwrap() * 10;
        let one = new(&bed.store, rule, &format!("deployment:{place}"), moment);
        let id = one.id;
        change!(bed.store, |tx| tx.add_notification(&one).await);
        let failed = Delivery {
            state: NotificationState::Failed,
            status: Some(410),
            error: Some("it answered 410".to_owned()),
            next_at: None,
        };
        if place == 0 {
            change!(bed.store, |tx| tx.end_delivery(id, &failed, at(5)).await);
        }
    }
    let list = async |rule: Option<&str>, state| {
        let filter = NotificationFilter { rule: rule.map(ToOwned::to_owned), state };
        let found = bed.store.notifications(&filter, Page { offset: 0, limit: 2 }).await.unwrap();
        let subjects: Vec<_> = found.items.into_iter().map(|it| it.subject).collect();
        (found.total, subjects.join(" "))
    };
    assert_eq!(list(None, None).await, (3, "deployment:2 deployment:1".to_owned()));
    assert_eq!(list(Some("ops"), None).await, (2, "deployment:2 deployment:0".to_owned()));
    let failed = Some(NotificationState::Failed);
    assert_eq!(list(None, failed).await, (1, "deployment:0".to_owned()));
    let counts = bed.store.notification_counts().await.unwrap();
    let waiting = (NotificationState::Waiting, 2);
    assert_eq!(counts, [(NotificationState::Failed, 1), waiting]);
    assert_eq!(change!(bed.store, |tx| tx.forget_notifications(at(5)).await), 0);
    assert_eq!(change!(bed.store, |tx| tx.forget_notifications(at(6)).await), 1);
    assert_eq!(bed.store.notification_counts().await.unwrap(), [waiting], "what waits stays");
}

async fn dead_events_are_found(bed: Bed) {
    let entry = |dead: Option<&str>| {
        let id = EventId::new(bed.store.ids());
        NewEntry {
            id,
            source: "test".to_owned(),
            kind: "ecs.task".to_owned(),
            dedupe_key: id.to_string(),
            occurred_at: at(1),
            payload: Payload::of("{}"),
            dead: dead.map(ToOwned::to_owned),
        }
    };
    let entries = vec![entry(Some("first")), entry(None), entry(Some("second"))];
    change!(bed.store, |tx| tx.append_entries(entries, at(7)).await);
    let found = bed.store.dead_events(10).await.unwrap();
    let told: Vec<_> = found.iter().map(|it| (it.reason.as_deref(), it.recorded_at)).collect();
    assert_eq!(told, [(Some("second"), at(7)), (Some("first"), at(7))]);
    assert_eq!(found[0].kind, "ecs.task");
    assert_eq!(bed.store.dead_events(1).await.unwrap().len(), 1);
}
