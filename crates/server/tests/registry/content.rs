//! Manifests and blobs: reading, checking, deleting.

use portolan_model::{Digest, media};
use serde_json::json;

use crate::bed::{Bed, image, refused};

#[test]
fn the_root_says_what_it_is() {
    let bed = Bed::new();
    for path in ["/v2/", "/v2"] {
        assert_eq!(bed.get(path).status, 200);
        assert_eq!(bed.head(path).status, 200);
        refused(&bed.send("PUT", path, &[], b""), 405, "UNSUPPORTED");
    }
    let options = bed.send("OPTIONS", "/v2/app/manifests/1", &[], b"");
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, PUT, DELETE")));
}

#[test]
fn a_manifest_is_read_by_tag_and_digest_with_get_and_head() {
    let bed = Bed::new();
    let image = image("hello");
    let repository = "deep/er/and-deeper/app__1";
    bed.publisher(repository).image("v1", &image).unwrap();
    let digest = image.digest().to_string();
    for reference in ["v1", &digest, &digest.replace(':', "%3A")] {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let got = bed.get(&path);
        assert_eq!((got.status, &got.body), (200, &image.manifest.bytes));
        let head = bed.head(&path);
        assert!(head.body.is_empty());
        for answer in [&got, &head] {
            assert_eq!(answer.header("content-type"), Some(media::OCI_MANIFEST));
            assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
            let length = image.manifest.bytes.len().to_string();
            assert_eq!(answer.header("content-length"), Some(&*length));
        }
        let etag = got.header("etag").unwrap();
        let known = bed.send("GET", &path, &[("if-none-match", etag)], b"");
        assert_eq!((known.status, known.body.len()), (304, 0));
    }
    let path = format!("/v2/{repository}/blobs/{}", image.config.digest());
    let head = bed.head(&path);
    assert_eq!(head.header("content-length"), Some(&*image.config.bytes.len().to_string()));
    assert_eq!(head.header("accept-ranges"), Some("bytes"));
    assert!(head.header("cache-control").unwrap().contains("immutable"));
}

#[test]
fn what_is_not_there_is_unknown() {
    let bed = Bed::new();
    bed.blob("app", b"x");
    let nothing = Digest::of(b"nothing");
    for (path, code) in [
        (format!("/v2/app/manifests/{nothing}"), "MANIFEST_UNKNOWN"),
        ("/v2/app/manifests/none".to_owned(), "MANIFEST_UNKNOWN"),
        ("/v2/app/manifests/.INVALID_MANIFEST_NAME".to_owned(), "MANIFEST_UNKNOWN"),
        ("/v2/none/manifests/latest".to_owned(), "MANIFEST_UNKNOWN"),
        (format!("/v2/app/blobs/{nothing}"), "BLOB_UNKNOWN"),
        (format!("/v2/none/blobs/{}", Digest::of(b"x")), "BLOB_UNKNOWN"),
        ("/v2/none/tags/list".to_owned(), "NAME_UNKNOWN"),
        ("/v2/app/nothing/here".to_owned(), "NAME_UNKNOWN"),
    ] {
        refused(&bed.get(&path), 404, code);
        assert_eq!(bed.head(&path).status, 404, "{path}");
    }
}

#[test]
fn missing_parts_are_each_named() {
    let bed = Bed::new();
    let image = image("parts");
    bed.blob("app", &image.config.bytes);
    let answer = bed.publisher("app").put("1", &image.manifest).unwrap();
    refused(&answer, 404, "MANIFEST_BLOB_UNKNOWN");
    let detail = answer.json().unwrap()["errors"][0]["detail"].clone();
    assert_eq!(detail, json!([{ "digest": image.layers[0].digest().to_string() }]));
    refused(&bed.get("/v2/app/manifests/1"), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn a_push_answers_with_the_digest_and_the_subject() {
    let bed = Bed::new();
    let image = image("subject");
    let publisher = bed.publisher("app");
    publisher.image("1", &image).unwrap();
    let answer = publisher.put("2", &image.manifest).unwrap();
    assert_eq!(answer.status, 201);
    let digest = image.digest().to_string();
    assert_eq!(answer.header("docker-content-digest"), Some(&*digest));
    assert_eq!(answer.header("location"), Some(&*format!("/v2/app/manifests/{digest}")));
    assert_eq!(answer.header("oci-subject"), None);
}

#[test]
fn tags_manifests_and_blobs_are_deleted_apart() {
    let bed = Bed::new();
    let image = image("delete me");
    let publisher = bed.publisher("app");
    publisher.image("a", &image).unwrap();
    publisher.manifest("b", &image.manifest).unwrap();
    publisher.manifest("c", &image.manifest).unwrap();
    assert_eq!(bed.delete("/v2/app/manifests/a").status, 202);
    refused(&bed.delete("/v2/app/manifests/a"), 404, "MANIFEST_UNKNOWN");
    assert_eq!(bed.get("/v2/app/manifests/b").status, 200);
    let by_digest = format!("/v2/app/manifests/{}", image.digest());
    assert_eq!(bed.delete(&by_digest).status, 202);
    for reference in ["b", "c", &image.digest().to_string()] {
        refused(&bed.get(&format!("/v2/app/manifests/{reference}")), 404, "MANIFEST_UNKNOWN");
    }
    assert_eq!(bed.get("/v2/app/tags/list").json().unwrap()["tags"], json!([]));
    let blob = format!("/v2/app/blobs/{}", image.config.digest());
    assert_eq!(bed.get(&blob).status, 200);
    assert_eq!(bed.delete(&blob).status, 202);
    refused(&bed.get(&blob), 404, "BLOB_UNKNOWN");
    refused(&bed.delete(&blob), 404, "BLOB_UNKNOWN");
}
