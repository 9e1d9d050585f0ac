//! Images in layout directories: no server, no registry, no database.

use portolan_testkit::layout::Layout;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Index, Layer};
use serde_json::{Value, json};

use crate::run::Place;

fn image(platform: &str) -> Image {
    let entries = [
        Entry::dir("app/"),
        Entry::file("app/package.json", r#"{"name": "orders"}"#),
        Entry::file("app/run", "#!/bin/sh\n").mode(0o755),
        Entry::symlink("start", "app/run"),
    ];
    Image::builder()
        .layer(Layer::gzip(&tar::archive(&entries)))
        .label("defra.cdp.service.name", "orders")
        .runtime("Entrypoint", json!(["/start"]))
        .platform(platform)
        .build()
}

/// A place with a layout `img` that holds the image `one` and the index `many`.
fn place() -> Place {
    let place = Place::new();
    let mut layout = Layout::create(&place.path().join("img")).unwrap();
    layout.image("one", &image("linux/amd64")).unwrap();
    layout.index("many", &Index::of(vec![image("linux/amd64"), image("linux/arm64")])).unwrap();
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_layout_is_listed() {
    let place = place();
    insta::assert_snapshot!(place.done(&["image", "list", "oci:img"]));
    let list = json(&place.done(&["image", "list", "oci:img", "--output", "json"]));
    assert_eq!(list["repository"], "oci:img");
    let one = list["tags"].as_array().unwrap().iter().find(|tag| tag["tag"] == "one").unwrap();
    assert_eq!(one["digest"], image("linux/amd64").digest().to_string());
}

#[test]
fn an_image_is_shown_without_reading_its_layers() {
    let place = place();
    let mut ageless = insta::Settings::clone_current();
    ageless.add_filter(r"\(.* ago\)", "(some time ago)");
    ageless.bind(|| insta::assert_snapshot!(place.done(&["image", "show", "oci:img:one"])));
    insta::assert_snapshot!(place.done(&["image", "show", "oci:img:many"]));
    let shown = json(&place.done(&["image", "show", "oci:img:one", "--output", "json"]));
    insta::assert_json_snapshot!(shown);
}

#[test]
fn a_scan_tells_what_is_in_it_and_leaves_nothing() {
    let place = place();
    let before = std::fs::read_dir(place.path()).unwrap().count();
    let mut scan = json(&place.done(&["image", "scan", "oci:img:one", "--output", "json"]));
    for moment in ["scannedAt", "firstScannedAt"] {
        assert!(scan[moment].take().is_string(), "{moment}");
    }
    insta::assert_json_snapshot!(scan);
    insta::assert_snapshot!(place.done(&["image", "files", "oci:img:one"]));
    let kept = ["image", "files", "oci:img:one", "--kept", "--output", "json"];
    insta::assert_json_snapshot!(json(&place.done(&kept)));
    let arm = ["image", "files", "oci:img:many", "--platform", "linux/arm64", "--contains", "RUN"];
    assert!(place.done(&arm).ends_with(" app/run\n"));
    let shown = place.done(&["image", "cat", "oci:img:one", "/app/../app/package.json"]);
    assert_eq!(shown, r#"{"name": "orders"}"#);
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), before, "something was left");
}

#[test]
fn what_was_not_kept_says_why() {
    let place = place();
    insta::assert_snapshot!(place.fails(4, &["image", "cat", "oci:img:one", "app/run"]), @r"
    error: the contents of app/run in oci:img:one are not kept: no rule of [scan] asks for them
    hint: `portolan image files oci:img:one --kept` lists those that are
    ");
    insta::assert_snapshot!(place.fails(4, &["image", "cat", "oci:img:one", "none"]), @r"
    error: there is no file none in oci:img:one
    hint: `portolan image files oci:img:one` lists what there is
    ");
}

#[test]
fn bytes_that_are_not_what_was_promised_end_with_7() {
    let place = place();
    let layer = image("linux/amd64").manifest.bytes;
    let manifest: Value = serde_json::from_slice(&layer).unwrap();
    let digest = manifest["layers"][0]["digest"].as_str().unwrap().replace("sha256:", "");
    let blob = place.path().join("img/blobs/sha256").join(digest);
    let mut bytes = std::fs::read(&blob).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let said = place.fails(7, &["image", "scan", "oci:img:one"]);
    assert!(said.starts_with("error: could not scan oci:img:one\n"), "{said}");
    let said = place.fails(7, &["image", "copy", "oci:img:one", "oci:other"]);
    assert!(said.contains("broken") || said.contains("sha256:"), "{said}");
}

#[test]
fn a_copy_has_the_same_digest() {
    let place = place();
    let answer =
        json(&place.done(&["image", "copy", "oci:img:one", "oci:other", "--output", "json"]));
    assert_eq!(answer["digest"], image("linux/amd64").digest().to_string());
    assert_eq!((&answer["to"], &answer["blobs"]), (&json!("oci:other:one"), &json!(2)));
    let one = ["image", "copy", "oci:img:many", "oci:other:arm", "--platform", "linux/arm64"];
    assert!(place.done(&one).contains(&image("linux/arm64").digest().to_string()));
    let none = ["image", "copy", "oci:img:many", "oci:other:x", "--platform", "linux/s390x"];
    let said = place.fails(4, &none);
    assert!(said.contains("linux/amd64, linux/arm64"), "{said}");
    let digest = format!("oci:other@{}", image("linux/arm64").digest());
    assert_eq!(place.run(&["image", "copy", "oci:img:one", &digest]).code, 2);
}

#[test]
fn a_tag_is_moved() {
    let place = place();
    let said = place.done(&["image", "tag", "oci:img:one", "stable"]);
    let digest = image("linux/amd64").digest();
    assert_eq!(said, format!("oci:img:stable points to {digest}\n"));
    assert!(place.done(&["image", "show", "oci:img:stable"]).contains(&digest.to_string()));
}

#[test]
fn equal_inputs_make_equal_images() {
    let place = place();
    std::fs::write(place.path().join("lock"), "x").unwrap();
    let append = |to: &str| {
        let arguments = [
            "image",
            "append",
            "--base",
            "scratch",
            "--file",
            "lock:/app/Cargo.lock",
            "--entrypoint",
            "/app/run",
            "--entrypoint",
            "-v",
            "--env",
            "A=b=c",
            "--label",
            "defra.cdp.service.name=s",
            "--user",
            "1",
            "--workdir",
            "/app",
            "--expose",
            "8080",
            "--cmd",
            "--help",
            "--platform",
            "linux/arm64",
            "--created",
            "2026-01-05T10:00:00Z",
            "--output",
            "json",
            to,
        ];
        json(&place.done(&arguments))
    };
    let (first, second) = (append("oci:a:1"), append("oci:b:1"));
    assert_eq!(first["digest"], second["digest"]);
    let shown = json(&place.done(&["image", "show", "oci:a:1", "--output", "json"]));
    insta::assert_json_snapshot!(shown);
    let on_top = ["image", "append", "--base", "oci:img:one", "--label", "a=b", "oci:a:2"];
    place.done(&on_top);
    let shown = json(&place.done(&["image", "show", "oci:a:2", "--output", "json"]));
    assert_eq!(shown["labels"], json!({"a": "b", "defra.cdp.service.name": "orders"}));
    let which = ["image", "append", "--base", "oci:img:many", "oci:a:3"];
    assert!(place.fails(2, &which).contains("hint: name it with --platform"));
}
