//! Large files that were broken off.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_bucket::{Bucket, Put, Written};
use portolan_testkit::moto::Moto;

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

#[tokio::test]
async fn an_upload_that_another_one_ends_is_begun_anew_or_done() {
    let (bed, file, content) = with_file().await;
    let part = 5 * usize::try_from(MIB).unwrap();
    for done in [false, true] {
        let upload = broken_off(&bed.moto, &[(1, &content[..part])]);
        let ended = AtomicU64::new(0);
        let told = |_| {
            if ended.fetch_add(1, Ordering::Relaxed) == 0 {
                if done {
                    bed.moto.s3("PUT", "assets/l", &content).unwrap();
                }
                let path = format!("assets/l?uploadId={upload}");
                assert_eq!(bed.moto.s3("DELETE", &path, &[]).unwrap().status, 204);
            }
        };
        let before = sent(&bed.moto, 1);
        let written = bed.buckets[0].put_file(&key("l"), &file, &resumed(), &told).await.unwrap();
        assert!(matches!(written, Written::Yes { .. }));
        assert_eq!(sent(&bed.moto, 1) - before, usize::from(!done));
        assert!(!is_open(&bed.moto));
        whole(&bed.buckets[0], &content).await;
        bed.buckets[0].delete(&[key("l")]).await.unwrap();
    }
}
