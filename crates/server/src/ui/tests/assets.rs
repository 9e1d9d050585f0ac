//! Pages of asset sets.

use http::StatusCode;
use portolan_model::{CommitId, Digest};
use portolan_store::{Asset, AssetLayout, AssetSet, AssetState, Commit};

use super::bed::{Bed, change};
use super::story::ago;

pub(super) fn commit(number: u32) -> CommitId {
    format!("{number:08x}").repeat(5).parse().unwrap()
}

pub(super) fn set(number: u32) -> AssetSet {
    AssetSet {
        bucket: "s3://builds/team".to_owned(),
        key: format!("shop/main/commits/{}.json", commit(number)),
        layout: AssetLayout::Portolan,
        project: "shop".to_owned(),
        scope: "main".to_owned(),
        commit: commit(number),
        built_commit: commit(1),
        state: AssetState::Complete,
        inputs: Some("ab".repeat(32)),
        signed_by: None,
        made_by: Some("ann".to_owned()),
        ci_url: Some("https://ci.example/7".to_owned()),
        made_at: ago(i64::from(number)),
        seen_at: ago(0),
        files: 2,
        bytes: 5000,
    }
}

pub(super) async fn see(bed: &Bed, set: AssetSet, paths: &[&str]) {
    let file = |path: &&str| Asset {
        path: (*path).to_owned(),
        size: 2500,
        digest: Some(Digest::of(path.as_bytes())),
    };
    let files: Vec<Asset> = paths.iter().map(file).collect();
    change!(bed.store, |tx| tx.see_assets(&set, &files).await);
}

#[tokio::test]
async fn sets_are_listed_and_shown_with_their_files() {
    let bed = Bed::new().await;
    let empty = bed.main("/ui/assets").await;
    assert!(empty.contains("No build has left anything here yet"), "{empty}");
    see(&bed, set(1), &["app.zip", "lib/b.zip"]).await;
    see(&bed, set(2), &["app.zip"]).await;
    let legacy = AssetSet {
        layout: AssetLayout::Legacy,
        key: format!("artifacts/{}/", commit(3)),
        state: AssetState::Unproven,
        built_commit: commit(3),
        ..set(3)
    };
    see(&bed, legacy, &["old.zip"]).await;
    let list = bed.main("/ui/assets").await;
    for shown in ["00000001", "shop, main", "complete", "no manifest", "s3-asset-manager", "3 sets"]
    {
        assert!(list.contains(shown), "{shown}: {list}");
    }
    let narrow = bed.main("/ui/assets?commit=00000002").await;
    assert!(narrow.contains("1 set") && !narrow.contains("no manifest"), "{narrow}");
    let none = bed.main("/ui/assets?project=blog").await;
    assert!(none.contains("No asset set is like this"), "{none}");

    let told = Commit {
        id: commit(2),
        parents: Vec::new(),
        subject: "Sell <more>".to_owned(),
        author: "bob".to_owned(),
        committed_at: ago(9),
    };
    change!(bed.store, |tx| tx.add_commits(std::slice::from_ref(&told)).await);
    let one = bed.main(&format!("/ui/assets/{}", commit(2))).await;
    let short = Digest::of(b"app.zip").short();
    for shown in [
        "Sell &#60;more&#62;",
        "whose inputs are the same",
        "app.zip",
        &short,
        "https://ci.example/7",
    ] {
        assert!(one.contains(shown), "{shown}: {one}");
    }
    let found = bed.main(&format!("/ui/where?q={}", commit(1))).await;
    assert!(found.contains("What builds made for it"), "{found}");
    let found = bed.main(&format!("/ui/where?q={}", Digest::of(b"lib/b.zip"))).await;
    assert!(found.contains("00000001 shop main"), "{found}");
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let bed = Bed::new().await;
    for (path, status) in [
        ("/ui/assets?commit=xyz", StatusCode::BAD_REQUEST),
        ("/ui/assets?page=x", StatusCode::BAD_REQUEST),
        ("/ui/assets/abc", StatusCode::NOT_FOUND),
        (&format!("/ui/assets/{}", commit(1)), StatusCode::NOT_FOUND),
    ] {
        assert_eq!(bed.ask(path, &[]).await.status, status, "{path}");
    }
}
