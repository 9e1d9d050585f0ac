//! Storing, finding, proving.

use portolan_assets::inputs::Inputs;
use portolan_assets::{AssetsError, By, Outcome};
use portolan_bucket::{Key, Put};

use crate::bed::{Bed, DAY, commit, inputs, upload};

#[tokio::test]
async fn a_set_is_stored_found_and_whole() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let one = inputs("one");
        assert!(assets.check(&commit('a'), Some(&one)).await.unwrap().hit.is_none());
        let large = "x".repeat(9 << 20);
        let files = bed.built(&[("a.zip", "ZIP"), ("deep/b/c", ""), ("large", &large)]);
        let stored = upload(&assets, &commit('a'), files.clone(), Some(&one)).await.unwrap();
        assert_eq!((stored.outcome, stored.sent), (Outcome::Written, 3));
        let hit = assets.check(&commit('a'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!((hit.by, hit.written), (By::Commit, false));
        assert_eq!(hit.found.manifest, stored.manifest);
        assert!(assets.verify(&stored.manifest, &|_| {}).await.unwrap().is_empty());
        // Once more: the same files are as good, and nothing is sent.
        let again = upload(&assets, &commit('a'), files, Some(&one)).await.unwrap();
        assert_eq!((again.outcome, again.sent), (Outcome::Already, 0));
        assert_eq!(again.manifest, stored.manifest);
        let others = bed.built(&[("a.zip", "ZIP2"), ("deep/b/c", ""), ("large", &large)]);
        let conflict = upload(&assets, &commit('a'), others, Some(&one)).await.unwrap_err();
        let text = conflict.to_string();
        assert!(matches!(conflict, AssetsError::Conflict { .. }), "{text}");
        assert!(text.contains("`a.zip`") && text.contains("https://ci.example/7"), "{text}");
    }
}

