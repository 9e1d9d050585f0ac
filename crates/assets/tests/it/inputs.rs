//! The hash of the inputs of real repositories.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use portolan_assets::git::Git;
use portolan_assets::inputs::{Inputs, InputsError, Listing, Source};
use portolan_assets::pattern::Patterns;
use portolan_model::Digest;

use crate::repository::Repository;

pub(crate) fn read(git: &Git, tree: &str, patterns: &[&str]) -> Result<Inputs, InputsError> {
    let given: Vec<_> = patterns.iter().map(|text| (*text).to_owned()).collect();
    let patterns = Patterns::new(&given).unwrap();
    let source = Source { git, tree };
    Inputs::read(source, &"shop".parse().unwrap(), &patterns, &BTreeMap::new(), true)
}

fn hash(git: &Git, patterns: &[&str]) -> Digest {
    let commit = git.commit("HEAD").unwrap();
    read(git, commit.as_str(), patterns).unwrap().hash
}

fn paths(inputs: &Inputs) -> Vec<String> {
    let listing = Listing::unpack(inputs.listing.as_ref().unwrap(), &inputs.hash).unwrap();
    let path = |path: Vec<u8>| String::from_utf8_lossy(&path).into_owned();
    listing.files.into_iter().map(|file| path(file.path)).collect()
}

fn working(git: &Git) -> Inputs {
    let tree = git.working_tree().unwrap();
    read(tree.git(), tree.tree(), &["**"]).unwrap()
}

