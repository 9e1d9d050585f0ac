//! Who is believed.

use portolan_assets::{AssetsError, By};
use portolan_bucket::{Key, Put};

use crate::bed::{Bed, commit, inputs, run, signed, signer, trusting, upload};

#[tokio::test]
async fn what_a_pull_request_stores_main_never_sees() {
    for bed in Bed::both().await {
        let (main, theirs) = (bed.main(), bed.pull_request());
        let one = inputs("one");
        // The same commit, and the same inputs: a pull request has what main will have.
        let poison = bed.built(&[("a.zip", "poison")]);
        upload(&theirs, &commit('a'), poison, Some(&one)).await.unwrap();
        assert!(theirs.check(&commit('a'), Some(&one)).await.unwrap().hit.is_some());
        assert!(main.check(&commit('a'), Some(&one)).await.unwrap().hit.is_none());
        assert!(matches!(main.find(&commit('a')).await, Err(AssetsError::NoSet { .. })));
        upload(&main, &commit('a'), bed.built(&[("a.zip", "good")]), Some(&one)).await.unwrap();
        let hit = main.check(&commit('b'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!(hit.found.manifest.served_from.unwrap().scope.as_str(), "main");
        for name in bed.names().await {
            assert!(name.starts_with("shop/main/") || name.starts_with("shop/pull-request/"));
        }
    }
}

#[tokio::test]
async fn a_pull_request_is_served_from_main_and_writes_to_its_own_scope() {
    for bed in Bed::both().await {
        let (main, theirs) = (bed.main(), bed.pull_request());
        let one = inputs("one");
        upload(&main, &commit('a'), bed.built(&[("a.zip", "good")]), Some(&one)).await.unwrap();
        let before: Vec<_> = bed.names().await;
        let hit = theirs.check(&commit('a'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!((hit.by, hit.written), (By::Commit, false));
        let hit = theirs.check(&commit('b'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!((hit.by, hit.written), (By::Inputs, true));
        assert_eq!(hit.found.manifest.scope.as_str(), "pull-request");
        let new: Vec<_> = bed.names().await.into_iter().filter(|it| !before.contains(it)).collect();
        assert_eq!(new, [format!("shop/pull-request/commits/{}.json", commit('b'))]);
        assert!(main.check(&commit('b'), None).await.unwrap().hit.is_none());
        assert!(theirs.verify(&hit.found.manifest, &|_| {}).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_run_that_may_only_read_writes_nothing() {
    let bed = Bed::directory().await;
    let one = inputs("one");
    upload(&bed.main(), &commit('a'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
    let before = bed.names().await;
    let mut reading = run("main", &[]);
    reading.read_only = true;
    let reading = bed.seen(reading);
    for id in ['a', 'b'] {
        let hit = reading.check(&commit(id), Some(&one)).await.unwrap().hit.unwrap();
        assert!(!hit.written);
    }
    let refused = upload(&reading, &commit('c'), bed.built(&[("a", "1")]), None).await;
    assert!(matches!(refused, Err(AssetsError::ReadOnly(_))));
    assert!(matches!(reading.prune(0, false).await, Err(AssetsError::ReadOnly(_))));
    assert_eq!(bed.names().await, before);
}

#[tokio::test]
async fn a_scope_with_keys_believes_what_they_signed_and_nothing_else() {
    for bed in Bed::both().await {
        let (ours, theirs) = (signer(1), signer(2));
        let keys = [ours.public().clone()];
        let trusting = |run| trusting(run, "main", &[&keys[0]]);
        let one = inputs("one");
        let writer = bed.seen(signed(trusting(run("main", &[])), ours));
        upload(&writer, &commit('a'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
        let hit = writer.check(&commit('b'), Some(&one)).await.unwrap().hit.unwrap();
        assert_eq!(hit.found.signed_by.as_deref(), Some(&*keys[0].id()));
        let reader = bed.seen(trusting(run("main", &[])));
        for id in ['a', 'b'] {
            let found = reader.find(&commit(id)).await.unwrap();
            assert_eq!(found.signed_by.as_deref(), Some(&*keys[0].id()));
        }
        // Whoever may write to the bucket, and has no key.
        let unsigned = bed.main();
        upload(&unsigned, &commit('c'), bed.built(&[("a", "2")]), None).await.unwrap();
        let other = bed.seen(signed(run("main", &[]), theirs));
        upload(&other, &commit('d'), bed.built(&[("a", "3")]), None).await.unwrap();
        for id in ['c', 'd'] {
            let refused = reader.check(&commit(id), None).await.unwrap_err();
            assert!(matches!(refused, AssetsError::Refused { .. }), "{id}: {refused}");
            assert!(reader.find(&commit(id)).await.unwrap_err().is_verification());
        }
        // A scope without keys asks for no signature.
        let theirs = bed.pull_request();
        upload(&theirs, &commit('e'), bed.built(&[("a", "2")]), None).await.unwrap();
        let reader = bed.seen(trusting(run("pull-request", &["main"])));
        assert!(reader.check(&commit('e'), None).await.unwrap().hit.is_some());
    }
}

#[tokio::test]
async fn inputs_that_lead_to_another_build_lead_nowhere() {
    let bed = Bed::directory().await;
    let main = bed.main();
    let (one, two) = (inputs("one"), inputs("two"));
    upload(&main, &commit('a'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
    // Somebody says that `a` was built from other inputs. Its manifest knows better.
    let key: Key = format!("shop/main/inputs/{}.json", two.hash.hex()).parse().unwrap();
    let text = format!("{{\"commit\":\"{}\"}}", commit('a'));
    bed.bucket.put(&key, text.into(), &Put::default()).await.unwrap();
    assert!(main.check(&commit('b'), Some(&two)).await.unwrap().hit.is_none());
    bed.bucket.put(&key, "nonsense".into(), &Put::default()).await.unwrap();
    assert!(main.check(&commit('b'), Some(&two)).await.unwrap().hit.is_none());
}

#[tokio::test]
async fn bytes_in_a_scope_that_is_not_read_are_refused() {
    let bed = Bed::directory().await;
    let one = inputs("one");
    let feature = bed.seen(run("feature", &[]));
    upload(&feature, &commit('a'), bed.built(&[("a", "1")]), Some(&one)).await.unwrap();
    // A set of pull-request whose bytes lie in feature.
    let both = bed.seen(run("pull-request", &["feature"]));
    assert!(both.check(&commit('b'), Some(&one)).await.unwrap().hit.is_some());
    let narrow = bed.seen(run("pull-request", &["main"]));
    let refused = narrow.check(&commit('b'), None).await.unwrap_err();
    assert!(refused.is_verification(), "{refused}");
}
