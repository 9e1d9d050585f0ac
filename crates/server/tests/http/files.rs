//! `/files/{layer}?path=`: what is in the images.

use http::StatusCode;
use portolan_model::Digest;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer};
use serde_json::json;

use crate::bed::Bed;

const PACKAGE: &str = r#"{"name":"shop"}"#;

async fn pushed(bed: &Bed) -> Digest {
    let archive = tar::archive(&[
        Entry::file("app/package.json", PACKAGE),
        Entry::file("app/my dir/package.json", "{}"),
        Entry::file("etc/os-release", "ID=<script>"),
        Entry::file("app/go.sum", b"\xff\0".to_vec()),
        Entry::file("app/main.js", "run()"),
        Entry::file("app/yarn.lock", ""),
        Entry::dir("app"),
        Entry::symlink("app/link", "main.js"),
    ]);
    let image = Image::builder().layer(Layer::gzip(&archive)).build();
    bed.push("team/shop", "1.0.0", &image).await;
    image.layers[0].digest()
}

async fn raw_bytes(bed: Bed) {
    let layer = pushed(&bed).await;
    let file = |path: &str| format!("/files/{layer}?path={path}");
    for path in ["app/package.json", "%2Fapp%2Fpackage.json", "./app//x/../package.json"] {
        let answer = bed.get(&file(path)).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, PACKAGE), "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("etag"), format!("\"{}\"", Digest::of(PACKAGE.as_bytes())));
    }
    assert_eq!(bed.get(&file("app/my+dir/package.json")).await.text(), "{}");
    assert_eq!(bed.get(&file("app/my%20dir/package.json")).await.text(), "{}");
    let html = bed.get(&file("etc/os-release")).await;
    assert_eq!(html.header("content-type"), "text/plain; charset=utf-8");
    assert!(html.header("content-security-policy").contains("sandbox"));
    let binary = bed.get(&file("app/go.sum")).await;
    assert_eq!(binary.header("content-type"), "application/octet-stream");
    assert_eq!(binary.body, b"\xff\0");
    assert_eq!(bed.get(&file("app/yarn.lock")).await.body, b"");
}

async fn what_is_not_there(bed: Bed) {
    let layer = pushed(&bed).await;
    let unknown = Digest::of(b"no layer");
    for (path, message) in [
        (format!("/files/{layer}?path=app/none"), format!("{layer}/app/none was not found")),
        (format!("/files/{unknown}?path=a"), format!("{unknown}/a was not found")),
        ("/files/sha256:zz?path=a".to_owned(), "sha256:zz/a was not found".to_owned()),
        (format!("/files/{layer}?path=app"), format!("{layer}/app has no contents: it is no file")),
        (
            format!("/files/{layer}?path=app/link"),
            format!("{layer}/app/link has no contents: it is a link to main.js"),
        ),
    ] {
        let answer = bed.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(answer.json(), json!({ "message": message }));
    }
    for path in [format!("/files/{layer}"), format!("/files/{layer}?path=")] {
        let answer = bed.get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json(), json!({ "message": "path must be specified" }));
    }
}

async fn what_no_scan_kept_is_read_from_its_layer(bed: Bed) {
    let layer = pushed(&bed).await;
    let path = format!("/files/{layer}?path=app/main.js");
    let answer = bed.get(&path).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "run()"));
    std::fs::remove_dir_all(bed.folder.path().join("blobs")).unwrap();
    bed.pass(2);
    let gone = bed.get(&path).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let message = gone.json()["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("no registry has the layer any more"), "{message}");
    let kept = bed.get(&format!("/files/{layer}?path=app/package.json")).await;
    assert_eq!(kept.text(), PACKAGE, "this one was kept");
}

crate::on_both_engines!(raw_bytes, what_is_not_there, what_no_scan_kept_is_read_from_its_layer);

#[tokio::test]
async fn a_file_that_is_too_large_is_not_opened() {
    let bed = Bed::with(|settings| settings.limits.kept_file_bytes = 10).await;
    let layer = pushed(&bed).await;
    assert_eq!(bed.get(&format!("/files/{layer}?path=app/main.js")).await.text(), "run()");
    let large = bed.get(&format!("/files/{layer}?path=app/package.json")).await;
    assert_eq!(large.status, StatusCode::NOT_FOUND);
    let message = large.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("limits.kept_file_bytes"), "{message}");
}

#[tokio::test]
async fn parts_of_a_file() {
    let bed = Bed::sqlite().await;
    let layer = pushed(&bed).await;
    let path = format!("/files/{layer}?path=app/package.json");
    let ask = |range: &'static str| {
        let (bed, path) = (&bed, &path);
        async move { bed.send("GET", path, &[("range", range)], "").await }
    };
    let part = ask("bytes=2-5").await;
    assert_eq!((part.status, part.text().as_str()), (StatusCode::PARTIAL_CONTENT, "name"));
    assert_eq!(part.header("content-range"), "bytes 2-5/15");
    let beyond = ask("bytes=15-").await;
    assert_eq!(beyond.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.header("content-range"), "bytes */15");
    let headers = [("range", "bytes=2-5"), ("if-range", "\"older\"")];
    let whole = bed.send("GET", &path, &headers, "").await;
    assert_eq!((whole.status, whole.text().as_str()), (StatusCode::OK, PACKAGE));
    let tag = whole.header("etag").to_owned();
    let held = bed.send("GET", &path, &[("if-none-match", tag.as_str())], "").await;
    assert_eq!(held.status, StatusCode::NOT_MODIFIED);
}
