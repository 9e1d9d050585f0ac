//! What is believed of a manifest, and what is not.

use proptest::prelude::*;

use super::*;

pub(crate) fn file(path: &str, text: &str) -> Entry {
    let (digest, size) = (Digest::of(text.as_bytes()), text.len() as u64);
    let blob = Blob { scope: Scope::main(), digest, size, blake3: None };
    Entry::File { path: path.to_owned(), blob, mode: Some(Permissions::of(0o100_755)) }
}

fn link(path: &str, target: &str) -> Entry {
    Entry::Symlink { path: path.to_owned(), target: target.to_owned() }
}

fn commit(digit: char) -> CommitId {
    String::from(digit).repeat(40).parse().unwrap()
}

fn manifest(entries: Vec<Entry>) -> Manifest {
    Manifest {
        project: "shop".parse().unwrap(),
        scope: Scope::main(),
        commit: commit('a'),
        built_commit: commit('b'),
        served_from: None,
        created_at: Timestamp::from_millis(0),
        entries,
        inputs: None,
        tools: Tools::default(),
        who: Who::default(),
    }
}

async fn open(manifest: &Manifest, commit: &CommitId) -> Result<Manifest, ManifestError> {
    // What a hostile writer stores was checked by nobody.
    let text = serde_json::to_vec(manifest).unwrap();
    let envelope = Envelope::close(MEDIA_TYPE, &text, None).await.unwrap();
    let bytes = serde_json::to_vec(&envelope).unwrap();
    let place = Place { project: &"shop".parse().unwrap(), scope: &Scope::main(), commit };
    Manifest::open(&bytes, place, &[]).map(|(manifest, _)| manifest)
}

#[tokio::test]
async fn a_manifest_is_read_as_it_was_written() {
    let written = manifest(vec![file("a/b.zip", "1"), link("a/c", "../d/e"), file("d/e", "2")]);
    let bytes = written.close(None).await.unwrap();
    let place = Place { project: &written.project, scope: &written.scope, commit: &written.commit };
    assert_eq!(Manifest::open(&bytes, place, &[]).unwrap().0, written);
    assert_eq!((written.size(), written.blobs().len()), (2, 2));
    let text = serde_json::to_value(&written.entries[0]).unwrap();
    assert_eq!((&text["kind"], &text["mode"]), (&"file".into(), &"0755".into()));
}

#[tokio::test]
async fn what_a_hostile_writer_says_is_refused() {
    for entries in [
        vec![],
        vec![file("/etc/passwd", "")],
        vec![file("../x", "")],
        vec![file("a/../../x", "")],
        vec![file("a/./x", "")],
        vec![file("a//x", "")],
        vec![file("a/", "")],
        vec![file("", "")],
        vec![file("a\n", "")],
        vec![file("a\0", "")],
        vec![file(&"a".repeat(256), "")],
        vec![file(&"a/".repeat(3000), "")],
        vec![file("a", ""), file("a", "")],
        vec![file("b", ""), file("a", "")],
        vec![file("a", ""), file("a/b", "")],
        vec![link("a", "b"), file("a/b", "")],
        vec![file("a", ""), file("a-b", ""), file("a/b", "")],
        vec![link("a", "/etc")],
        vec![link("a", "..")],
        vec![link("a/b", "../../c")],
        vec![link("a/b", "c/../../../d")],
        vec![link("a", "")],
    ] {
        let wrong = manifest(entries);
        assert!(open(&wrong, &commit('a')).await.is_err(), "{:?}", wrong.entries);
        assert!(wrong.close(None).await.is_err(), "{:?}", wrong.entries);
    }
    let elsewhere = open(&manifest(vec![file("a", "")]), &commit('c')).await;
    assert!(matches!(elsewhere, Err(ManifestError::Wrong(Wrong::Elsewhere(_)))));
}

#[test]
fn sizes_that_overflow_are_refused() {
    let mut wrong = manifest(vec![file("a", ""), file("b", "")]);
    for entry in &mut wrong.entries {
        if let Entry::File { blob, .. } = entry {
            blob.size = u64::MAX;
        }
    }
    assert_eq!(hostile::check(&wrong), Err(Wrong::Size));
}

proptest! {
    #[test]
    fn a_path_that_is_sane_stays_in_the_set(path in "[a./\u{0}-\u{2}]{0,12}") {
        if hostile::path_is_sane(&path).is_ok() {
            prop_assert_eq!(portolan_model::path::normalise(&path), path);
        }
    }

    #[test]
    fn bytes_of_any_kind_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let place =
            Place { project: &"shop".parse().unwrap(), scope: &Scope::main(), commit: &commit('a') };
        prop_assert!(Manifest::open(&bytes, place, &[]).is_err());
    }
}
