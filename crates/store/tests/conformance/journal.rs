//! The journal: once each, in order, until applied or dead.

use portolan_model::{Digest, Event, EventId, EventKind};
use portolan_store::{JournalFilter, JournalState, Page};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(an_event_is_recorded_once, pending_events_come_in_order_until_applied);

fn event(key: &str) -> Event {
    Event {
        source: "registry".into(),
        kind: EventKind::ImagePushed {
            repository: "a/b".parse().unwrap(),
            tag: Some("1".parse().unwrap()),
            digest: Digest::of(key.as_bytes()),
        },
        dedupe_key: key.into(),
        occurred_at: at(5),
    }
}

async fn append(bed: &Bed, key: &str) -> (EventId, bool) {
    let (id, event) = (EventId::new(bed.store.ids()), event(key));
    (id, change!(bed.store, |tx| tx.append_event(id, &event, at(7)).await))
}

async fn an_event_is_recorded_once(bed: Bed) {
    assert!(append(&bed, "x").await.1);
    assert!(!append(&bed, "x").await.1);
    assert!(append(&bed, "y").await.1);
    let all = bed.store.journal(&JournalFilter::default(), Page::ALL).await.unwrap();
    assert_eq!(all.total, 2);
    let entry = &all.items[1];
    assert_eq!((entry.occurred_at, entry.recorded_at), (at(5), at(7)));
    assert_eq!(entry.kind, "image-pushed");
    let kind: EventKind = serde_json::from_str(&entry.payload).unwrap();
    assert_eq!(kind, event("x").kind);
}

async fn pending_events_come_in_order_until_applied(bed: Bed) {
    let mut ids = Vec::new();
    for key in ["a", "b", "c"] {
        ids.push(append(&bed, key).await.0);
    }
    let pending = async || {
        let entries = bed.store.pending_events(None, 10).await.unwrap();
        entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(pending().await, ids);
    assert_eq!(bed.store.pending_events(None, 2).await.unwrap().len(), 2);
    let [first, second, third] = ids[..] else { panic!("three events") };
    assert!(change!(bed.store, |tx| tx.event_applied(first).await));
    assert!(!change!(bed.store, |tx| tx.event_applied(first).await), "applied once");
    change!(bed.store, |tx| tx.event_dead(second, "not understood").await);
    assert_eq!(pending().await, [third]);
    let dead = JournalFilter { state: Some(JournalState::Dead), kind: None };
    let dead = bed.store.journal(&dead, Page::ALL).await.unwrap();
    assert_eq!(dead.items[0].reason.as_deref(), Some("not understood"));
    assert_eq!((dead.total, dead.items[0].id), (1, second));
}
