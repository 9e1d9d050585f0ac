//! `upload`: what it stores and refuses, and what the next `check` makes of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use portolan_assets::legacy::{Checked, Uploaded};

use crate::bed::{self, Bed, CODE, FILTER, code, git};

const ZIP1: &str = "HeKnfun9JI8+006t/hpEe6kOuKX91ZvOgz6+QKedydg=";

async fn missed() -> Bed {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
    bed
}

#[tokio::test]
async fn what_was_built_is_found_for_its_commit_and_for_its_code() {
    let bed = missed().await;
    let first = git(&bed.repository(), &["rev-parse", "HEAD"]);
    fs::write(bed.package("app.zip"), "ZIP1").unwrap();
    fs::write(bed.package(".hidden"), "h").unwrap();
    symlink("app.zip", bed.package("link.zip")).unwrap();
    symlink("nowhere", bed.package("broken")).unwrap();
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Stored(2));
    let set =
        |commit: &str| ["app.zip", "link.zip"].map(|name| format!("artifacts/{commit}/{name}"));
    let cached = ["app.zip", "link.zip"].map(|name| format!("cache/{CODE}/{name}"));
    assert_eq!(bed.keys().await, [set(&first), cached.clone()].concat());
    for key in [&set(&first)[0], &cached[1]] {
        let metadata = bed.metadata(key).await;
        let expected = [("code-hash", CODE), ("commit-hash", &*first), ("package-hash", ZIP1)];
        let found = metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        assert!(found.eq(expected), "{metadata:?}");
    }
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Skipped);
    let second = bed.commit(&[("README", "s\n")]);
    assert_eq!(bed.check().await.unwrap(), Checked::Cached);
    let copied = bed.metadata(&set(&second)[0]).await;
    assert_eq!(copied["commit-hash"], first, "as the original copies it");
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
    bed.commit(&[("src/a.py", "b\n")]);
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
}

#[tokio::test]
async fn what_is_missing_is_told_in_its_order() {
    let mut bed = bed::make().await;
    assert_eq!(code(bed.upload().await), 102, "empty");
    fs::write(bed.package(".hidden"), "h").unwrap();
    fs::create_dir(bed.package("sub")).unwrap();
    fs::write(bed.package("sub/deep"), "d").unwrap();
    assert_eq!(code(bed.upload().await), 102, "nothing but hidden ones and folders");
    fs::write(bed.package("a.zip"), "a").unwrap();
    assert_eq!(code(bed.upload().await), 103);
    bed.inputs.bucket = None;
    assert_eq!(code(bed.upload().await), 101);
    bed.inputs.packages = None;
    assert_eq!(code(bed.upload().await), 100);
}

#[tokio::test]
async fn packages_in_folders_are_refused() {
    let mut bed = missed().await;
    fs::write(bed.package("a.zip"), "a").unwrap();
    fs::create_dir_all(bed.package("empty/empty")).unwrap();
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Stored(1), "nothing would be lost");
    fs::write(bed.package("empty/empty/b.zip"), "b").unwrap();
    assert_eq!(code(bed.upload().await), 106, "trap T10");
    bed.inputs.exact = true;
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Stored(1));
}

#[tokio::test]
async fn state_files_that_no_check_wrote_are_refused() {
    let bed = missed().await;
    fs::write(bed.package("a.zip"), "a").unwrap();
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    for wrong in ["", "abc\n", &format!("{head}\n"), "é", &head.to_uppercase(), "../../x"] {
        fs::write(bed.package(".commit-hash"), wrong).unwrap();
        assert_eq!(code(bed.upload().await), 107, "trap T18: {wrong:?}");
    }
    fs::write(bed.package(".commit-hash"), &head).unwrap();
    fs::write(bed.package(".code-hash"), "").unwrap();
    assert_eq!(code(bed.upload().await), 107);
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn state_files_of_another_commit_are_refused() {
    let mut bed = missed().await;
    fs::write(bed.package("a.zip"), "a").unwrap();
    // The original's `check` leaves what an earlier one found, and writes the commit anew.
    fs::write(bed.package(".found"), "").unwrap();
    let written = fs::metadata(bed.package(".commit-hash")).unwrap().modified().unwrap();
    let earlier = written - Duration::from_mins(5);
    fs::File::options()
        .append(true)
        .open(bed.package(".found"))
        .unwrap()
        .set_modified(earlier)
        .unwrap();
    assert_eq!(code(bed.upload().await), 105, "trap T2");
    // A directory that was copied has both files from the same moment, in any order.
    let found = fs::File::options().append(true).open(bed.package(".found")).unwrap();
    found.set_modified(written - Duration::from_secs(5)).unwrap();
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Skipped);
    found.set_modified(earlier).unwrap();
    bed.inputs.exact = true;
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Skipped);
    fs::remove_file(bed.package(".found")).unwrap();
    bed.inputs.exact = false;
    // A commit after the check, as of a version, is none of this build.
    bed.commit(&[("README", "s\n")]);
    assert_eq!(bed.upload().await.unwrap(), Uploaded::Stored(1));
}

#[tokio::test]
async fn a_set_that_lost_or_changed_an_object_is_no_set() {
    let bed = missed().await;
    for name in ["a.zip", "b.zip"] {
        fs::write(bed.package(name), name).unwrap();
    }
    bed.upload().await.unwrap();
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    let store = bed.dir.path().join("store/artifacts").join(&head);
    // The same bytes under another etag are the same set: so is a bucket after a move.
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
    fs::write(store.join("b.zip"), "other").unwrap();
    assert_eq!(bed.check().await.unwrap(), Checked::Cached, "healed from the cache");
    assert_eq!(fs::read_to_string(store.join("b.zip")).unwrap(), "b.zip");
    fs::remove_file(store.join("b.zip")).unwrap();
    fs::remove_file(bed.dir.path().join("store/cache").join(CODE).join("a.zip")).unwrap();
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
}
