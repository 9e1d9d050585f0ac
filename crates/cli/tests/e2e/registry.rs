//! The built-in registry, route by route: OCI Distribution 1.1.

use portolan_model::{Digest, media};
use portolan_testkit::Image;
use portolan_testkit::image::Content;
use serde_json::json;

use crate::images;
use crate::world::{Engine, World};

on_both_stores!(
    blobs_are_pushed_in_every_way_and_pulled_in_parts,
    blobs_are_mounted_and_deleted,
    lists_are_told_in_pages,
    what_refers_to_an_image_is_told,
);

fn blobs_are_pushed_in_every_way_and_pulled_in_parts(engine: Engine) {
    let world = World::start(engine);
    assert_eq!(world.get("/v2/").unwrap().status, 200);
    let publisher = world.publisher("a/b");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let digest = publisher.blob_in_chunks(&bytes, 30_000).unwrap();
    let url = format!("{}/blobs/{digest}", publisher.base());
    let head = world.client.send("HEAD", &url, &[], &[]).unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, Some("100000")));
    assert_eq!(head.header("docker-content-digest"), Some(&*digest.to_string()));
    for (range, expected) in [
        ("bytes=10-19", &bytes[10..20]),
        ("bytes=99990-", &bytes[99_990..]),
        ("bytes=-5", &bytes[99_995..]),
    ] {
        let part = world.client.send("GET", &url, &[("range", range)], &[]).unwrap();
        assert_eq!((part.status, &*part.body), (206, expected), "{range}");
    }
    let past = world.client.send("GET", &url, &[("range", "bytes=200000-")], &[]).unwrap();
    assert_eq!(past.status, 416);

    // In one request.
    let small = b"in one request";
    let url = format!("{}/blobs/uploads/?digest={}", publisher.base(), Digest::of(small));
    let octets = [("content-type", "application/octet-stream")];
    assert_eq!(world.client.send("POST", &url, &octets, small).unwrap().status, 201);

    // Interrupted, asked how far it came, and taken up again; then another, given up.
    let session = publisher.session().unwrap();
    let chunk = [octets[0], ("content-range", "0-3")];
    let begun = world.client.send("PATCH", &session, &chunk, b"half").unwrap();
    assert_eq!((begun.status, begun.header("range")), (202, Some("0-3")));
    let again = world.client.send("PATCH", &session, &chunk, b"half").unwrap();
    assert_eq!((again.status, again.header("range")), (416, Some("0-3")));
    let asked = world.client.get(&session).unwrap();
    assert_eq!((asked.status, asked.header("range")), (204, Some("0-3")));
    let url = format!("{session}?digest={}", Digest::of(b"half and half"));
    let ended = world.client.send("PUT", &url, &octets, b" and half").unwrap();
    assert_eq!(ended.status, 201, "{}", ended.text());
    let session = publisher.session().unwrap();
    assert_eq!(world.client.send("DELETE", &session, &[], &[]).unwrap().status, 204);
    assert_eq!(world.client.get(&session).unwrap().status, 404);
}

fn blobs_are_mounted_and_deleted(engine: Engine) {
    let world = World::start(engine);
    let one = world.publisher("one");
    let two = world.publisher("two");
    let digest = one.blob(b"shared").unwrap();
    let mount = |from: &str| {
        let url = format!("{}/blobs/uploads/?mount={digest}&from={from}", two.base());
        world.client.send("POST", &url, &[], &[]).unwrap()
    };
    assert_eq!(mount("nobody").status, 202, "what cannot be mounted is to be uploaded");
    assert_eq!(mount("one").status, 201);
    let in_two = format!("{}/blobs/{digest}", two.base());
    assert_eq!(world.client.get(&in_two).unwrap().body, b"shared");
    assert_eq!(world.client.send("DELETE", &in_two, &[], &[]).unwrap().status, 202);
    assert_eq!(world.client.get(&in_two).unwrap().status, 404);
    let in_one = format!("{}/blobs/{digest}", one.base());
    assert_eq!(world.client.get(&in_one).unwrap().status, 200);
    assert_eq!(world.client.send("DELETE", &in_two, &[], &[]).unwrap().status, 404);
}

