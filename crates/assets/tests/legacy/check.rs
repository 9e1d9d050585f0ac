//! `check`: what it finds, writes and refuses.

use std::collections::BTreeMap;
use std::fs;

use portolan_assets::legacy::Checked;

use crate::bed::{self, CODE, FILTER, code, git};

fn files(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[tokio::test]
async fn nothing_is_stored_and_what_it_writes_says_so() {
    let mut bed = bed::make().await;
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
    assert_eq!(bed.state(), files(&[(".commit-hash", &head)]));
    bed.with_filter(FILTER);
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
    assert_eq!(bed.state(), files(&[(".commit-hash", &head), (".code-hash", CODE)]));
}

#[tokio::test]
async fn a_set_of_the_original_is_found_as_it_is() {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    bed.put(&format!("artifacts/{head}/a.zip"), "ZIP1").await;
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
    assert_eq!(bed.state(), files(&[(".commit-hash", &head), (".found", "")]));
}

#[tokio::test]
async fn what_only_begins_as_the_commit_does_is_not_of_it() {
    let mut bed = bed::make().await;
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    bed.put(&format!("artifacts/{head}-debug/a.zip"), "ZIP1").await;
    bed.put(&format!("artifacts/{head}.json"), "{}").await;
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing, "trap T4");
    bed.inputs.exact = true;
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
}

#[tokio::test]
async fn variables_are_missed_in_their_order() {
    let mut bed = bed::make().await;
    bed.inputs.packages = None;
    assert_eq!(code(bed.check().await), 102);
    bed.inputs.repository = None;
    assert_eq!(code(bed.check().await), 101);
    bed.inputs.bucket = None;
    assert_eq!(code(bed.check().await), 100);
}

#[tokio::test]
async fn what_is_no_checkout_is_told_apart() {
    let mut bed = bed::make().await;
    let at = bed.dir.path().to_owned();
    git(&at, &["init", "-q", "--bare", "bare.git"]);
    git(&at, &["init", "-q", "empty"]);
    git(&at, &["init", "-q", "--object-format=sha256", "long"]);
    git(&at.join("long"), &["commit", "-q", "--allow-empty", "-m", "c"]);
    fs::create_dir(at.join("plain")).unwrap();
    for (path, expected) in [
        ("absent", 1),
        ("plain", 1),
        ("repo/src", 1),
        ("bare.git", 103),
        ("empty", 1),
        ("long", 1),
        ("", 1),
    ] {
        let path =
            if path.is_empty() { String::new() } else { at.join(path).display().to_string() };
        bed.inputs.repository = Some(path.clone());
        assert_eq!(code(bed.check().await), expected, "{path}");
        assert_eq!(bed.state(), files(&[]), "{path}");
    }
}

#[tokio::test]
async fn every_way_to_have_a_commit_is_read() {
    let mut bed = bed::make().await;
    let repository = bed.repository();
    let first = git(&repository, &["rev-parse", "HEAD"]);
    git(&repository, &["tag", "-a", "v1", "-m", "v1"]);
    let second = bed.commit(&[("README", "s\n")]);
    git(&repository, &["worktree", "add", "-q", "../linked", "v1"]);
    let from = format!("file://{}", repository.display());
    git(bed.dir.path(), &["clone", "-q", "--depth", "1", &from, "shallow"]);
    git(&repository, &["pack-refs", "--all"]);
    for (path, expected) in
        [("repo", &second), ("linked", &first), ("shallow", &second), ("repo/.git", &second)]
    {
        bed.inputs.repository = Some(bed.dir.path().join(path).display().to_string());
        bed.check().await.unwrap();
        assert_eq!(&bed.state()[".commit-hash"], expected, "{path}");
    }
    git(&repository, &["checkout", "-q", "v1"]);
    bed.inputs.repository = Some(String::new());
    bed.inputs.git.directory = repository;
    bed.check().await.unwrap();
    assert_eq!(bed.state()[".commit-hash"], first);
}

#[tokio::test]
async fn a_pattern_that_matches_nothing_is_refused() {
    let mut bed = bed::make().await;
    for filter in ["typo/**", "", "  ", "src/** typo", "src/", "src/a.py\tREADME", "src/** !a.py"] {
        bed.with_filter(filter);
        assert_eq!(code(bed.check().await), 104, "trap T1: {filter:?}");
        assert!(!bed.package(".code-hash").exists(), "{filter:?}");
    }
    bed.with_filter("  src/**  README ");
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing, "blanks are a matter of taste");
    bed.inputs.exact = true;
    bed.with_filter("typo/**");
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
    assert_eq!(bed.state()[".code-hash"], portolan_testkit::code_hashes::NOTHING);
}

#[tokio::test]
async fn what_an_earlier_run_found_is_forgotten() {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    bed.check().await.unwrap();
    fs::write(bed.package(".found"), "").unwrap();
    bed.commit(&[("README", "s\n")]);
    bed.inputs.filter = None;
    assert_eq!(bed.check().await.unwrap(), Checked::Nothing);
    let head = git(&bed.repository(), &["rev-parse", "HEAD"]);
    assert_eq!(bed.state(), files(&[(".commit-hash", &head)]), "trap T2");
}

#[tokio::test]
async fn more_than_a_page_of_the_cache_is_copied() {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    let cache = bed.dir.path().join("store/cache").join(CODE);
    fs::create_dir_all(&cache).unwrap();
    for number in 0..1001 {
        fs::write(cache.join(format!("f{number:04}")), "x").unwrap();
    }
    assert_eq!(bed.check().await.unwrap(), Checked::Cached);
    let copied = bed.keys().await.into_iter().filter(|key| key.starts_with("artifacts/"));
    assert_eq!(copied.count(), 1001, "trap T5");
    assert_eq!(bed.check().await.unwrap(), Checked::Found);
}

#[tokio::test]
async fn a_cache_in_which_one_would_take_anothers_place_is_refused() {
    let mut bed = bed::make().await;
    bed.with_filter(FILTER);
    for (name, content) in [("a.zip", "1"), ("x/a.zip", "2"), ("y/a.zip", "3"), ("y/b.zip", "4")] {
        bed.put(&format!("cache/{CODE}/{name}"), content).await;
    }
    assert_eq!(code(bed.check().await), 106, "trap T10");
    assert_eq!(bed.keys().await.len(), 4, "nothing was copied");
    bed.inputs.exact = true;
    assert_eq!(bed.check().await.unwrap(), Checked::Cached);
    assert_eq!(bed.keys().await.len(), 6);
}
