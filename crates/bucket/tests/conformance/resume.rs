//! Large files that were broken off.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_bucket::{Bucket, Put, Written};
use portolan_testkit::moto::Moto;
use wiremock::matchers::{method, query_param, query_param_is_missing};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use crate::bed::{self, Bed, MIB, key};
use crate::large::bytes;

/// Bytes of a file that has parts of 5, 5 and 2 MiB.
const SIZE: u64 = 12 * MIB;

fn resumed() -> Put {
    Put { resume: true, ..Put::default() }
}

/// What `text` has between two others.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split_once(from).unwrap().1.split_once(to).unwrap().0
}

/// Begins an upload of `l` as one does who is then killed, with these parts.
fn broken_off(moto: &Moto, parts: &[(u32, &[u8])]) -> String {
    let answer = moto.s3("POST", "assets/l?uploads", &[]).unwrap().text();
    let upload = between(&answer, "<UploadId>", "</UploadId>").to_owned();
    for (number, bytes) in parts {
        let path = format!("assets/l?partNumber={number}&uploadId={upload}");
        assert_eq!(moto.s3("PUT", &path, bytes).unwrap().status, 200);
    }
    upload
}

/// How often the part `number` was sent.
fn sent(moto: &Moto, number: u32) -> usize {
    let log = moto.process().log();
    log.lines().filter(|it| it.contains("PUT /") && names(it, number)).count()
}

fn names(line: &str, number: u32) -> bool {
    let asked = line.split(['?', '&', ' ']);
    asked.into_iter().any(|it| it == format!("partNumber={number}"))
}

/// Whether an upload of `l` is there that nobody ended.
fn is_open(moto: &Moto) -> bool {
    moto.s3("GET", "assets?uploads", &[]).unwrap().text().contains("<Key>l</Key>")
}

async fn whole(bucket: &Bucket, content: &[u8]) {
    let (_, read) = bucket.read(&key("l"), SIZE).await.unwrap().unwrap();
    assert!(read == content, "what was sent in turns is not what the file has");
}

/// A bed, and a file in it with its bytes.
async fn with_file() -> (Bed, std::path::PathBuf, Vec<u8>) {
    let bed = bed::make().await;
    let (file, content) = (bed.dir.path().join("large"), bytes(SIZE));
    fs::write(&file, &content).unwrap();
    (bed, file, content)
}

#[tokio::test]
async fn only_the_parts_that_are_not_there_are_sent() {
    let (bed, file, content) = with_file().await;
    let part = 5 * usize::try_from(MIB).unwrap();
    // The second one is of another file, of the same size.
    broken_off(&bed.moto, &[(1, &content[..part]), (2, &vec![7; part])]);
    let through = AtomicU64::new(0);
    let told = |count| {
        through.fetch_add(count, Ordering::Relaxed);
    };
    let written = bed.buckets[0].put_file(&key("l"), &file, &resumed(), &told).await.unwrap();
    assert!(written.is_yes());
    assert_eq!(through.load(Ordering::Relaxed), SIZE);
    let counts = [1, 2, 3].map(|number| sent(&bed.moto, number));
    assert_eq!(counts, [1, 2, 1], "the first was there; the second was another");
    assert!(!is_open(&bed.moto));
    whole(&bed.buckets[0], &content).await;
    // Who does not say that the key tells the bytes begins anew, and leaves what is not theirs.
    broken_off(&bed.moto, &[(1, &content[..part])]);
    bed.buckets[0].put_file(&key("l"), &file, &Put::default(), &|_| ()).await.unwrap();
    assert_eq!(sent(&bed.moto, 1), 3);
    assert!(is_open(&bed.moto));
}

#[tokio::test]
async fn what_breaks_off_is_kept_for_the_next_one_alone() {
    let (bed, file, content) = with_file().await;
    let shorten = |_| fs::write(&file, &content[..5 << 20]).unwrap();
    for (how, kept) in [(Put::default(), false), (resumed(), true)] {
        fs::write(&file, &content).unwrap();
        // One part after the other: the file is too short for the second.
        let mut settings = bed::settings(&bed.moto);
        settings.parallel = 1;
        let url = "s3://assets".parse().unwrap();
        let bucket = Bucket::open(&url, &settings).await.unwrap();
        let error = bucket.put_file(&key("l"), &file, &how, &shorten).await.unwrap_err();
        assert_eq!(is_open(&bed.moto), kept, "{error}");
        assert!(bucket.head(&key("l")).await.unwrap().is_none(), "nothing is visible");
    }
    fs::write(&file, &content).unwrap();
    let before = sent(&bed.moto, 1);
    bed.buckets[0].put_file(&key("l"), &file, &resumed(), &|_| ()).await.unwrap();
    assert_eq!(sent(&bed.moto, 1), before);
    assert!(!is_open(&bed.moto));
    whole(&bed.buckets[0], &content).await;
}