#[tokio::test]
async fn equal_inputs_serve_another_commit_and_tell_where_from() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let one = inputs("one");
        let files = bed.built(&[("a.zip", "ZIP")]);
        upload(&assets, &commit('a'), files, Some(&one)).await.unwrap();
        let two = assets.check(&commit('b'), Some(&inputs("two"))).await.unwrap().hit;
        assert!(two.is_none(), "other inputs");
        let hit = assets.check(&commit('b'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!((hit.by, hit.written), (By::Inputs, true));
        let manifest = hit.found.manifest;
        assert_eq!((&manifest.commit, &manifest.built_commit), (&commit('b'), &commit('a')));
        let from = manifest.served_from.unwrap();
        assert_eq!((from.commit, from.inputs), (commit('a'), one.hash));
        let again = assets.check(&commit('b'), None).await.unwrap().hit.unwrap();
        assert_eq!((again.by, again.found.manifest.built_commit), (By::Commit, commit('a')));
        // A set of a set tells who built it.
        let third = assets.check(&commit('c'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!(third.found.manifest.built_commit, commit('a'));
    }
}

#[tokio::test]
async fn inputs_whose_bytes_are_gone_are_a_miss_and_can_be_stored_again() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    let one = inputs("one");
    let stored = upload(&assets, &commit('a'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
    let blob = stored.manifest.blobs().into_iter().next().unwrap();
    let key: Key = format!("shop/main/blobs/sha256/{}", blob.digest.hex()).parse().unwrap();
    // Too short is as bad as gone.
    bed.bucket.put(&key, bytes::Bytes::new(), &Put::default()).await.unwrap();
    assert!(assets.check(&commit('b'), Some(&one)).await.unwrap().hit.is_none());
    bed.bucket.delete(&[key]).await.unwrap();
    assert!(assets.check(&commit('b'), Some(&one)).await.unwrap().hit.is_none());
    let problems = assets.verify(&stored.manifest, &|_| {}).await.unwrap();
    assert!(matches!(problems[0].error, AssetsError::Missing { .. }));
    let other = upload(&assets, &commit('b'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
    assert_eq!((other.outcome, other.sent), (Outcome::Written, 1));
    // What leads to a set that is gone is written anew.
    let key: Key = format!("shop/main/commits/{}.json", commit('a')).parse().unwrap();
    bed.bucket.delete(&[key]).await.unwrap();
    let files = bed.built(&[("a", "1")]);
    upload(&assets, &commit('c'), files, Some(&one)).await.unwrap();
    let hit = assets.check(&commit('d'), Some(&one)).await.unwrap().hit.unwrap();
    assert_eq!(hit.found.manifest.served_from.unwrap().commit, commit('c'));
}

#[tokio::test]
async fn of_two_uploads_at_once_one_wins_and_the_other_says_so() {
    for bed in Bed::both().await {
        let (assets, id) = (bed.main(), commit('a'));
        let files: Vec<(String, String)> =
            (0..20).map(|n| (format!("f{n:02}"), format!("text {n}"))).collect();
        let files: Vec<_> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let same = bed.built(&files);
        let (one, two) = futures::join!(
            upload(&assets, &id, same.clone(), None),
            upload(&assets, &id, same.clone(), None),
        );
        let mut outcomes = [one.unwrap().outcome, two.unwrap().outcome];
        outcomes.sort_by_key(|outcome| *outcome == Outcome::Already);
        assert_eq!(outcomes, [Outcome::Written, Outcome::Already]);
        // Other files, of the same commit.
        let id = commit('b');
        let first = same.clone();
        let mut second = same;
        second.remove("f00");
        let (one, two) =
            futures::join!(upload(&assets, &id, first, None), upload(&assets, &id, second, None));
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        assert_eq!(won.unwrap().outcome, Outcome::Written);
        assert!(matches!(lost, Err(AssetsError::Conflict { .. })), "{lost:?}");
    }
}

#[tokio::test]
async fn what_is_old_is_made_young_when_a_new_set_names_it() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let one = inputs("one");
        let files = bed.built(&[("a", "1")]);
        upload(&assets, &commit('a'), files.clone(), Some(&one)).await.unwrap();
        let blob = |names: &[String]| {
            names.iter().find(|name| name.contains("/blobs/")).unwrap().parse::<Key>().unwrap()
        };
        let key = blob(&bed.names().await);
        let renewed = async || {
            let known = bed.bucket.head(&key).await.unwrap().unwrap();
            known.metadata.contains_key("renewed")
        };
        upload(&assets, &commit('b'), files.clone(), Some(&one)).await.unwrap();
        assert!(!renewed().await, "it is young");
        bed.later(2 * DAY);
        assert!(assets.check(&commit('c'), Some(&one)).await.unwrap().hit.is_some());
        assert!(renewed().await, "a set that was served names it");
        let set = assets.find(&commit('c')).await.unwrap();
        assert!(assets.verify(&set.manifest, &|_| {}).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn more_sets_than_a_page_holds_are_listed_the_newest_first() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    let files = bed.built(&[("a", "1")]);
    for number in 0..30 {
        let id = format!("{number:040x}").parse().unwrap();
        upload(&assets, &id, files.clone(), None).await.unwrap();
    }
    let (page, total) = assets.list(5, 10).await.unwrap();
    assert_eq!((page.len(), total), (10, 30));
    assert!(page.windows(2).all(|two| two[0].written_at >= two[1].written_at));
}

#[tokio::test]
async fn a_manifest_that_was_changed_is_refused() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    upload(&assets, &commit('a'), bed.built(&[("a", "1")]), None).await.unwrap();
    let key =
        |digit| -> Key { format!("shop/main/commits/{}.json", commit(digit)).parse().unwrap() };
    let (_, bytes) = bed.bucket.read(&key('a'), 1 << 20).await.unwrap().unwrap();
    // Under the name of another commit.
    bed.bucket.put(&key('b'), bytes, &Put::default()).await.unwrap();
    let refused = assets.check(&commit('b'), None).await.unwrap_err();
    assert!(refused.is_verification(), "{refused}");
    for text in ["", "{}", "[]", "null", "{\"payload\":1}"] {
        let bytes = bytes::Bytes::from_static(text.as_bytes());
        bed.bucket.put(&key('a'), bytes, &Put::default()).await.unwrap();
        assert!(assets.check(&commit('a'), None).await.unwrap_err().is_verification(), "{text}");
    }
}

#[tokio::test]
async fn an_upload_puts_back_what_is_missing() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    let one = inputs("one");
    let files = bed.built(&[("a", "1"), ("b", "2")]);
    let stored = upload(&assets, &commit('a'), files.clone(), Some(&one)).await.unwrap();
    let names = bed.names().await;
    for gone in names.iter().filter(|name| name.contains("/inputs/") || name.contains("/blobs/")) {
        bed.bucket.delete(&[gone.parse().unwrap()]).await.unwrap();
        let again = upload(&assets, &commit('a'), files.clone(), Some(&one)).await.unwrap();
        assert_eq!(again.outcome, Outcome::Already);
        assert_eq!(bed.names().await, names);
    }
    assert!(assets.verify(&stored.manifest, &|_| {}).await.unwrap().is_empty());
    let hit = assets.check(&commit('b'), Some(&one)).await.unwrap().hit.unwrap();
    assert_eq!(hit.by, By::Inputs);
}

#[tokio::test]
async fn a_set_is_not_served_for_other_inputs_of_its_commit() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    let of = |text: &str, toolchain: &str| Inputs {
        keys: [("toolchain".to_owned(), toolchain.to_owned())].into(),
        ..inputs(text)
    };
    let (old, new) = (of("old", "1"), of("new", "2"));
    upload(&assets, &commit('a'), bed.built(&[("a.zip", "1")]), Some(&old)).await.unwrap();
    let answer = assets.check(&commit('a'), Some(&new)).await.unwrap();
    assert!(answer.hit.is_none(), "another toolchain is another build");
    assert_eq!(answer.passed_over.unwrap().as_str(), "main");
    let dirty = assets.check(&commit('a'), Some(&of("dirty", "1"))).await.unwrap();
    assert!(dirty.hit.is_none() && dirty.passed_over.is_some(), "other files are another build");
    let chosen = Inputs { patterns: vec!["src".to_owned()], ..of("chosen", "1") };
    let hit = assets.check(&commit('a'), Some(&chosen)).await.unwrap().hit.unwrap();
    assert_eq!(hit.by, By::Commit, "what is looked at is another choice of the same files");
    assert!(assets.check(&commit('a'), None).await.unwrap().hit.is_some());
    // Another commit was built so: that one is served, and the commit's own set stays.
    upload(&assets, &commit('b'), bed.built(&[("a.zip", "2")]), Some(&new)).await.unwrap();
    let hit = assets.check(&commit('a'), Some(&new)).await.unwrap().hit.unwrap();
    assert_eq!((hit.by, hit.written), (By::Inputs, false));
    assert_eq!(hit.found.manifest.commit, commit('b'));
    let own = assets.check(&commit('a'), Some(&old)).await.unwrap().hit.unwrap();
    assert_eq!((own.by, own.found.manifest.commit), (By::Commit, commit('a')));
}
