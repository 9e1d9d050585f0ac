//! What whoever lists sees: the sets of all projects and scopes, in both layouts.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_assets::watch::{Kept, Standing, Watch};
use portolan_assets::{Scope, legacy};
use portolan_bucket::Put;
use portolan_model::Digest;

use crate::bed::{Bed, commit, inputs, upload};

struct Quiet;

impl legacy::Told for Quiet {
    fn tell(&self, _: legacy::Tone, _: &str) {}
}

fn watch(bed: &Bed) -> Watch {
    Watch {
        bucket: bed.bucket.clone(),
        reads: vec![Scope::main()],
        keys: BTreeMap::new(),
        clock: bed.clock.clone(),
    }
}

#[test]
fn keys_tell_of_sets_and_other_keys_do_not() {
    let (id, other) = (commit('a'), commit('b'));
    for (key, kept) in [
        (format!("shop/main/commits/{id}.json"), format!("shop/main/commits/{id}.json")),
        (format!("artifacts/{id}/app.zip"), format!("artifacts/{id}/")),
        (format!("artifacts/{id}/"), format!("artifacts/{id}/")),
        (format!("artifacts/.portolan/{other}.json"), format!("artifacts/{other}/")),
        (format!("artifacts/main/commits/{id}.json"), format!("artifacts/main/commits/{id}.json")),
    ] {
        assert_eq!(Kept::of_key(&key).map(|kept| kept.to_string()), Some(kept.clone()), "{key}");
        assert_eq!(kept.parse::<Kept>().unwrap().to_string(), kept);
    }
    for key in [
        "",
        "artifacts",
        &format!("artifacts/{id}"),
        &format!("artifacts/{id}-debug/a.zip"),
        &format!("cache/{id}/a.zip"),
        &format!("shop/main/commits/{id}"),
        &format!("shop/main/commits/x/{id}.json"),
        &format!("Shop/main/commits/{id}.json"),
        &format!("shop/main/commits/{}.json", id.as_str().to_uppercase()),
        &format!("shop/main/uses/{id}"),
        "shop/main/blobs/sha256/00",
    ] {
        assert_eq!(Kept::of_key(key), None, "{key}");
    }
}

#[tokio::test]
async fn all_sets_are_found_with_their_files() {
    for bed in Bed::both().await {
        let main = bed.main();
        let files = bed.built(&[("a.zip", "ZIP"), ("deep/b", "B")]);
        upload(&main, &commit('a'), files, Some(&inputs("one"))).await.unwrap();
        main.check(&commit('b'), Some(&inputs("one"))).await.unwrap().hit.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("old.zip");
        std::fs::write(&old, "OLD").unwrap();
        let id = commit('c');
        legacy::store(&bed.bucket, id.as_str(), None, &[old], &Quiet).await.unwrap();
        let by_others = format!("artifacts/{}/x.zip", commit('d'));
        let how = Put {
            metadata: [("commit-hash".to_owned(), commit('a').to_string())].into(),
            ..Put::default()
        };
        bed.bucket.put(&by_others.parse().unwrap(), Bytes::from_static(b"X"), &how).await.unwrap();
        let broken = format!("{}/pull-request/commits/{}.json", main.run().project, commit('e'));
        let broken = broken.parse().unwrap();
        bed.bucket.put(&broken, Bytes::from_static(b"{}"), &Put::default()).await.unwrap();

        let watch = watch(&bed);
        let all = watch.all().await.unwrap();
        let mut commits: Vec<_> = all.iter().map(Kept::commit).cloned().collect();
        commits.sort();
        assert_eq!(commits, ['a', 'b', 'c', 'd', 'e'].map(commit), "{all:?}");
        let seen = async |id: char| {
            let kept = all.iter().find(|kept| *kept.commit() == commit(id)).unwrap();
            watch.read(kept).await.unwrap().unwrap()
        };
        let (one, two) = (seen('a').await, seen('b').await);
        assert_eq!((one.standing, two.standing), (Standing::Complete, Standing::Complete));
        assert_eq!((one.built_commit, two.built_commit), (commit('a'), commit('a')));
        let paths: Vec<_> = one.files.iter().map(|it| (it.path.as_str(), it.size)).collect();
        assert_eq!(paths, [("a.zip", 3), ("deep/b", 1)]);
        assert_eq!(two.files[0].digest, Some(Digest::of(b"ZIP")));
        let three = seen('c').await;
        assert_eq!((three.standing, three.files.len()), (Standing::Complete, 1));
        assert_eq!(three.files[0].digest, Some(Digest::of(b"OLD")));
        let four = seen('d').await;
        assert_eq!((four.standing, four.built_commit), (Standing::Unproven, commit('a')));
        assert_eq!((four.files[0].path.as_str(), four.files[0].digest), ("x.zip", None));
        assert_eq!(seen('e').await.standing, Standing::Refused);
        let gone = Kept::Legacy { commit: commit('f') };
        assert!(watch.read(&gone).await.unwrap().is_none());
    }
}