/// A page of parts as S3 documents it, with one part of 5 MiB.
fn page(number: u32, etag: &str, next: &str) -> ResponseTemplate {
    let truncated = !next.is_empty();
    ResponseTemplate::new(200).set_body_string(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListPartsResult \
         xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>assets</Bucket><Key>l</Key>\
         <UploadId>U</UploadId><NextPartNumberMarker>{next}</NextPartNumberMarker>\
         <IsTruncated>{truncated}</IsTruncated><Part><PartNumber>{number}</PartNumber>\
         <LastModified>2026-11-10T20:48:34.000Z</LastModified><ETag>&quot;{etag}&quot;</ETag>\
         <Size>5242880</Size></Part></ListPartsResult>"
    ))
}

/// What is asked of S3 by `verb` with this in its query.
fn asked(verb: &str, name: &str, value: &str) -> MockBuilder {
    Mock::given(method(verb)).and(query_param(name, value))
}

fn well(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_string(text)
}

/// S3 as it is documented, where `U` is an upload of `l` that was broken off. Each of `answers` is to be
/// asked for as often as it says.
async fn s3(answers: Vec<(MockBuilder, ResponseTemplate, u64)>) -> MockServer {
    let s3 = MockServer::start().await;
    let uploads = "<ListMultipartUploadsResult><Upload><Key>l</Key><UploadId>U</UploadId></Upload>\
         <Upload><Key>longer</Key><UploadId>V</UploadId></Upload></ListMultipartUploadsResult>";
    asked("GET", "uploads", "").respond_with(well(uploads)).expect(1).mount(&s3).await;
    for (asked, answer, times) in answers {
        asked.respond_with(answer).expect(times).mount(&s3).await;
    }
    s3
}

async fn bucket(bed: &Bed, s3: &MockServer) -> Bucket {
    let mut settings = bed::settings(&bed.moto);
    settings.aws.endpoint = Some(s3.uri());
    Bucket::open(&"s3://assets".parse().unwrap(), &settings).await.unwrap()
}

/// The MD5 of the first 5 MiB of the file, and of the second ones.
const ETAGS: [&str; 2] = ["b07500d1b0b5fe544c871904d951733a", "f859a1caf6f43207a925fe8f4b14bfcb"];
const COMPLETED: &str =
    "<CompleteMultipartUploadResult><ETag>\"all\"</ETag></CompleteMultipartUploadResult>";

#[tokio::test]
async fn parts_that_are_told_in_pages_are_all_found() {
    let (bed, file, _) = with_file().await;
    let first = asked("GET", "uploadId", "U").and(query_param_is_missing("part-number-marker"));
    let third = ResponseTemplate::new(200).insert_header("etag", "\"third\"");
    let s3 = s3(vec![
        (first, page(1, ETAGS[0], "1"), 1),
        (asked("GET", "part-number-marker", "1"), page(2, ETAGS[1], ""), 1),
        (asked("PUT", "partNumber", "3"), third, 1),
        (asked("POST", "uploadId", "U"), well(COMPLETED), 1),
    ]);
    let s3 = s3.await;
    let bucket = bucket(&bed, &s3).await;
    let written = bucket.put_file(&key("l"), &file, &resumed(), &|_| ()).await.unwrap();
    assert_eq!(written, Written::Yes { etag: "all".to_owned() });
    let asked = s3.received_requests().await.unwrap();
    let done = String::from_utf8(asked.last().unwrap().body.clone()).unwrap();
    for etag in [ETAGS[0], ETAGS[1], "third"] {
        assert!(done.contains(&format!("<ETag>&quot;{etag}&quot;</ETag>")), "{done}");
    }
}

#[tokio::test]
async fn an_upload_that_another_one_ends_is_done_or_begun_anew() {
    let (bed, file, content) = with_file().await;
    for done in [true, false] {
        let gone = "<Error><Code>NoSuchUpload</Code><Message>It is not there.</Message></Error>";
        let gone = ResponseTemplate::new(404).set_body_string(gone);
        let part = || ResponseTemplate::new(200).insert_header("etag", "\"part\"");
        let theirs = ResponseTemplate::new(200).insert_header("etag", "\"theirs\"");
        let theirs = theirs.set_body_bytes(content.clone());
        let begun = "<InitiateMultipartUploadResult><UploadId>W</UploadId>\
             </InitiateMultipartUploadResult>";
        let anew = u64::from(!done);
        let is_there = if done { theirs } else { ResponseTemplate::new(404) };
        let s3 = s3(vec![
            (asked("GET", "uploadId", "U"), page(1, ETAGS[0], ""), 1),
            (asked("PUT", "uploadId", "U"), part(), 2),
            (asked("POST", "uploadId", "U"), gone, 1),
            (Mock::given(method("HEAD")), is_there, 1),
            (asked("POST", "uploads", ""), well(begun), anew),
            (asked("PUT", "uploadId", "W"), part(), 3 * anew),
            (asked("POST", "uploadId", "W"), well(COMPLETED), anew),
        ]);
        let s3 = s3.await;
        let bucket = bucket(&bed, &s3).await;
        let written = bucket.put_file(&key("l"), &file, &resumed(), &|_| ()).await.unwrap();
        let etag = if done { "theirs" } else { "all" };
        assert_eq!(written, Written::Yes { etag: etag.to_owned() });
    }
}