#[test]
fn path_mode_content_project_and_keys_are_in_the_hash_and_nothing_else() {
    let repository = Repository::new("sha1");
    repository.write("src/a", "1");
    repository.write("src/b", "2");
    repository.write("README", "r");
    repository.commit();
    let git = repository.opened();
    let first = hash(&git, &["src"]);
    // Neither another commit, nor what is not taken in, nor how it is taken in.
    repository.write("README", "other");
    repository.commit();
    assert_eq!(hash(&git, &["src"]), first);
    assert_eq!(hash(&git, &["src/**", "src/a"]), first);
    let mut seen = vec![first];
    let mut differs = |what: &str| {
        repository.commit();
        let now = hash(&git, &["src"]);
        assert!(!seen.contains(&now), "{what}");
        seen.push(now);
    };
    repository.write("src/a", "11");
    differs("content");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(repository.at("src/a"), executable).unwrap();
    differs("mode");
    std::fs::rename(repository.at("src/b"), repository.at("src/c")).unwrap();
    differs("path");
    repository.write("src/empty", "");
    differs("an empty file");
    std::fs::remove_file(repository.at("src/empty")).unwrap();
    symlink("a", repository.at("src/empty")).unwrap();
    differs("a symlink");
    let commit = git.commit("HEAD").unwrap();
    let source = Source { git: &git, tree: commit.as_str() };
    let patterns = Patterns::new(&["src".to_owned()]).unwrap();
    for (project, keys) in [
        ("other", BTreeMap::new()),
        ("shop", BTreeMap::from([("toolchain".to_owned(), "1".to_owned())])),
        ("shop", BTreeMap::from([("toolchain".to_owned(), "2".to_owned())])),
    ] {
        let read = Inputs::read(source, &project.parse().unwrap(), &patterns, &keys, false);
        let now = read.unwrap().hash;
        assert!(!seen.contains(&now), "{project} {keys:?}");
        seen.push(now);
    }
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error_that_helps() {
    let repository = Repository::new("sha1");
    repository.write("lambdas/main.py", "1");
    let commit = repository.commit();
    let git = repository.opened();
    let error = read(&git, commit.as_str(), &["lambda/**"]).unwrap_err().to_string();
    assert!(error.contains("`lambda/**`") && error.contains("did you mean `lambdas`"), "{error}");
    let error = read(&git, commit.as_str(), &["lambdas", "zzz"]).unwrap_err().to_string();
    assert!(error.contains("`zzz`"), "{error}");
    let error = read(&git, commit.as_str(), &["lambdas", "!lambdas"]).unwrap_err();
    assert!(matches!(error, InputsError::NothingLeft));
}

#[test]
fn repositories_of_every_kind_are_read() {
    for format in ["sha1", "sha256"] {
        let repository = Repository::new(format);
        repository.write("src/a b\tc\u{e9}", "1");
        repository.write(".hidden/x", "2");
        let commit = repository.commit();
        let whole = read(&repository.opened(), commit.as_str(), &["**"]).unwrap();
        assert_eq!(paths(&whole), [".hidden/x", "src/a b\tc\u{e9}"]);
        let below = Git::at(&repository.at("src"));
        assert_eq!(hash(&below, &["**"]), whole.hash, "{format}: from a directory of it");
        let bare = tempfile::tempdir().unwrap();
        let to = bare.path().display().to_string();
        repository.git(&["clone", "--quiet", "--bare", ".", &to]);
        assert_eq!(hash(&Git::at(bare.path()), &["**"]), whole.hash, "{format}: bare");
        assert_eq!(working(&repository.opened()).hash, whole.hash, "{format}: working tree");
    }
    let nowhere = tempfile::tempdir().unwrap();
    assert!(Git::at(nowhere.path()).commit("HEAD").is_err());
    for wrong in ["--upload-pack=x", "-h", "HEAD\n", "nowhere", ""] {
        let repository = Repository::new("sha1");
        repository.commit();
        assert!(repository.opened().commit(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_working_tree_is_hashed_without_a_trace() {
    let repository = Repository::new("sha1");
    repository.write(".gitignore", "/out\n");
    repository.write(".gitattributes", "*.txt text eol=crlf\n");
    repository.write("a.txt", "one\r\ntwo\r\n");
    let commit = repository.commit();
    let git = repository.opened();
    let clean = read(&git, commit.as_str(), &["**"]).unwrap();
    repository.write("out/build.log", "noise");
    let state = |repository: &Repository| {
        let index = std::fs::read(repository.at(".git/index")).unwrap();
        (index, objects(&repository.at(".git/objects")))
    };
    let before = state(&repository);
    assert_eq!(working(&git).hash, clean.hash, "what is ignored is no input");
    repository.write("a.txt", "one\r\nthree\r\n");
    let changed = working(&git);
    assert_ne!(changed.hash, clean.hash);
    repository.write("new", "1");
    assert_eq!(paths(&working(&git)).len(), 4);
    std::fs::remove_file(repository.at("new")).unwrap();
    std::fs::remove_file(repository.at("a.txt")).unwrap();
    assert_eq!(paths(&working(&git)).len(), 2);
    assert_eq!(state(&repository), before, "nothing was written");
    repository.write("a.txt", "one\r\nthree\r\n");
    let commit = repository.commit();
    assert_eq!(read(&git, commit.as_str(), &["**"]).unwrap().hash, changed.hash);
}

fn objects(at: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(objects(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn a_submodule_is_its_commit() {
    let inner = Repository::new("sha1");
    inner.write("lib/x.c", "1");
    inner.commit();
    let outer = Repository::new("sha1");
    outer.write("main.c", "1");
    outer.git(&["submodule", "--quiet", "add", &inner.path().display().to_string(), "dep"]);
    let commit = outer.commit();
    let git = outer.opened();
    let first = read(&git, commit.as_str(), &["dep/lib/*.c"]).unwrap();
    assert_eq!(paths(&first), ["dep"]);
    assert_eq!(
        paths(&read(&git, commit.as_str(), &["**", "!dep/**"]).unwrap()),
        [".gitmodules", "main.c"]
    );
    inner.write("lib/x.c", "2");
    inner.commit();
    let pull = std::process::Command::new("git")
        .args(["-c", "protocol.file.allow=always", "-C"])
        .arg(outer.at("dep"))
        .args(["pull", "--quiet", "origin", "main"])
        .output()
        .unwrap();
    assert!(pull.status.success(), "{pull:?}");
    let commit = outer.commit();
    assert_ne!(read(&git, commit.as_str(), &["dep/lib/*.c"]).unwrap().hash, first.hash);
    assert_eq!(working(&git).hash, read(&git, commit.as_str(), &["**"]).unwrap().hash);
}
