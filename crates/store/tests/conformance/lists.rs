//! What lists show of each image, tag and layer, and where something is.

use portolan_model::{Digest, EventId, Platform};
use portolan_store::{Child, ImageKind, ImageState, Page, ScannedImage, Store};

use crate::bed::{Bed, at, change};
use crate::files::{begin, file, finish, put_image};

crate::on_both_engines!(
    a_list_knows_each_image_in_one_question,
    moves_of_a_tag_are_counted,
    layers_that_were_read_are_known,
    images_are_found_by_layer_digest_and_commit,
    tags_are_found_by_a_part_of_their_name,
);

async fn point(store: &Store, repository: &str, tag: &str, image: Option<&str>, when: i64) {
    let (repository, tag) = (repository.parse().unwrap(), tag.parse().unwrap());
    let digest = image.map(|image| Digest::of(image.as_bytes()));
    let event = EventId::new(store.ids());
    change!(store, |tx| tx.move_tag(&repository, &tag, digest, at(when), event).await);
}

async fn a_list_knows_each_image_in_one_question(bed: Bed) {
    let store = &bed.store;
    let (amd64, arm64): (Platform, Platform) =
        ("linux/amd64".parse().unwrap(), "linux/arm64".parse().unwrap());
    let child = |name: &str, platform: Option<&Platform>| Child {
        digest: Digest::of(name.as_bytes()),
        media_type: "m".into(),
        size: 7,
        platform: platform.cloned(),
    };
    let children = vec![
        child("x", Some(&arm64)),
        child("y", Some(&amd64)),
        child("z", Some(&amd64)),
        child("w", None),
    ];
    let index = ScannedImage { children, compressed_bytes: 9, ..ScannedImage::default() };
    let image =
        ScannedImage { platform: Some(amd64.clone()), raw_bytes: 8, ..ScannedImage::default() };
    let digests = ["index", "image", "failed", "nothing"].map(|name| Digest::of(name.as_bytes()));
    change!(store, |tx| {
        let repository = "a".parse().unwrap();
        tx.see_image(&repository, &digests[0], "m", ImageKind::Index, at(1)).await?;
        tx.put_scanned_image(&digests[0], ImageKind::Index, &index, at(2)).await?;
        tx.see_image(&repository, &digests[1], "m", ImageKind::Image, at(1)).await?;
        tx.put_scanned_image(&digests[1], ImageKind::Image, &image, at(2)).await?;
        tx.see_image(&repository, &digests[2], "m", ImageKind::Image, at(1)).await?;
        tx.image_failed(&digests[2], "truncated", at(2)).await
    });
    let briefs = store.image_briefs(&digests).await.unwrap();
    assert_eq!(briefs.len(), 3);
    assert_eq!(briefs[&digests[0]].platforms, [arm64, amd64.clone()]);
    assert_eq!(briefs[&digests[0]].compressed_bytes, 9);
    assert_eq!(
        (&briefs[&digests[1]].platforms[..], briefs[&digests[1]].raw_bytes),
        (&[amd64][..], 8)
    );
    assert_eq!(briefs[&digests[2]].state, ImageState::Failed);
    assert_eq!(briefs[&digests[2]].error.as_deref(), Some("truncated"));
    assert!(store.image_briefs(&[]).await.unwrap().is_empty());
}

async fn moves_of_a_tag_are_counted(bed: Bed) {
    let store = &bed.store;
    for (tag, image, when) in [
        ("1", Some("i"), 1),
        ("1", Some("i"), 2),
        ("1", None, 3),
        ("1", Some("i"), 4),
        ("2", Some("j"), 1),
        ("3", Some("j"), 1),
    ] {
        point(store, "a/b", tag, image, when).await;
    }
    point(store, "a/c", "1", Some("i"), 9).await;
    let tags = ["1".parse().unwrap(), "2".parse().unwrap(), "none".parse().unwrap()];
    let counts = store.tag_move_counts(&"a/b".parse().unwrap(), &tags).await.unwrap();
    assert_eq!((counts.len(), counts["1"], counts["2"]), (2, 3, 1));
    let history = store.tag_history(&"a/b".parse().unwrap(), &tags[0]).await.unwrap();
    assert_eq!(history.len(), 3, "the count is that of the history");
    let both = ["a/b".parse().unwrap(), "a/c".parse().unwrap()];
    let tags = store.tags_of_repositories(&both).await.unwrap();
    let named: Vec<_> = tags.iter().map(|t| format!("{}:{}", t.repository, t.tag)).collect();
    assert_eq!(named, ["a/b:1", "a/b:2", "a/b:3", "a/c:1"]);
}

