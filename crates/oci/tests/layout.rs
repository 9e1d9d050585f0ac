//! Layouts that mean harm, that were left half written, and that others wrote.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod common;

use std::path::Path;

use common::{at, chain, tag};
use portolan_model::{Digest, Limits, Target, media};
use portolan_oci::layout::LayoutError;
use portolan_oci::{BlobReader, Descriptor, Layout, Place, Under};
use portolan_testkit::{Image, Layer, tar};
use serde_json::{Value, json};

async fn create(path: &Path) -> Layout {
    Layout::create(path, &Limits::default()).await.unwrap()
}

/// A layout with one image, tagged `1`.
async fn with_image(path: &Path) -> (Layout, Image) {
    let archive = tar::archive([&tar::Entry::file("a", "b")]);
    let image = Image::builder().layer(Layer::gzip(&archive)).build();
    let mut made = portolan_testkit::layout::Layout::create(path).unwrap();
    made.image("1", &image).unwrap();
    (Layout::open(path, &Limits::default()).await.unwrap(), image)
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let path = path.join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut index);
    std::fs::write(path, index.to_string()).unwrap();
}

#[tokio::test]
async fn a_digest_that_is_a_path_leads_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, _) = with_image(dir.path()).await;
    edit(dir.path(), |index| index["manifests"][0]["digest"] = json!("sha256:../../secret"));
    let error = layout.manifest(&at("1")).await.unwrap_err();
    assert!(chain(&error).contains("the digest at `manifests[0]`"), "{}", chain(&error));
}

#[tokio::test]
async fn links_and_other_bytes_in_place_of_a_blob_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, image) = with_image(dir.path()).await;
    let blob = dir.path().join("blobs/sha256").join(image.digest().hex());
    std::fs::write(&blob, "{}").unwrap();
    let error = layout.manifest(&at("1")).await.unwrap_err();
    assert!(matches!(error, LayoutError::Verify { .. }), "{error}");
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &blob).unwrap();
    let error = layout.manifest(&at("1")).await.unwrap_err();
    assert!(matches!(error, LayoutError::NotFile { .. }), "{error}");
    let descriptor = Descriptor::new("application/x", image.digest(), 1);
    let error = layout.blob(&descriptor).await.unwrap_err();
    assert!(matches!(error, LayoutError::NotFile { .. }), "{error}");
}

#[tokio::test]
async fn what_is_no_layout_or_too_large_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Layout::open(dir.path(), &Limits::default()).await.unwrap_err();
    assert!(matches!(error, LayoutError::NotLayout { .. }), "{error}");
    std::fs::write(dir.path().join("holiday.jpg"), "x").unwrap();
    let error = Layout::create(dir.path(), &Limits::default()).await.unwrap_err();
    assert!(matches!(error, LayoutError::NotLayout { .. }), "{error}");
    assert!(!dir.path().join("blobs").exists());
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { manifest_bytes: 100, ..Limits::default() };
    create(dir.path()).await;
    std::fs::write(dir.path().join("index.json"), vec![b' '; 101]).unwrap();
    let layout = Layout::open(dir.path(), &limits).await.unwrap();
    let error = layout.tags().await.unwrap_err();
    assert!(matches!(error, LayoutError::TooLarge { limit: 100, .. }), "{error}");
    std::fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion": "2.0.0"}"#).unwrap();
    let error = Layout::open(dir.path(), &limits).await.unwrap_err();
    assert!(matches!(error, LayoutError::Version { .. }), "{error}");
}

#[tokio::test]
async fn wrong_bytes_are_never_seen_and_leave_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let layout = create(dir.path()).await;
    let digest = Digest::of(b"right");
    let wrong = BlobReader::new(&b"wrong"[..], digest, 5);
    let error = layout.put_blob(wrong).await.unwrap_err();
    assert!(matches!(error, LayoutError::Verify { .. }), "{error}");
    assert_eq!(layout.blob_size(&digest).await.unwrap(), None);
    let mut names: Vec<_> = dir
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
}

#[tokio::test]
async fn what_killed_writers_left_is_swept_and_what_living_ones_write_is_not() {
    let dir = tempfile::tempdir().unwrap();
    // Killed after the directory was made, before the layout was complete.
    std::fs::create_dir_all(dir.path().join("blobs/sha256")).unwrap();
    std::fs::write(dir.path().join(".portolan-dead"), "half").unwrap();
    let alive = std::fs::File::create(dir.path().join(".portolan-alive")).unwrap();
    alive.lock().unwrap();
    create(dir.path()).await;
    assert!(!dir.path().join(".portolan-dead").exists());
    assert!(dir.path().join(".portolan-alive").exists());
}

#[tokio::test]
async fn what_other_tools_wrote_into_the_index_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, image) = with_image(dir.path()).await;
    edit(dir.path(), |index| {
        index["x-other"] = json!("kept");
        index["manifests"][0]["x-other"] = json!({"deep": true});
    });
    let bytes = bytes::Bytes::from(common::manifest());
    layout.put_manifest(Under::Tag(&tag("2")), media::OCI_MANIFEST, bytes).await.unwrap();
    let index: Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("index.json")).unwrap()).unwrap();
    assert_eq!(index["x-other"], "kept");
    assert_eq!(index["manifests"][0]["x-other"]["deep"], true);
    assert_eq!(layout.tags().await.unwrap(), [tag("1"), tag("2")]);
    assert!(matches!(layout.sole().await, Err(LayoutError::Several { .. })));
    assert!(layout.delete(&Target::Tag(tag("2"))).await.unwrap());
    assert!(!layout.delete(&Target::Tag(tag("2"))).await.unwrap());
    assert_eq!(layout.sole().await.unwrap(), image.digest());
}

#[tokio::test]
async fn a_tag_moves_and_many_writers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (layout, image) = with_image(dir.path()).await;
    let place = Place::Layout(layout);
    let names: Vec<String> = (0..20).map(|number| format!("t{number:02}")).collect();
    let writes = names.iter().map(|name| {
        let place = place.clone();
        async move { place.tag(&at("1"), &tag(name)).await.unwrap() }
    });
    futures::future::join_all(writes).await;
    assert_eq!(place.tags().await.unwrap().len(), 21);
    let bytes = bytes::Bytes::from(common::manifest());
    let other =
        place.put_manifest(Under::Tag(&tag("t00")), media::OCI_MANIFEST, bytes).await.unwrap();
    assert_eq!(place.resolve(&at("t00")).await.unwrap(), Some(other));
    assert_eq!(place.resolve(&at("t01")).await.unwrap(), Some(image.digest()));
    assert_eq!(place.tags().await.unwrap().len(), 21);
    let tags = place.tags().await.unwrap();
    let listed = portolan_oci::list::resolve_all(&place, tags, 3).await.unwrap();
    let others = listed.iter().filter(|listed| listed.digest == Some(other)).count();
    assert_eq!((listed.len(), others), (21, 1));
}
