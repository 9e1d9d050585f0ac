//! Both kinds of bucket, empty.

use bytes::Bytes;
use portolan_aws::{AwsSettings, StaticKey};
use portolan_bucket::{Bucket, BucketSettings, BucketUrl, Key, Put, When};
use portolan_model::Secret;
use portolan_testkit::moto::{self, Moto};
use tempfile::TempDir;

pub(crate) const MIB: u64 = 1 << 20;

/// A bucket of each kind, and what keeps it alive.
pub(crate) struct Bed {
    pub(crate) moto: Moto,
    pub(crate) dir: TempDir,
    pub(crate) buckets: Vec<Bucket>,
}

pub(crate) fn settings(moto: &Moto) -> BucketSettings {
    let key = StaticKey { id: "test".into(), secret: Secret::new("test".into()), session: None };
    let aws = AwsSettings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(moto.url()),
        key: Some(key),
        ..AwsSettings::default()
    };
    BucketSettings { aws, part_size: 5 * MIB, copy_limit: 11 * MIB, ..BucketSettings::default() }
}

pub(crate) async fn make() -> Bed {
    let moto = moto::start().unwrap();
    moto.bucket("assets").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("store");
    std::fs::create_dir(&root).unwrap();
    let mut buckets = Vec::new();
    for url in ["s3://assets".parse().unwrap(), BucketUrl::Directory(root)] {
        buckets.push(Bucket::open(&url, &settings(&moto)).await.unwrap());
    }
    Bed { moto, dir, buckets }
}

pub(crate) fn key(text: &str) -> Key {
    text.parse().unwrap()
}

/// Writes whatever is there.
pub(crate) async fn put(bucket: &Bucket, name: &str, bytes: &'static str) -> String {
    match bucket.put(&key(name), Bytes::from_static(bytes.as_bytes()), &Put::default()).await {
        Ok(portolan_bucket::Written::Yes { etag }) => etag,
        other => panic!("{name} in {}: {other:?}", bucket.name()),
    }
}

pub(crate) async fn text(bucket: &Bucket, name: &str) -> Option<String> {
    let read = bucket.read(&key(name), 1 << 16).await.unwrap();
    read.map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap())
}

pub(crate) async fn names(bucket: &Bucket, prefix: &str) -> Vec<String> {
    let all = bucket.list(prefix).all(10_000).await.unwrap();
    all.into_iter().map(|listed| listed.name).collect()
}

pub(crate) fn when(when: When) -> Put {
    Put { when, ..Put::default() }
}