fn lists_are_told_in_pages(engine: Engine) {
    let world = World::start(engine);
    let image = Image::builder().build();
    for repository in ["a", "a/b", "c"] {
        world.publisher(repository).image("1", &image).unwrap();
    }
    for tag in ["2", "10", "B", "a"] {
        world.publisher("c").manifest(tag, &image.manifest).unwrap();
    }
    let first = world.get("/v2/_catalog?n=2").unwrap();
    assert_eq!(first.json().unwrap(), json!({ "repositories": ["a", "a/b"] }));
    let link = first.header("link").unwrap();
    let next = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
    let second = world.get(next).unwrap();
    assert_eq!(second.json().unwrap(), json!({ "repositories": ["c"] }));
    assert_eq!(second.header("link"), None);

    let tags = world.json("/v2/c/tags/list").unwrap();
    assert_eq!(tags, json!({ "name": "c", "tags": ["1", "10", "2", "B", "a"] }));
    let part = world.json("/v2/c/tags/list?n=2&last=10").unwrap();
    assert_eq!(part["tags"], json!(["2", "B"]));
    let unknown = world.get("/v2/nobody/tags/list").unwrap();
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.json().unwrap()["errors"][0]["code"], "NAME_UNKNOWN");
}

fn what_refers_to_an_image_is_told(engine: Engine) {
    let world = World::start(engine);
    let publisher = world.publisher("a/b");
    let image = images::service("a", "1.0.0", "linux/amd64");
    publisher.image("1.0.0", &image).unwrap();
    let empty = publisher.blob(b"{}").unwrap();
    let descriptor = json!({ "mediaType": media::OCI_EMPTY, "size": 2, "digest": empty });
    let signature = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "artifactType": "application/vnd.example.signature",
        "config": descriptor,
        "layers": [descriptor],
        "subject": image.manifest.descriptor(),
        "annotations": { "by": "me" },
    });
    let signature = Content {
        media_type: media::OCI_MANIFEST.to_owned(),
        bytes: signature.to_string().into_bytes(),
    };
    let put = publisher.put(&signature.digest().to_string(), &signature).unwrap();
    assert_eq!(put.status, 201, "{}", put.text());
    assert_eq!(put.header("oci-subject"), Some(&*image.digest().to_string()));
    let referrers = format!("/v2/a/b/referrers/{}", image.digest());
    let told = world.json(&referrers).unwrap();
    assert_eq!(told["mediaType"], media::OCI_INDEX);
    assert_eq!(told["manifests"][0]["digest"], signature.digest().to_string());
    assert_eq!(told["manifests"][0]["artifactType"], "application/vnd.example.signature");
    assert_eq!(told["manifests"][0]["annotations"]["by"], "me");
    let filtered = world.get(&format!("{referrers}?artifactType=other")).unwrap();
    assert_eq!(filtered.json().unwrap()["manifests"], json!([]));
    assert_eq!(filtered.header("oci-filters-applied"), Some("artifactType"));
    let none = world.json(&format!("/v2/a/b/referrers/{}", Digest::of(b"nothing"))).unwrap();
    assert_eq!(none["manifests"], json!([]));

    world.artifact("a/b", "1.0.0");
    world.quiet().unwrap();
    // By tag, by digest; a tag is deleted alone, a digest with all its tags.
    let by_digest = format!("{}/manifests/{}", publisher.base(), image.digest());
    publisher.manifest("other", &image.manifest).unwrap();
    let tag = format!("{}/manifests/other", publisher.base());
    assert_eq!(world.client.send("DELETE", &tag, &[], &[]).unwrap().status, 202);
    assert_eq!(world.client.get(&tag).unwrap().status, 404);
    let got = world.client.get(&by_digest).unwrap();
    assert_eq!((got.status, &got.body), (200, &image.manifest.bytes));
    assert_eq!(got.header("content-type"), Some(media::OCI_MANIFEST));
    assert_eq!(world.client.send("DELETE", &by_digest, &[], &[]).unwrap().status, 202);
    assert_eq!(world.client.get(&by_digest).unwrap().status, 404);
    let tags = world.json("/v2/a/b/tags/list").unwrap();
    assert_eq!(tags["tags"], json!([]));
}
