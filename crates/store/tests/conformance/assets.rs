//! Asset sets: what builds made for commits.

use portolan_model::{CommitId, Digest};
use portolan_store::{Asset, AssetFilter, AssetLayout, AssetSet, AssetState, Page, Store};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_set_is_read_as_it_was_seen_last,
    sets_are_found_by_commit_project_scope_and_contents,
    what_a_look_through_all_did_not_find_is_forgotten,
);

fn commit(number: u32) -> CommitId {
    format!("{number:08x}").repeat(5).parse().unwrap()
}

fn set(number: u32, project: &str) -> AssetSet {
    AssetSet {
        bucket: "s3://builds/team".to_owned(),
        key: format!("{project}/main/commits/{}.json", commit(number)),
        layout: AssetLayout::Portolan,
        project: project.to_owned(),
        scope: "main".to_owned(),
        commit: commit(number),
        built_commit: commit(1),
        state: AssetState::Complete,
        inputs: Some("ab".repeat(32)),
        signed_by: None,
        made_by: Some("ann".to_owned()),
        ci_url: None,
        made_at: at(i64::from(number)),
        seen_at: at(100),
        files: 2,
        bytes: 3,
    }
}

fn files(contents: &[&str]) -> Vec<Asset> {
    let asset = |content: &&str| Asset {
        path: format!("dir/{content}"),
        size: content.len() as u64,
        digest: (*content != "?").then(|| Digest::of(content.as_bytes())),
    };
    contents.iter().map(asset).collect()
}

async fn see(store: &Store, set: &AssetSet, files: &[Asset]) {
    let (set, files) = (set.clone(), files.to_vec());
    change!(store, |tx| tx.see_assets(&set, &files).await);
}

async fn found(store: &Store, filter: AssetFilter) -> Vec<AssetSet> {
    let found = store.asset_sets(&filter, Page::ALL).await.unwrap();
    assert_eq!(found.total, found.items.len() as u64);
    found.items
}

async fn a_set_is_read_as_it_was_seen_last(bed: Bed) {
    let (store, one) = (&bed.store, set(1, "shop"));
    see(store, &one, &files(&["a", "?"])).await;
    assert_eq!(found(store, AssetFilter::default()).await, std::slice::from_ref(&one));
    assert_eq!(store.assets(&one).await.unwrap(), files(&["?", "a"]), "by path");
    let again = AssetSet {
        state: AssetState::Incomplete,
        layout: AssetLayout::Legacy,
        made_by: None,
        ci_url: Some("https://ci.example/1".to_owned()),
        seen_at: at(200),
        ..one.clone()
    };
    see(store, &again, &files(&["b"])).await;
    assert_eq!(found(store, AssetFilter::default()).await, std::slice::from_ref(&again));
    assert_eq!(store.assets(&again).await.unwrap(), files(&["b"]));
    let many: Vec<Asset> = (0..500_u64)
        .map(|number| Asset { path: format!("f{number:03}"), size: number, digest: None })
        .collect();
    see(store, &again, &many).await;
    assert_eq!(store.assets(&again).await.unwrap(), many);
    let gone = again.clone();
    let known = change!(store, |tx| tx.forget_assets(&gone.bucket, &gone.key).await);
    assert!(known);
    assert_eq!(found(store, AssetFilter::default()).await, []);
    assert_eq!(store.assets(&again).await.unwrap(), []);
}

async fn sets_are_found_by_commit_project_scope_and_contents(bed: Bed) {
    let store = &bed.store;
    let (one, two) = (set(1, "shop"), set(2, "blog"));
    let other = AssetSet {
        scope: "pull-request".to_owned(),
        key: format!("shop/pull-request/commits/{}.json", commit(1)),
        ..one.clone()
    };
    see(store, &one, &files(&["a", "b"])).await;
    see(store, &two, &files(&["b"])).await;
    see(store, &other, &[]).await;
    let filter = AssetFilter::default;
    for (asked, keys) in [
        (filter(), vec![&two.key, &one.key, &other.key]),
        (AssetFilter { commit: Some("0000000100".into()), ..filter() }, vec![&one.key, &other.key]),
        (AssetFilter { commit: Some("00000002".into()), ..filter() }, vec![&two.key]),
        (AssetFilter { commit: Some("ff".into()), ..filter() }, vec![]),
        (AssetFilter { project: Some("blog".into()), ..filter() }, vec![&two.key]),
        (AssetFilter { scope: Some("pull-request".into()), ..filter() }, vec![&other.key]),
        (AssetFilter { digest: Some(Digest::of(b"b")), ..filter() }, vec![&two.key, &one.key]),
        (AssetFilter { digest: Some(Digest::of(b"a")), ..filter() }, vec![&one.key]),
    ] {
        let mut told: Vec<String> =
            found(store, asked.clone()).await.into_iter().map(|it| it.key).collect();
        let mut keys: Vec<String> = keys.into_iter().cloned().collect();
        told.sort();
        keys.sort();
        assert_eq!(told, keys, "{asked:?}");
    }
    let first = store.asset_sets(&filter(), Page::first(1)).await.unwrap();
    assert_eq!((first.total, first.items), (3, vec![two]), "newest first");
}

async fn what_a_look_through_all_did_not_find_is_forgotten(bed: Bed) {
    let store = &bed.store;
    let (old, new) = (set(1, "shop"), AssetSet { seen_at: at(200), ..set(2, "shop") });
    let elsewhere = AssetSet { bucket: "file:/srv".to_owned(), ..set(3, "shop") };
    for set in [&old, &new, &elsewhere] {
        see(store, set, &files(&["a"])).await;
    }
    change!(store, |tx| tx.forget_assets_unseen("s3://builds/team", at(200)).await);
    assert_eq!(found(store, AssetFilter::default()).await, [elsewhere.clone(), new.clone()]);
    let legacy = |number, state| AssetSet {
        state,
        layout: AssetLayout::Legacy,
        key: format!("artifacts/{}/", commit(number)),
        seen_at: at(200),
        ..set(number, "")
    };
    for (number, state) in
        [(10, AssetState::Unproven), (30, AssetState::Complete), (11, AssetState::Incomplete)]
    {
        see(store, &legacy(number, state), &[]).await;
    }
    let mut settled = store.settled_assets("s3://builds/team", at(20)).await.unwrap();
    settled.sort();
    assert_eq!(settled, [legacy(10, AssetState::Unproven).key, new.key.clone()]);
    let keys = vec![new.key, "none".to_owned()];
    change!(store, |tx| tx.assets_still_there("s3://builds/team", &keys, at(300)).await);
    change!(store, |tx| tx.forget_assets_unseen("s3://builds/team", at(300)).await);
    let left: Vec<String> =
        found(store, AssetFilter::default()).await.into_iter().map(|it| it.key).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
