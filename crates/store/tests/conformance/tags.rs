//! Where tags point, now and before, whatever the order in which it was heard.

use portolan_model::{Digest, EventId, Ids as _, RepositoryName, Tag};
use portolan_store::{Page, TagMove};

use crate::bed::{Bed, Sequence, at, change};

crate::on_both_engines!(any_order_gives_the_same_history, pointers_are_listed);

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

async fn any_order_gives_the_same_history(bed: Bed) {
    let ids = Sequence::default();
    let mut moves: Vec<(i64, EventId, Option<Digest>)> = Vec::new();
    for (when, content) in [
        (10, Some("x")),
        (20, Some("x")),
        (30, Some("y")),
        (30, Some("z")),
        (40, None),
        (50, Some("x")),
    ] {
        let id: EventId = ids.next().to_string().parse().unwrap();
        moves.push((when, id, content.map(|content| Digest::of(content.as_bytes()))));
    }
    let orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [3, 0, 5, 2, 4, 1]];
    for (n, order) in orders.into_iter().enumerate() {
        let repository = name(&format!("r{n}"));
        // Each is heard twice.
        for index in order.into_iter().chain(order) {
            let ((when, id, digest), repository) = (moves[index], repository.clone());
            change!(bed.store, |tx| tx
                .move_tag(&repository, &tag("1"), digest, at(when), id)
                .await);
        }
        let pointed = |content: &str, from, to| TagMove {
            digest: Some(Digest::of(content.as_bytes())),
            from: at(from),
            to: Some(at(to)),
        };
        assert_eq!(
            bed.store.tag_history(&repository, &tag("1")).await.unwrap(),
            [
                TagMove { to: None, ..pointed("x", 50, 0) },
                TagMove { digest: None, from: at(40), to: Some(at(50)) },
                pointed("z", 30, 40),
                pointed("y", 30, 30),
                pointed("x", 10, 30),
            ],
            "order {n}"
        );
        let now = bed.store.tag(&repository, &tag("1")).await.unwrap().unwrap();
        assert_eq!((now.digest, now.since), (Digest::of(b"x"), at(50)));
    }
}

async fn pointers_are_listed(bed: Bed) {
    let ids = Sequence::default();
    for (repository, text, content) in [("b", "1", "x"), ("a/b", "2", "x"), ("a/b", "1", "y")] {
        let id: EventId = ids.next().to_string().parse().unwrap();
        let digest = Some(Digest::of(content.as_bytes()));
        change!(bed.store, |tx| tx
            .move_tag(&name(repository), &tag(text), digest, at(1), id)
            .await);
    }
    let all = bed.store.tags(None, Page::ALL).await.unwrap();
    let names: Vec<_> = all.items.iter().map(|p| format!("{}:{}", p.repository, p.tag)).collect();
    assert_eq!((all.total, names), (3, vec!["a/b:1".into(), "a/b:2".into(), "b:1".into()]));
    let some = bed.store.tags(Some(&name("a/b")), Page { offset: 1, limit: 5 }).await.unwrap();
    assert_eq!((some.total, some.items.len()), (2, 1));
    assert_eq!(bed.store.tags_of(&Digest::of(b"x")).await.unwrap().len(), 2);
    let id: EventId = ids.next().to_string().parse().unwrap();
    change!(bed.store, |tx| tx.move_tag(&name("b"), &tag("1"), None, at(2), id).await);
    assert!(bed.store.tag(&name("b"), &tag("1")).await.unwrap().is_none());
    assert_eq!(bed.store.tags(None, Page::ALL).await.unwrap().total, 2);
}
