//! Bad input over HTTP: a clear refusal, nothing lost, no growth of memory, and never a 500.

use portolan_model::{Digest, media};
use portolan_testkit::Image;
use portolan_testkit::http::{self, Answer};
use portolan_testkit::image::Content;
use serde_json::json;

use crate::images;
use crate::world::{Engine, World, peak_mib};

on_both_stores!(
    manifests_that_no_registry_should_take,
    a_manifest_of_200_mib_is_refused_unread,
    uploads_that_do_not_add_up,
    numbers_and_names_that_make_no_sense,
);

/// The code of the one error that `answer` must have, with a message that says something.
fn refusal(answer: &Answer) -> String {
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.text());
    let body = answer.json().unwrap();
    let error = &body["errors"][0];
    assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{body}");
    error["code"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn manifests_that_no_registry_should_take(engine: Engine) {
    let world = World::start(engine);
    let publisher = world.publisher("hostile/manifests");
    let good = images::service("a", "1.0.0", "linux/amd64");
    publisher.image("good", &good).unwrap();
    let text = String::from_utf8(good.manifest.bytes.clone()).unwrap();
    let both = text.replacen('{', r#"{"manifests":[],"#, 1);
    let typed = |media_type: &str, bytes: &str| Content {
        media_type: media_type.to_owned(),
        bytes: bytes.as_bytes().to_vec(),
    };
    let missing = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": { "mediaType": media::OCI_CONFIG, "size": 2, "digest": Digest::of(b"no").to_string() },
        "layers": [],
    });
    for (what, manifest) in [
        ("an unknown media type", typed("application/x-unheard-of", &text)),
        ("another media type than its own", typed(media::OCI_INDEX, &text)),
        ("both layers and manifests", typed(media::OCI_MANIFEST, &both)),
        ("not JSON", typed(media::OCI_MANIFEST, "{")),
        ("a list", typed(media::OCI_MANIFEST, "[]")),
        ("nothing", typed(media::OCI_MANIFEST, "")),
        ("deep nesting", typed(media::OCI_MANIFEST, &"[".repeat(100_000))),
        ("schema 1", typed(media::OCI_MANIFEST, r#"{"schemaVersion":1,"name":"a","tag":"b"}"#)),
        ("a negative size", typed(media::OCI_MANIFEST, &text.replace("\"size\":", "\"size\":-"))),
        ("a digest that climbs", typed(media::OCI_MANIFEST, &text.replace("sha256:", "../../"))),
        ("blobs that are not there", typed(media::OCI_MANIFEST, &missing.to_string())),
    ] {
        let answer = publisher.put("bad", &manifest).unwrap();
        let code = refusal(&answer);
        assert!(
            matches!(&*code, "MANIFEST_INVALID" | "MANIFEST_BLOB_UNKNOWN" | "UNSUPPORTED"),
            "{what}: {code}"
        );
    }
    let wrong = publisher.put(&Digest::of(b"other").to_string(), &good.manifest).unwrap();
    assert_eq!(refusal(&wrong), "DIGEST_INVALID");
    let tags = world.json("/v2/hostile/manifests/tags/list").unwrap();
    assert_eq!(tags["tags"], json!(["good"]), "nothing was lost, nothing was added");
    world.artifact("hostile/manifests", "good");
}

fn a_manifest_of_200_mib_is_refused_unread(engine: Engine) {
    let mut world = World::start(engine);
    let before = peak_mib(&mut world);
    let mib = 200;
    let head = format!(
        "PUT /v2/hostile/big/manifests/a HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        world.address(),
        media::OCI_MANIFEST,
        mib << 20,
    );
    let mut request = head.into_bytes();
    request.resize(request.len() + (mib << 20), b' ');
    let answer = http::raw(&world.address(), &request).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // Without a length to judge it by, it is refused as soon as it is too much.
    let head = format!(
        "PUT /v2/hostile/big/manifests/a HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\n\
         Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        world.address(),
        media::OCI_MANIFEST,
    );
    let mut request = head.into_bytes();
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
    (0..mib).for_each(|_| request.extend_from_slice(&chunk));
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = http::raw(&world.address(), &request).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let grown = peak_mib(&mut world) - before;
    assert!(grown < 32, "memory grew by {grown} MiB");
    assert_eq!(world.get("/health").unwrap().status, 200);
}

fn uploads_that_do_not_add_up(engine: Engine) {
    let world = World::start(engine);
    let publisher = world.publisher("hostile/uploads");
    let other = world.publisher("hostile/other");
    other.blob(b"so that there is such a repository").unwrap();
    let client = &world.client;
    let octets = [("content-type", "application/octet-stream")];
    let session = || publisher.session().unwrap();
    let bytes = b"what is in the blob";
    let digest = Digest::of(bytes);

    let wrong = client.send("PUT", &format!("{}?digest={digest}", session()), &octets, b"else");
    assert_eq!(refusal(&wrong.unwrap()), "DIGEST_INVALID");
    for bad in ["", "sha256:", "sha256:abc", "md5:abc", "..%2F..%2Fetc%2Fpasswd", "%FF"] {
        let answer = client.send("PUT", &format!("{}?digest={bad}", session()), &octets, bytes);
        assert_eq!(refusal(&answer.unwrap()), "DIGEST_INVALID", "{bad}");
    }

    let stolen = session().replace("hostile/uploads", "hostile/other");
    let answer = client.send("PUT", &format!("{stolen}?digest={digest}"), &octets, bytes).unwrap();
    assert_eq!((answer.status, &*refusal(&answer)), (404, "BLOB_UPLOAD_UNKNOWN"));
    let made_up = format!("{}/blobs/uploads/{}", other.base(), "..%2f..%2fetc");
    let answer = client.send("PATCH", &made_up, &octets, bytes).unwrap();
    assert!(answer.status == 404 && refusal(&answer).ends_with("_UNKNOWN"), "{}", answer.text());

    for range in ["5-23", "0-999999999999999999999", "-", "a-b", "23-0"] {
        let headers = [octets[0], ("content-range", range)];
        let answer = client.send("PATCH", &session(), &headers, bytes).unwrap();
        refusal(&answer);
    }

    // A client that stops in the middle: what arrived is kept, and the upload can be taken up.
    let location = session();
    let path = location.split_once(&world.address()).unwrap().1;
    let head = format!(
        "PATCH {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: 1000\r\nConnection: close\r\n\r\n",
        world.address(),
    );
    http::hang_up(&world.address(), &[head.as_bytes(), &bytes[..5]].concat()).unwrap();
    let missing = world.get(&format!("/v2/hostile/uploads/blobs/{digest}")).unwrap();
    assert_eq!((missing.status, &*refusal(&missing)), (404, "BLOB_UNKNOWN"));
    assert_eq!(publisher.blob(bytes).unwrap(), digest);
    let there = world.get(&format!("/v2/hostile/uploads/blobs/{digest}")).unwrap();
    assert_eq!((there.status, &*there.body), (200, &bytes[..]));
}

fn numbers_and_names_that_make_no_sense(engine: Engine) {
    let world = World::start(engine);
    let image = Image::builder().build();
    for tag in ["a", "b", "c"] {
        world.publisher("hostile/numbers").image(tag, &image).unwrap();
    }
    let long = "a".repeat(100_000);
    let mut paths: Vec<String> = Vec::new();
    let bad = ["9999999999", "99999999999999999999999", "-1", "0", "1.5", "", "%FF", "%00", "a b"];
    for n in bad.map(|n| n.replace(' ', "%20")) {
        paths.push(format!("/v2/_catalog?n={n}"));
        paths.push(format!("/v2/hostile/numbers/tags/list?n={n}"));
        paths.push(format!("/v2/hostile/numbers/tags/list?last={n}"));
        paths.push(format!("/artifacts?page={n}&size={n}"));
        paths.push(format!("/jobs?state={n}&page={n}"));
        paths.push(format!("/files/{n}?path={n}"));
        paths.push(format!("/files/{}?path={n}", Digest::of(b"layer")));
        paths.push(format!("/artifacts/{n}"));
        paths.push(format!("/artifacts/{n}/{n}"));
        paths.push(format!("/services/{n}"));
        paths.push(format!("/deployables/{n}"));
        paths.push(format!("/ui/images/{n}"));
        paths.push(format!("/ui/images?q={n}&page={n}"));
        paths.push(format!("/v2/{n}/manifests/{n}"));
        paths.push(format!("/v2/{n}/blobs/{n}"));
    }
    for name in
        ["..%2f..%2fetc%2fpasswd", "%2e%2e", "A/B", "a//b", "%C3%28", "'%20OR%201=1--", &long]
    {
        paths.push(format!("/artifacts/{name}/1"));
        paths.push(format!("/v2/{name}/tags/list"));
        paths.push(format!("/v2/hostile/numbers/manifests/{name}"));
        paths.push(format!("/deployables/{name}"));
        paths.push(format!("/ui/images/{name}"));
    }
    for path in paths {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            world.address()
        );
        let answer = http::raw(&world.address(), head.as_bytes()).unwrap();
        let status: u16 = answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        assert!((200..500).contains(&status), "{path}: {answer}");
    }
    for query in ["", "?repo=&tag=", "?repo=%FF&tag=1", "?repo=none&tag=1", "?repo=A&tag=/"] {
        let answer =
            world.client.send("POST", &world.url(&format!("/admin/scan{query}")), &[], &[]);
        let answer = answer.unwrap();
        assert!(
            (400..500).contains(&answer.status),
            "{query}: {} {}",
            answer.status,
            answer.text()
        );
    }
    let tags = world.json("/v2/hostile/numbers/tags/list?n=9999999999").unwrap();
    assert_eq!(tags["tags"], json!(["a", "b", "c"]));
}
