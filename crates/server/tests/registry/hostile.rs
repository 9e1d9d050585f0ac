//! What nobody should send, and somebody will.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use portolan_model::{Digest, media};
use portolan_testkit::image::Content;
use serde_json::{Value, json};

use crate::bed::{Bed, image, refused};

const MIB: usize = 1 << 20;

/// Sends raw bytes, and answers all that comes back.
fn raw(bed: &Bed, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(bed.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn bad_names_digests_and_bytes_in_paths_are_refused() {
    let bed = Bed::new();
    let digest = Digest::of(b"x");
    for path in [
        "/v2/UPPER/tags/list",
        "/v2/a//b/tags/list",
        "/v2/../../etc/tags/list",
        "/v2/%2e%2e/tags/list",
        "/v2/a%00b/manifests/x",
        "/v2/%ff%fe/manifests/latest",
        "/v2/-a/manifests/latest",
        &format!("/v2/{}/manifests/x", "a".repeat(256)),
    ] {
        let answer = raw(
            &bed,
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(answer.contains("\"NAME_INVALID\""), "{path}: {answer}");
    }
    for bad in ["sha256:", "sha256:../../../etc/passwd", "md5:00", "latest", "sha512:00"] {
        let bad = bad.replace('/', "%2F");
        let answer = bed.get(&format!("/v2/app/blobs/{bad}"));
        assert!([400, 404].contains(&answer.status), "{bad}");
    }
    refused(
        &bed.get(&format!("/v2/app/blobs/{}", digest.to_string().to_uppercase())),
        400,
        "DIGEST_INVALID",
    );
    refused(&bed.get("/v2/app/manifests/sha256:abc"), 400, "DIGEST_INVALID");
    // Bytes that are not ASCII in the request line never reach a route.
    let answer = raw(
        &bed,
        b"GET /v2/\xff/tags/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

fn put(
    bed: &Bed,
    reference: &str,
    media_type: &str,
    manifest: &[u8],
) -> portolan_testkit::http::Answer {
    let headers = [("content-type", media_type)];
    bed.send("PUT", &format!("/v2/app/manifests/{reference}"), &headers, manifest)
}

#[test]
fn bad_manifests_are_refused_with_their_reason() {
    let bed = Bed::new();
    let image = image("good");
    bed.publisher("app").image("good", &image).unwrap();
    let good: Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
    let with = |key: &str, value: Value| {
        let mut manifest = good.clone();
        manifest[key] = value;
        manifest.to_string().into_bytes()
    };
    let mut negative = good.clone();
    negative["layers"][0]["size"] = json!(-5);
    let oci = media::OCI_MANIFEST;
    for (case, media_type, bytes) in [
        ("both", oci, with("manifests", json!([]))),
        ("unknown media type", "text/html", image.manifest.bytes.clone()),
        ("unknown mediaType", oci, with("mediaType", json!("application/x-evil"))),
        ("other content type", media::OCI_INDEX, image.manifest.bytes.clone()),
        ("docker's name", media::DOCKER_MANIFEST, image.manifest.bytes.clone()),
        (
            "schema 1",
            "application/vnd.docker.distribution.manifest.v1+json",
            b"{\"schemaVersion\":1}".to_vec(),
        ),
        ("negative size", oci, negative.to_string().into_bytes()),
        ("not json", oci, b"\x1f\x8b\x08".to_vec()),
        ("bad utf-8", oci, b"{\"schemaVersion\":2,\"x\":\"\xff\"}".to_vec()),
        ("deep", oci, vec![b'['; 100_000]),
        ("nothing", oci, Vec::new()),
    ] {
        let answer = put(&bed, "bad", media_type, &bytes);
        assert_eq!(answer.status, 400, "{case}: {}", answer.text());
        refused(&answer, 400, "MANIFEST_INVALID");
    }
    refused(&put(&bed, ".bad", oci, &image.manifest.bytes), 400, "MANIFEST_INVALID");
    let other = Digest::of(b"other").to_string();
    refused(&put(&bed, &other, oci, &image.manifest.bytes), 400, "DIGEST_INVALID");
    refused(&put(&bed, "sha256:1", oci, &image.manifest.bytes), 400, "DIGEST_INVALID");
    assert_eq!(bed.get("/v2/app/tags/list").json().unwrap()["tags"], json!(["good"]));
}

#[test]
fn a_manifest_of_200_mib_is_refused_with_the_limit_however_it_is_sent() {
    let bed = Bed::new();
    for chunked in [false, true] {
        let mut stream = TcpStream::connect(bed.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let length = if chunked {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {}", 200 * MIB)
        };
        write!(stream, "PUT /v2/app/manifests/big HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\n{length}\r\nConnection: close\r\n\r\n", media::OCI_MANIFEST).unwrap();
        let block = vec![b' '; MIB];
        for _ in 0..200 {
            if chunked {
                write!(stream, "{MIB:x}\r\n").unwrap();
            }
            stream.write_all(&block).unwrap();
            if chunked {
                stream.write_all(b"\r\n").unwrap();
            }
        }
        if chunked {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains("MANIFEST_INVALID") && answer.contains("4194304"), "{answer}");
    }
}

#[test]
fn limits_hold_at_their_edge() {
    let bed = Bed::with(|settings| {
        settings.limits.manifest_bytes = 1000;
        settings.limits.layer_raw_bytes = 2000;
    });
    let image = image("edge");
    bed.publisher("app").image("1", &image).unwrap();
    let padded = |length: usize| {
        let mut bytes = image.manifest.bytes.clone();
        bytes.resize(length, b' ');
        Content { media_type: media::OCI_MANIFEST.to_owned(), bytes }
    };
    assert_eq!(bed.publisher("app").put("1000", &padded(1000)).unwrap().status, 201);
    refused(&bed.publisher("app").put("1001", &padded(1001)).unwrap(), 413, "MANIFEST_INVALID");
    bed.blob("app", &[7; 2000]);
    let over = [7; 2001];
    let path = format!("/v2/app/blobs/uploads/?digest={}", Digest::of(&over));
    refused(&bed.send("POST", &path, &[], &over), 413, "SIZE_INVALID");
}
