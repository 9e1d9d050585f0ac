//! Bringing a set to a directory.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use portolan_assets::AssetsError;
use portolan_assets::walk::{Take, walk};
use portolan_bucket::{Key, Put};

use crate::bed::{Bed, commit, upload};

fn files(at: &std::path::Path) -> Vec<String> {
    let all = Take { hidden: true, symlinks: true, modes: false };
    walk(&[at.to_owned()], all).map(|found| found.into_keys().collect()).unwrap_or_default()
}

#[tokio::test]
async fn what_was_stored_is_brought_back() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let large = "y".repeat(9 << 20);
        bed.built(&[("a.zip", "ZIP"), ("deep/run.sh", "#!"), ("large", &large)]);
        let executable = std::fs::Permissions::from_mode(0o750);
        std::fs::set_permissions(bed.out().join("deep/run.sh"), executable).unwrap();
        symlink("../a.zip", bed.out().join("deep/link")).unwrap();
        let all = Take { hidden: false, symlinks: true, modes: true };
        let planned = walk(&[bed.out()], all).unwrap();
        let stored = upload(&assets, &commit('a'), planned, None).await.unwrap();
        let to = bed.dir.path().join("to/here");
        let fetched = assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap();
        assert_eq!((fetched.written, fetched.kept), (4, 0));
        assert_eq!(files(&to), ["a.zip", "deep/link", "deep/run.sh", "large"]);
        assert_eq!(std::fs::read_to_string(to.join("deep/link")).unwrap(), "ZIP");
        assert_eq!(std::fs::read_to_string(to.join("large")).unwrap(), large);
        let mode = to.join("deep/run.sh").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
        // Once more: what is there is kept, what was changed is replaced, others are left alone.
        std::fs::write(to.join("a.zip"), "PIZ").unwrap();
        std::fs::write(to.join("other"), "mine").unwrap();
        let fetched = assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap();
        assert_eq!((fetched.written, fetched.kept), (1, 3));
        assert_eq!(std::fs::read_to_string(to.join("a.zip")).unwrap(), "ZIP");
        assert_eq!(std::fs::read_to_string(to.join("other")).unwrap(), "mine");
    }
}

#[tokio::test]
async fn where_a_byte_is_wrong_or_missing_nothing_is_changed() {
    for bed in Bed::both().await {
        let assets = bed.main();
        let planned = bed.built(&[("a", "first"), ("b", "second")]);
        let stored = upload(&assets, &commit('a'), planned, None).await.unwrap();
        let digest = portolan_model::Digest::of(b"second");
        let key: Key = format!("shop/main/blobs/sha256/{}", digest.hex()).parse().unwrap();
        let to = bed.dir.path().join("to");
        for wrong in ["sECOND", "sec", "second and more"] {
            bed.bucket.put(&key, wrong.into(), &Put::default()).await.unwrap();
            let error = assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap_err();
            assert!(matches!(error, AssetsError::Corrupt { .. }), "{error}");
            assert_eq!(files(&to), [""; 0]);
            let problems = assets.verify(&stored.manifest, &|_| {}).await.unwrap();
            assert_eq!((problems.len(), problems[0].path.as_str()), (1, "b"));
        }
        bed.bucket.delete(&[key]).await.unwrap();
        let error = assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap_err();
        assert!(matches!(error, AssetsError::Missing { .. }), "{error}");
        assert_eq!(files(&to), [""; 0]);
    }
}

#[tokio::test]
async fn nothing_is_written_out_of_the_directory() {
    let bed = Bed::directory().await;
    let assets = bed.main();
    let planned = bed.built(&[("deep/a", "1"), ("b", "2")]);
    let stored = upload(&assets, &commit('a'), planned, None).await.unwrap();
    let (to, outside) = (bed.dir.path().join("to"), bed.dir.path().join("outside"));
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::create_dir_all(&to).unwrap();
    symlink(&outside, to.join("deep")).unwrap();
    let error = assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap_err();
    assert!(matches!(error, AssetsError::InTheWay { .. }), "{error}");
    assert_eq!(files(&outside), [""; 0]);
    // A symlink in the place of a file is replaced, and not followed.
    std::fs::remove_file(to.join("deep")).unwrap();
    std::fs::write(outside.join("x"), "mine").unwrap();
    symlink(outside.join("x"), to.join("b")).unwrap();
    assets.fetch(&stored.manifest, &to, &|_| {}).await.unwrap();
    assert_eq!(std::fs::read_to_string(outside.join("x")).unwrap(), "mine");
    assert!(!to.join("b").is_symlink());
    // A directory in the place of a file is not replaced.
    std::fs::remove_file(to.join("b")).unwrap();
    std::fs::create_dir(to.join("b")).unwrap();
    assert!(assets.fetch(&stored.manifest, &to, &|_| {}).await.is_err());
}
