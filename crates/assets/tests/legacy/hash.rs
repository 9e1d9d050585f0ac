//! The code hash, against what the original made of the same trees.

use std::fs;
use std::time::Instant;

use portolan_assets::legacy::code_hash;
use portolan_testkit::code_hashes::VECTORS;

#[test]
fn every_tree_and_filter_has_the_hash_of_the_original() {
    let mut wrong = Vec::new();
    for vector in VECTORS {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("repo");
        fs::create_dir(&root).unwrap();
        vector.make(&root).unwrap();
        let hash = code_hash(root.to_str().unwrap(), vector.filter).unwrap();
        if hash.hex != vector.hash {
            wrong.push((vector.name, hash));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_path_with_signs_of_patterns_is_a_pattern() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("repo[1]");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("a"), "a").unwrap();
    let hash = code_hash(root.to_str().unwrap(), "a").unwrap();
    assert_eq!(
        (hash.hex.as_str(), hash.patterns),
        (portolan_testkit::code_hashes::NOTHING, vec![("a".to_owned(), 0)])
    );
}

/// Links that lead round and round have an end, be it an error.
#[test]
#[ignore = "it looks at ten million names"]
fn two_loops_in_one_folder_have_an_end() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        std::os::unix::fs::symlink(".", dir.path().join(name)).unwrap();
    }
    let started = Instant::now();
    assert!(code_hash(dir.path().to_str().unwrap(), "**").is_err());
    assert!(started.elapsed().as_secs() < 300);
}
