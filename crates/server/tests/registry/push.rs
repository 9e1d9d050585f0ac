//! Pushing blobs: in one request, in two, in chunks, with breaks, from another repository.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use portolan_model::Digest;

use crate::bed::{Bed, image, refused};

const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");

#[test]
fn a_blob_in_one_request_and_in_two() {
    let bed = Bed::new();
    let digest = bed.blob("team/app", b"one");
    let session = bed.session("team/app");
    let two = Digest::of(b"two");
    let answer = bed.send("PUT", &format!("{session}?digest={two}"), &[OCTETS], b"two");
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some(&*format!("/v2/team/app/blobs/{two}")));
    assert_eq!(answer.header("docker-content-digest"), Some(&*two.to_string()));
    for (digest, bytes) in [(digest, b"one"), (two, b"two")] {
        assert_eq!(bed.get(&format!("/v2/team/app/blobs/{digest}")).body, bytes);
    }
    refused(&bed.get(&session), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn chunks_with_and_without_ranges_and_a_last_one_with_the_digest() {
    let bed = Bed::new();
    let session = bed.session("app");
    let first = [OCTETS, ("content-range", "0-3"), ("content-length", "4")];
    let answer = bed.send("PATCH", &session, &first, b"abcd");
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-3")));
    assert_eq!(answer.header("location"), Some(&*session));
    // As docker does: no range, and the length is not known.
    let answer = bed.send("PATCH", &session, &[OCTETS], b"efgh");
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-7")));
    let answer = bed.get(&session);
    assert_eq!((answer.status, answer.header("range")), (204, Some("0-7")));
    let digest = Digest::of(b"abcdefghij");
    let last = [OCTETS, ("content-range", "8-9")];
    let answer = bed.send("PUT", &format!("{session}?digest={digest}"), &last, b"ij");
    assert_eq!(answer.status, 201);
    assert_eq!(bed.get(&format!("/v2/app/blobs/{digest}")).body, b"abcdefghij");
}

#[test]
fn a_chunk_out_of_order_is_told_where_to_go_on() {
    let bed = Bed::new();
    let session = bed.session("app");
    bed.send("PATCH", &session, &[OCTETS, ("content-range", "0-3")], b"abcd");
    for range in ["0-3", "5-6", "18446744073709551615-18446744073709551615"] {
        let answer = bed.send("PATCH", &session, &[OCTETS, ("content-range", range)], b"");
        assert!([400, 416].contains(&answer.status), "{range}");
    }
    let answer = bed.send("PATCH", &session, &[OCTETS, ("content-range", "9-9")], b"x");
    refused(&answer, 416, "BLOB_UPLOAD_INVALID");
    assert_eq!(answer.header("range"), Some("0-3"));
    assert_eq!(answer.header("location"), Some(&*session));
    let answer = bed.send("PATCH", &session, &[OCTETS, ("content-range", "4-4")], b"xyz");
    refused(&answer, 400, "SIZE_INVALID");
    let answer = bed.send("PATCH", &session, &[OCTETS, ("content-range", "four")], b"x");
    refused(&answer, 400, "BLOB_UPLOAD_INVALID");
}

#[test]
fn a_truncated_body_keeps_what_arrived_and_can_be_resumed() {
    let bed = Bed::new();
    let session = bed.session("app");
    let mut broken = TcpStream::connect(bed.address).unwrap();
    let head = format!("PATCH {session} HTTP/1.1\r\nHost: {}\r\n", bed.address);
    write!(broken, "{head}Content-Length: 1000000\r\n\r\nhalf of it, ").unwrap();
    broken.flush().unwrap();
    std::thread::sleep(Duration::from_millis(100));
    broken.shutdown(Shutdown::Both).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while bed.get(&session).header("range") != Some("0-11") {
        assert!(Instant::now() < deadline, "what arrived is lost");
        std::thread::sleep(Duration::from_millis(20));
    }
    let digest = Digest::of(b"half of it, and the rest");
    let rest = [OCTETS, ("content-range", "12-23")];
    let answer = bed.send("PUT", &format!("{session}?digest={digest}"), &rest, b"and the rest");
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn a_wrong_digest_is_refused_however_it_comes() {
    let bed = Bed::new();
    let other = Digest::of(b"other");
    let path = format!("/v2/app/blobs/uploads/?digest={other}");
    refused(&bed.send("POST", &path, &[OCTETS], b"these"), 400, "DIGEST_INVALID");
    let session = bed.session("app");
    let answer = bed.send("PUT", &format!("{session}?digest={other}"), &[OCTETS], b"these");
    refused(&answer, 400, "DIGEST_INVALID");
    for bad in ["", "?digest=", "?digest=sha256:12", "?digest=sha512:00", "?digest=%ff"] {
        let session = bed.session("app");
        let answer = bed.send("PUT", &format!("{session}{bad}"), &[OCTETS], b"these");
        refused(&answer, 400, "DIGEST_INVALID");
    }
    refused(&bed.get(&format!("/v2/app/blobs/{other}")), 404, "BLOB_UNKNOWN");
}

#[test]
fn the_session_of_another_repository_or_of_nobody_is_unknown() {
    let bed = Bed::new();
    let session = bed.session("victim");
    let stolen = session.replace("/victim/", "/thief/");
    let digest = Digest::of(b"");
    let finished = format!("{stolen}?digest={digest}");
    for (method, path) in
        [("GET", &stolen), ("PATCH", &stolen), ("PUT", &finished), ("DELETE", &stolen)]
    {
        refused(&bed.send(method, path, &[], b""), 404, "BLOB_UPLOAD_UNKNOWN");
    }
    for id in ["x", "..", "00000000-0000-0000-0000-000000000000", "%2e%2e%2fx"] {
        let answer = bed.get(&format!("/v2/victim/blobs/uploads/{id}"));
        assert!([400, 404].contains(&answer.status), "{id}: {}", answer.text());
    }
    assert_eq!(bed.get(&session).status, 204);
    assert_eq!(bed.delete(&session).status, 204);
    refused(&bed.get(&session), 404, "BLOB_UPLOAD_UNKNOWN");
    refused(&bed.delete(&session), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_blob_is_mounted_from_a_repository_that_has_it() {
    let bed = Bed::new();
    let digest = bed.blob("team/source", b"layer");
    let mount = |from: &str| {
        bed.send("POST", &format!("/v2/new/blobs/uploads/?mount={digest}{from}"), &[], b"")
    };
    for from in ["&from=team/other", "&from=NO", "", "&from="] {
        let answer = mount(from);
        assert_eq!(answer.status, 202, "{from}");
        assert!(answer.header("location").unwrap().starts_with("/v2/new/blobs/uploads/"));
    }
    assert_eq!(bed.head(&format!("/v2/new/blobs/{digest}")).status, 404);
    let answer = mount("&from=team%2Fsource");
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("location"), Some(&*format!("/v2/new/blobs/{digest}")));
    assert_eq!(bed.get(&format!("/v2/new/blobs/{digest}")).body, b"layer");
}

#[test]
fn a_client_that_waits_for_100_continue_is_answered() {
    let bed = Bed::new();
    let digest = Digest::of(b"patient");
    let mut stream = TcpStream::connect(bed.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(
        stream,
        "POST /v2/app/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: {}\r\n\
         Content-Length: 7\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        bed.address
    )
    .unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).unwrap();
    assert!(first.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&first));
    stream.write_all(b"patient").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("201 Created"), "{answer}");
}

#[test]
fn equal_layers_of_two_images_are_uploaded_once_and_read_twice() {
    let bed = Bed::new();
    let image = image("shared");
    bed.publisher("one").image("1", &image).unwrap();
    bed.publisher("two").image("1", &image).unwrap();
    for repository in ["one", "two"] {
        let path = format!("/v2/{repository}/blobs/{}", image.layers[0].digest());
        assert_eq!(bed.get(&path).body, image.layers[0].bytes);
    }
}
