//! Large files, which come in several ranges at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use portolan_assets::manifest::Manifest;
use portolan_assets::walk::{Take, walk};
use portolan_assets::{Assets, AssetsError};
use portolan_aws::{AwsSettings, StaticKey};
use portolan_bucket::{Bucket, BucketSettings, Put};
use portolan_model::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bed::{Bed, commit, run, upload};

/// Bytes of a file of three ranges.
const SIZE: usize = 70 << 20;

/// Bytes in which no piece is like another.
fn content() -> Vec<u8> {
    let number = |at: u64| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    (0..SIZE as u64 / 8).flat_map(number).collect()
}

async fn stored(bed: &Bed, content: &[u8]) -> Manifest {
    bed.built(&[("small", "s")]);
    std::fs::write(bed.out().join("large"), content).unwrap();
    let planned = walk(&[bed.out()], Take::default()).unwrap();
    upload(&bed.main(), &commit('a'), planned, None).await.unwrap().manifest
}

#[tokio::test]
async fn a_large_file_comes_in_ranges() {
    let content = content();
    for bed in Bed::both().await {
        let manifest = stored(&bed, &content).await;
        let trees: BTreeMap<_, _> = manifest
            .entries
            .iter()
            .map(|entry| (entry.path(), entry.blob().unwrap().blake3.map(|it| it.to_string())))
            .collect();
        let tree = blake3::hash(&content).to_hex().to_string();
        assert_eq!(trees, [("large", Some(tree)), ("small", None)].into());
        let to = bed.dir.path().join("to");
        let told = AtomicU64::new(0);
        let count = |bytes| {
            told.fetch_add(bytes, Ordering::Relaxed);
        };
        let fetched = bed.main().fetch(&manifest, &to, &count).await.unwrap();
        assert_eq!((fetched.written, fetched.bytes), (2, SIZE as u64 + 1));
        assert_eq!(told.load(Ordering::Relaxed), SIZE as u64 + 1);
        assert!(std::fs::read(to.join("large")).unwrap() == content);
        assert!(bed.main().verify(&manifest, &|_| {}).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn one_wrong_byte_of_any_range_is_found() {
    let bed = Bed::directory().await;
    let content = content();
    let manifest = stored(&bed, &content).await;
    let digest = portolan_model::Digest::of(&content);
    let blob = bed.dir.path().join(format!("bucket/shop/main/blobs/sha256/{}", digest.hex()));
    let to = bed.dir.path().join("to");
    for at in [0, 40 << 20, SIZE - 1] {
        let mut wrong = content.clone();
        wrong[at] ^= 1;
        std::fs::write(&blob, &wrong).unwrap();
        let error = bed.main().fetch(&manifest, &to, &|_| {}).await.unwrap_err();
        assert!(matches!(error, AssetsError::Corrupt { .. }), "{at}: {error}");
        assert!(!to.join("large").exists() && !to.join("small").exists(), "nothing changes");
    }
    std::fs::write(&blob, &content[1..]).unwrap();
    let error = bed.main().fetch(&manifest, &to, &|_| {}).await.unwrap_err();
    assert!(matches!(error, AssetsError::Corrupt { .. }), "{error}");
    std::fs::remove_file(&blob).unwrap();
    let error = bed.main().fetch(&manifest, &to, &|_| {}).await.unwrap_err();
    assert!(matches!(error, AssetsError::Missing { .. }), "{error}");
}

/// Answers one request for a range of `content`; of the first `broken` ones, half.
async fn answer(mut client: TcpStream, content: &[u8], broken: &AtomicUsize) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(client.read_u8().await.ok()?);
    }
    let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
    if request.starts_with("head ") {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", content.len());
        return client.write_all(head.as_bytes()).await.ok();
    }
    let (_, range) = request.split_once("range: bytes=")?;
    let (start, end) = range.split_once("\r\n")?.0.split_once('-')?;
    let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-length: {}\r\ncontent-range: bytes \
         {start}-{end}/{}\r\nconnection: close\r\n\r\n",
        end + 1 - start,
        content.len()
    );
    client.write_all(head.as_bytes()).await.ok()?;
    let less = broken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    let end = if less.is_ok() { usize::midpoint(start, end) } else { end + 1 };
    client.write_all(&content[start..end]).await.ok()?;
    client.shutdown().await.ok()
}

/// The sets in a store that breaks off its first `broken` answers.
async fn breaking(content: Arc<Vec<u8>>, broken: usize) -> Assets {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let broken = Arc::new(AtomicUsize::new(broken));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (content, broken) = (content.clone(), broken.clone());
            tokio::spawn(async move { answer(client, &content, &broken).await });
        }
    });
    let key = StaticKey { id: "test".into(), secret: Secret::new("test".into()), session: None };
    let aws = AwsSettings {
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint),
        key: Some(key),
        ..AwsSettings::default()
    };
    let settings = BucketSettings { aws, ..BucketSettings::default() };
    let bucket = Bucket::open(&"s3://assets".parse().unwrap(), &settings).await.unwrap();
    Assets::new(bucket, run("main", &[]), Arc::<crate::bed::Later>::default())
}

#[tokio::test]
async fn a_range_that_breaks_off_goes_on_where_it_was() {
    let bed = Bed::directory().await;
    let content = Arc::new(content());
    let mut manifest = stored(&bed, &content).await;
    manifest.entries.retain(|entry| entry.path() == "large");
    let to = bed.dir.path().join("to");
    let told = AtomicU64::new(0);
    let count = |bytes| {
        told.fetch_add(bytes, Ordering::Relaxed);
    };
    let assets = breaking(content.clone(), 2).await;
    assets.fetch(&manifest, &to, &count).await.unwrap();
    assert!(std::fs::read(to.join("large")).unwrap() == *content);
    assert_eq!(told.load(Ordering::Relaxed), SIZE as u64, "no byte came twice");
    std::fs::remove_file(to.join("large")).unwrap();
    let error = breaking(content, usize::MAX).await.fetch(&manifest, &to, &|_| {}).await;
    let error = error.unwrap_err();
    assert!(error.is_unreachable(), "{error}");
    assert!(!to.join("large").exists());
}

#[tokio::test]
async fn a_large_file_without_the_second_hash_is_proven_by_the_first() {
    let bed = Bed::directory().await;
    let content = content();
    let mut manifest = stored(&bed, &content).await;
    for entry in &mut manifest.entries {
        if let portolan_assets::manifest::Entry::File { blob, .. } = entry {
            blob.blake3 = None;
        }
    }
    let to = bed.dir.path().join("to");
    bed.main().fetch(&manifest, &to, &|_| {}).await.unwrap();
    assert!(std::fs::read(to.join("large")).unwrap() == content);
    // Such a set that lies in the bucket is looked after too.
    let key = format!("shop/main/commits/{}.json", commit('a')).parse().unwrap();
    let bytes = manifest.close(None).await.unwrap();
    bed.bucket.put(&key, bytes.into(), &Put::default()).await.unwrap();
    let digest = portolan_model::Digest::of(&content);
    let blob = format!("shop/main/blobs/sha256/{}", digest.hex()).parse().unwrap();
    bed.bucket.delete(&[blob]).await.unwrap();
    let kept = stored(&bed, &content).await;
    assert_eq!(kept, manifest, "it is the same set");
    assert!(bed.main().verify(&kept, &|_| {}).await.unwrap().is_empty(), "its bytes are back");
}
