//! Objects of several parts.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_bucket::{Copy, Put, Trouble, When, Written};
use portolan_model::{Digest, Hasher};

use crate::bed::{self, MIB, key};

/// Bytes in which no piece is like another.
pub(crate) fn bytes(size: u64) -> Vec<u8> {
    (0..size / 8)
        .flat_map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes())
        .collect()
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_comes_back() {
    let bed = bed::make().await;
    let content = bytes(12 * MIB);
    let file = bed.dir.path().join("large");
    fs::write(&file, &content).unwrap();
    let metadata = BTreeMap::from([("commit-hash".to_owned(), "abc".to_owned())]);
    for bucket in &bed.buckets {
        let sent = AtomicU64::new(0);
        let told = |count| {
            sent.fetch_add(count, Ordering::Relaxed);
        };
        let how = Put {
            when: When::Absent,
            metadata: metadata.clone(),
            digest: Some(Digest::of(&content)),
            ..Put::default()
        };
        assert!(bucket.put_file(&key("l"), &file, &how, &told).await.unwrap().is_yes());
        assert_eq!(sent.load(Ordering::Relaxed), 12 * MIB);
        let again = bucket.put_file(&key("l"), &file, &how, &told).await.unwrap();
        assert_eq!(again, Written::Refused, "{}", bucket.name());
        // 12 MiB are more than one call copies here.
        assert!(bucket.copy(&key("l"), &key("c"), &Copy::default()).await.unwrap().is_yes());
        let size = Some(12 * MIB);
        let known = Copy { size, ..Copy::default() };
        assert!(bucket.copy(&key("l"), &key("d"), &known).await.unwrap().is_yes());
        for name in ["l", "c", "d"] {
            let mut object = bucket.get(&key(name), None).await.unwrap().unwrap();
            assert_eq!(object.attributes.metadata, metadata, "{name}");
            let mut hasher = Hasher::new();
            while let Some(more) = object.body.next().await {
                hasher.update(&more.unwrap());
            }
            assert_eq!(hasher.finish(), Digest::of(&content), "{name} in {}", bucket.name());
        }
    }
}

#[tokio::test]
async fn files_of_every_way_to_send_them_arrive() {
    let bed = bed::make().await;
    let file = bed.dir.path().join("file");
    for size in [0, 8, 256 << 10, (256 << 10) + 8, 5 * MIB] {
        let content = bytes(size);
        fs::write(&file, &content).unwrap();
        for bucket in &bed.buckets {
            let put = Put { digest: Some(Digest::of(&content)), ..Put::default() };
            bucket.put_file(&key("f"), &file, &put, &|_| ()).await.unwrap();
            let (_, read) = bucket.read(&key("f"), 5 * MIB).await.unwrap().unwrap();
            assert!(read == content, "{size} bytes in {}", bucket.name());
        }
    }
    for bucket in &bed.buckets {
        let gone = bed.dir.path().join("gone");
        let error = bucket.put_file(&key("g"), &gone, &Put::default(), &|_| ()).await.unwrap_err();
        assert_eq!(error.trouble(), Trouble::Io, "{error}");
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
