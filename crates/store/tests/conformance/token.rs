//! Tokens: one name at a time, and what is revoked is not kept.

use portolan_model::{Digest, TokenId};
use portolan_store::{NewToken, Page, Scope, Store};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_token_is_kept_until_it_is_revoked,
    use_is_remembered_and_never_earlier,
    a_token_is_seen_by_another_process,
);

fn new(store: &Store, name: &str, scopes: &[&str]) -> NewToken {
    let id = TokenId::new(store.ids());
    NewToken {
        id,
        name: name.to_owned(),
        digest: Digest::of(id.to_string().as_bytes()),
        scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
        created_at: at(10),
        expires_at: Some(at(100)),
    }
}

async fn a_token_is_kept_until_it_is_revoked(bed: Bed) {
    let first = new(&bed.store, "ci", &["push", "deploy:production"]);
    let (id, digest) = (first.id, first.digest);
    assert!(change!(bed.store, |tx| tx.add_token(first).await));
    let namesake = new(&bed.store, "ci", &["admin"]);
    assert!(!change!(bed.store, |tx| tx.add_token(namesake).await), "the name is taken");

    let kept = bed.store.kept_tokens().await.unwrap();
    assert_eq!((kept.len(), kept[0].digest), (1, digest));
    let token = &kept[0].token;
    assert_eq!((token.id, token.name.as_str(), token.created_at), (id, "ci", at(10)));
    assert_eq!(token.scopes, [Scope::Push, Scope::Deploy("production".to_owned())]);
    assert!(token.is_live(at(99)) && !token.is_live(at(100)));
    assert_eq!(bed.store.token(id).await.unwrap().as_ref(), Some(token));

    assert!(change!(bed.store, |tx| tx.revoke_token(id, at(20)).await));
    assert!(!change!(bed.store, |tx| tx.revoke_token(id, at(30)).await), "once is enough");
    assert!(bed.store.kept_tokens().await.unwrap().is_empty());
    let second = new(&bed.store, "ci", &["read"]);
    let second_id = second.id;
    assert!(change!(bed.store, |tx| tx.add_token(second).await), "the name is free again");

    let all = bed.store.tokens(Page::ALL).await.unwrap();
    let told: Vec<_> = all.items.iter().map(|token| (token.id, token.revoked_at)).collect();
    assert_eq!((all.total, told), (2, vec![(second_id, None), (id, Some(at(20)))]));
    assert!(!all.items[1].is_live(at(15)));
    let part = bed.store.tokens(Page { offset: 1, limit: 1 }).await.unwrap();
    assert_eq!((part.total, part.items.len(), part.items[0].id), (2, 1, id));
}

async fn use_is_remembered_and_never_earlier(bed: Bed) {
    let token = new(&bed.store, "ci", &["read"]);
    let id = token.id;
    change!(bed.store, |tx| tx.add_token(token).await);
    for moment in [50, 40] {
        change!(bed.store, |tx| tx.token_was_used(id, at(moment)).await);
    }
    let token = bed.store.token(id).await.unwrap().unwrap();
    assert_eq!(token.last_used_at, Some(at(50)));
}

async fn a_token_is_seen_by_another_process(bed: Bed) {
    let other = bed.another().await;
    let token = new(&other, "ci", &["read"]);
    change!(other, |tx| tx.add_token(token).await);
    assert_eq!(bed.store.kept_tokens().await.unwrap().len(), 1);
}
