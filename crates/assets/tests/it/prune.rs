//! Taking away what nobody used.

use portolan_bucket::Put;

use crate::bed::{Bed, DAY, commit, inputs, upload};

#[tokio::test]
async fn what_is_unused_goes_and_what_is_used_stays_whole() {
    for bed in Bed::both().await {
        let (main, theirs) = (bed.main(), bed.pull_request());
        let (one, two) = (inputs("one"), inputs("two"));
        let shared = ("shared", "both have it");
        upload(&main, &commit('a'), bed.built(&[shared, ("a", "1")]), Some(&one)).await.unwrap();
        upload(&main, &commit('b'), bed.built(&[shared, ("b", "2")]), Some(&two)).await.unwrap();
        let before = bed.names().await;
        let none = main.prune(30 * DAY, false).await.unwrap();
        assert_eq!((none.sets.len(), none.blobs, none.kept), (0, 0, 2), "all is young");
        // moto and the disk keep their own time, so whatever is asked next is "now" to them.
        bed.later(40 * DAY);
        let plan = main.prune(30 * DAY, true).await.unwrap();
        assert_eq!((plan.sets.len(), plan.blobs), (2, 3));
        assert_eq!(bed.names().await, before, "a plan takes nothing away");
        bed.later(-20 * DAY);
        let none = main.prune(30 * DAY, false).await.unwrap();
        assert_eq!((none.sets.len(), none.blobs), (0, 0));
        drop(theirs);
        bed.later(20 * DAY);
        let pruned = main.prune(30 * DAY, false).await.unwrap();
        assert_eq!((pruned.sets.len(), pruned.kept, pruned.blobs), (2, 0, 3));
        assert_eq!(bed.names().await, [""; 0]);
    }
}

#[tokio::test]
async fn a_set_from_which_another_was_served_is_used() {
    let bed = Bed::directory().await;
    let (main, theirs) = (bed.main(), bed.pull_request());
    let one = inputs("one");
    let files = bed.built(&[("a", "1")]);
    upload(&main, &commit('a'), files, Some(&one)).await.unwrap();
    let old = upload(&main, &commit('b'), bed.built(&[("b", "2")]), None).await.unwrap();
    // Both are made old on the disk; then one is used.
    age(&bed, 40);
    let hit = theirs.check(&commit('c'), Some(&one)).await.unwrap().hit.unwrap();
    let pruned = main.prune(30 * DAY, false).await.unwrap();
    assert_eq!(pruned.sets, [(old.manifest.scope.clone(), commit('b'))]);
    assert_eq!((pruned.kept, pruned.blobs), (2, 1));
    assert!(theirs.verify(&hit.found.manifest, &|_| {}).await.unwrap().is_empty());
    assert!(main.check(&commit('a'), None).await.unwrap().hit.is_some());
    // It was just found, so it is used.
    age(&bed, 40);
    main.check(&commit('a'), None).await.unwrap();
    let pruned = main.prune(30 * DAY, false).await.unwrap();
    assert_eq!((pruned.sets.len(), pruned.kept, pruned.blobs), (1, 1, 0));
    assert!(main.check(&commit('a'), Some(&one)).await.unwrap().hit.is_some());
}

#[tokio::test]
async fn bytes_of_an_upload_under_way_stay() {
    let bed = Bed::directory().await;
    let main = bed.main();
    let key = |name: &str| format!("shop/main/blobs/sha256/{name}").parse().unwrap();
    let (young, old) = ("a".repeat(64), "b".repeat(64));
    bed.bucket.put(&key(&old), "old".into(), &Put::default()).await.unwrap();
    age(&bed, 2);
    bed.bucket.put(&key(&young), "young".into(), &Put::default()).await.unwrap();
    bed.bucket.put(&"shop/README".parse().unwrap(), "mine".into(), &Put::default()).await.unwrap();
    let pruned = main.prune(0, false).await.unwrap();
    assert_eq!((pruned.blobs, pruned.bytes), (1, 3));
    let expected = ["shop/README".to_owned(), format!("shop/main/blobs/sha256/{young}")];
    assert_eq!(bed.names().await, expected);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_stops_everything() {
    let bed = Bed::directory().await;
    let main = bed.main();
    upload(&main, &commit('a'), bed.built(&[("a", "1")]), None).await.unwrap();
    let key = format!("shop/feature/commits/{}.json", commit('b')).parse().unwrap();
    bed.bucket.put(&key, "later version".into(), &Put::default()).await.unwrap();
    let before = bed.names().await;
    bed.later(400 * DAY);
    assert!(main.prune(30 * DAY, false).await.is_err());
    assert_eq!(bed.names().await, before);
}

/// Makes every object of the directory so many days older.
fn age(bed: &Bed, days: u64) {
    fn walk(at: &std::path::Path, by: std::time::Duration) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, by);
                continue;
            }
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            let modified = file.metadata().unwrap().modified().unwrap();
            file.set_modified(modified - by).unwrap();
        }
    }
    walk(&bed.dir.path().join("bucket"), std::time::Duration::from_secs(days * 86_400));
}