async fn layers_that_were_read_are_known(bed: Bed) {
    let store = &bed.store;
    let scan = begin(store, "read", vec![file("a")]).await;
    finish(store, "read", scan, "k").await;
    begin(store, "half", vec![file("a")]).await;
    let digests = ["read", "half", "never"].map(|name| Digest::of(name.as_bytes()));
    let layers = store.layers(&digests).await.unwrap();
    assert_eq!((layers.len(), layers[&digests[0]].result.entries), (1, 3));
}

async fn images_are_found_by_layer_digest_and_commit(bed: Bed) {
    let store = &bed.store;
    let scan = begin(store, "base", vec![file("a")]).await;
    finish(store, "base", scan, "k").await;
    let one = put_image(store, "one", &["base", "base"]).await;
    let two = put_image(store, "two", &["base"]).await;
    put_image(store, "three", &[]).await;
    let base = Digest::of(b"base");
    let found = store.images_with_layer(&base, Page::first(1)).await.unwrap();
    assert_eq!((found.total, found.items.len()), (2, 1));
    let found = store.images_with_layer(&base, Page::ALL).await.unwrap();
    let mut digests: Vec<_> = found.items.iter().map(|placed| placed.digest).collect();
    digests.sort();
    assert!(digests.contains(&one) && digests.contains(&two), "{digests:?}");

    let found = store.images_between(&one, &one, 10).await.unwrap();
    assert_eq!((found.len(), found[0].digest, found[0].repository.as_str()), (1, one, "a"));
    let (low, high) = (Digest::from_bytes([0; 32]), Digest::from_bytes([255; 32]));
    assert_eq!(store.images_between(&low, &high, 10).await.unwrap().len(), 3);
    assert_eq!(store.images_between(&low, &high, 2).await.unwrap().len(), 2);

    for (image, commit) in [("c1", "63eb5a367cfd"), ("c2", "63eb5bffffff"), ("c3", "Z9")] {
        let digest = Digest::of(image.as_bytes());
        let found = ScannedImage { revision: Some(commit.into()), ..ScannedImage::default() };
        change!(store, |tx| {
            tx.see_image(&"c".parse().unwrap(), &digest, "m", ImageKind::Image, at(1)).await?;
            tx.put_scanned_image(&digest, ImageKind::Image, &found, at(3)).await
        });
    }
    let commits = async |text| store.images_of_commit(text, 10).await.unwrap().len();
    assert_eq!((commits("63eb5").await, commits("63eb5a367cfd").await), (2, 1));
    assert_eq!((commits("63eb5a367cfd0").await, commits("z").await), (0, 0));
}

async fn tags_are_found_by_a_part_of_their_name(bed: Bed) {
    let store = &bed.store;
    point(store, "a", "1.2.3-rc_1", Some("i"), 1).await;
    point(store, "b", "1.2.3", Some("i"), 2).await;
    point(store, "b", "gone-1.2.3", Some("i"), 3).await;
    point(store, "b", "gone-1.2.3", None, 4).await;
    let found = async |text: &str, limit| {
        let tags = store.tags_containing(text, limit).await.unwrap();
        tags.iter().map(|tag| tag.repository.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("1.2", 10).await, ["b", "a"]);
    assert_eq!(found("1.2", 1).await, ["b"]);
    assert_eq!(found("c_1", 10).await, ["a"]);
    assert!(found("%", 10).await.is_empty(), "what is searched for is no pattern");
}
