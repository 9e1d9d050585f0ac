//! What only one kind of bucket has.

use std::fs;

use bytes::Bytes;
use portolan_bucket::{Bucket, BucketUrl, Key, Put, Trouble};

use crate::bed::{self, key, names, put, text};

#[tokio::test]
async fn a_bucket_that_is_not_there_is_said_to_be_missing() {
    let bed = bed::make().await;
    let url = "s3://missing-bucket".parse().unwrap();
    let bucket = Bucket::open(&url, &bed::settings(&bed.moto)).await.unwrap();
    let error = bucket.list("a/").all(1).await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::MissingBucket, "{error}");
    assert!(error.to_string().contains("s3://missing-bucket/a/"), "{error}");
    let put = bucket.put(&key("a"), Bytes::new(), &Put::default()).await.unwrap_err();
    assert_eq!(put.trouble(), Trouble::MissingBucket, "{put}");

    let url = BucketUrl::Directory(bed.dir.path().join("missing"));
    let bucket = Bucket::open(&url, &bed::settings(&bed.moto)).await.unwrap();
    assert!(bucket.list("").all(1).await.is_err());
    assert!(bucket.put(&key("a"), Bytes::new(), &Put::default()).await.is_err());
    assert!(!bed.dir.path().join("missing").exists(), "a mistyped path is no bucket");
}

#[tokio::test]
async fn nobody_who_answers_is_told_as_that() {
    let bed = bed::make().await;
    let mut settings = bed::settings(&bed.moto);
    settings.aws.endpoint = Some("http://127.0.0.1:1".to_owned());
    settings.aws.timeout = std::time::Duration::from_secs(3);
    let bucket = Bucket::open(&"s3://assets".parse().unwrap(), &settings).await.unwrap();
    let error = bucket.list("a/").all(1).await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Unreachable, "{error}");
    assert!(error.is_passing());
}

#[tokio::test]
async fn a_directory_takes_no_key_that_leads_elsewhere() {
    let bed = bed::make().await;
    let bucket = &bed.buckets[1];
    put(bucket, "a", "x").await;
    let write = |at: Key| async move { bucket.put(&at, Bytes::new(), &Put::default()).await };
    for (at, what) in [
        (Key::verbatim("../out").unwrap(), "`.` and `..`"),
        (Key::verbatim("a//b").unwrap(), "empty"),
        (key(".portolan-bucket/lock"), "taken"),
        (key(&"n".repeat(256)), "255"),
        (key("a/b"), "folder"),
    ] {
        let error = write(at).await.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(error.trouble(), Trouble::Key, "{error}: {source:?}");
        assert!(source.unwrap().contains(what), "{what}");
    }
    assert!(!bed.dir.path().join("out").exists());
    // What another tool put here is an object too, of which nothing more is known.
    fs::write(bed.dir.path().join("store/by-hand"), "h").unwrap();
    assert_eq!(text(bucket, "by-hand").await.as_deref(), Some("h"));
    assert_eq!(names(bucket, "").await, ["a", "by-hand"]);
}

#[tokio::test]
async fn s3_has_keys_that_are_no_file_names() {
    let bed = bed::make().await;
    let bucket = &bed.buckets[0];
    let odd = Key::verbatim("artifacts//a.zip").unwrap();
    bucket.put(&odd, Bytes::from_static(b"x"), &Put::default()).await.unwrap();
    let listed = bucket.list("artifacts/").all(9).await.unwrap();
    assert_eq!(listed[0].name, "artifacts//a.zip");
    assert!(listed[0].key().is_err());
}
