//! Small objects.

use std::collections::BTreeMap;

use bytes::Bytes;
use portolan_bucket::{Copy, Key, Put, Trouble, When, Written};
use portolan_model::Digest;

use crate::bed::{self, key, names, put, text, when};

fn told(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn what_is_written_is_read_with_what_was_told_of_it() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        let at = key("a/b c/é+&.zip");
        assert_eq!(bucket.head(&at).await.unwrap(), None);
        assert!(bucket.get(&at, None).await.unwrap().is_none());
        let how = Put {
            content_type: Some("application/zip".to_owned()),
            metadata: told(&[("commit-hash", "abc"), ("package-hash", "x=/+")]),
            digest: Some(Digest::of(b"bytes")),
            ..Put::default()
        };
        let written = bucket.put(&at, Bytes::from_static(b"bytes"), &how).await.unwrap();
        let Written::Yes { etag } = written else { panic!("refused") };
        let head = bucket.head(&at).await.unwrap().unwrap();
        assert_eq!((head.size, &head.etag, &head.metadata), (5, &etag, &how.metadata));
        assert_eq!(head.content_type, how.content_type);
        assert!(head.modified.millis() > 1_700_000_000_000, "{head:?}");
        let (attributes, bytes) = bucket.read(&at, 5).await.unwrap().unwrap();
        assert_eq!((&bytes[..], attributes.metadata), (&b"bytes"[..], how.metadata));
        let error = bucket.read(&at, 4).await.unwrap_err();
        assert_eq!(error.trouble(), Trouble::TooLarge, "{error}");
        put(bucket, "empty", "").await;
        assert_eq!(text(bucket, "empty").await.as_deref(), Some(""));
    }
}

#[tokio::test]
async fn bytes_that_are_not_those_announced_are_refused() {
    let bed = bed::make().await;
    let directory = &bed.buckets[1];
    let how = Put { digest: Some(Digest::of(b"other")), ..Put::default() };
    let error = directory.put(&key("a"), Bytes::from_static(b"bytes"), &how).await.unwrap_err();
    assert_eq!(error.trouble(), Trouble::Changed, "{error}");
    assert_eq!(directory.head(&key("a")).await.unwrap(), None);
}

#[tokio::test]
async fn metadata_is_what_a_header_can_carry() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        for (name, value) in [("a", "é"), ("a", "x\n"), ("A", "x"), ("", "x"), ("a b", "x")] {
            let how = Put { metadata: told(&[(name, value)]), ..Put::default() };
            let error = bucket.put(&key("a"), Bytes::new(), &how).await.unwrap_err();
            assert_eq!(error.trouble(), Trouble::Refused, "{error}");
        }
        let how = Put { metadata: told(&[("a-1", "")]), ..Put::default() };
        assert!(bucket.put(&key("a"), Bytes::new(), &how).await.unwrap().is_yes());
    }
}

#[tokio::test]
async fn conditions_hold() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        let (at, one, two) = (key("m"), Bytes::from_static(b"one"), Bytes::from_static(b"two"));
        let absent = when(When::Absent);
        let first = bucket.put(&at, one.clone(), &absent).await.unwrap();
        let Written::Yes { etag } = first else { panic!("refused") };
        assert_eq!(bucket.put(&at, two.clone(), &absent).await.unwrap(), Written::Refused);
        assert_eq!(text(bucket, "m").await.as_deref(), Some("one"));
        let matches = |etag: &str| when(When::Matches(etag.to_owned()));
        let other = "0123456789abcdef0123456789abcdef";
        let refused = bucket.put(&at, two.clone(), &matches(other)).await.unwrap();
        assert_eq!(refused, Written::Refused);
        assert!(bucket.put(&at, two, &matches(&etag)).await.unwrap().is_yes());
        assert_eq!(text(bucket, "m").await.as_deref(), Some("two"));
    }
}

#[tokio::test]
async fn of_many_who_write_at_once_one_does() {
    let bed = bed::make().await;
    // moto looks first and writes second: it decides nothing between two.
    let bucket = &bed.buckets[1];
    let writers = (0..16).map(|number| {
        let bucket = bucket.clone();
        tokio::spawn(async move {
            let bytes = Bytes::from(format!("{number}"));
            bucket.put(&key("deep/m"), bytes, &when(When::Absent)).await.unwrap().is_yes()
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut won = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        if writer.await.unwrap() {
            won.push(number.to_string());
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(text(bucket, "deep/m").await.as_ref(), won.first());
}

#[tokio::test]
async fn ranges_are_of_the_object() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        put(bucket, "r", "0123456789").await;
        for (range, expected) in [(0..3, "012"), (7..10, "789"), (8..90, "89"), (4..4, "")] {
            let mut object = bucket.get(&key("r"), Some(range)).await.unwrap().unwrap();
            assert_eq!(object.attributes.size, 10);
            let mut bytes = Vec::new();
            while let Some(more) = object.body.next().await {
                bytes.extend_from_slice(&more.unwrap());
            }
            assert_eq!(bytes, expected.as_bytes());
        }
        assert!(bucket.get(&key("r"), Some(10..12)).await.is_err());
    }
}

#[tokio::test]
async fn copies_keep_or_replace_what_is_remembered() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        let how = Put {
            content_type: Some("application/zip".to_owned()),
            metadata: told(&[("commit-hash", "one")]),
            ..Put::default()
        };
        bucket.put(&key("from é"), Bytes::from_static(b"x"), &how).await.unwrap();
        let keep = Copy::default();
        assert!(bucket.copy(&key("from é"), &key("kept"), &keep).await.unwrap().is_yes());
        let replace = Copy { metadata: Some(told(&[("commit-hash", "two")])), ..Copy::default() };
        assert!(bucket.copy(&key("from é"), &key("replaced"), &replace).await.unwrap().is_yes());
        for (name, commit) in [("kept", "one"), ("replaced", "two")] {
            let head = bucket.head(&key(name)).await.unwrap().unwrap();
            assert_eq!(head.metadata, told(&[("commit-hash", commit)]), "{name}");
            assert_eq!(head.content_type.as_deref(), Some("application/zip"), "{name}");
            assert_eq!(text(bucket, name).await.as_deref(), Some("x"));
        }
        assert!(bucket.copy(&key("nothing"), &key("kept"), &keep).await.is_err());
    }
}

#[tokio::test]
async fn lists_have_every_object_in_order() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        for name in ["a/2", "a/1", "a-b", "a.b", "a/x/y", "b", "ab", "é"] {
            put(bucket, name, "x").await;
        }
        assert_eq!(names(bucket, "").await, ["a-b", "a.b", "a/1", "a/2", "a/x/y", "ab", "b", "é"]);
        assert_eq!(names(bucket, "a/").await, ["a/1", "a/2", "a/x/y"]);
        assert_eq!(names(bucket, "a").await, ["a-b", "a.b", "a/1", "a/2", "a/x/y", "ab"]);
        assert_eq!(names(bucket, "a/x").await, ["a/x/y"]);
        assert_eq!(names(bucket, "nothing/").await, [""; 0]);
        let listed = bucket.list("a-").all(1).await.unwrap();
        let head = bucket.head(&key("a-b")).await.unwrap().unwrap();
        assert_eq!((listed[0].size, &listed[0].etag), (1, &head.etag));
        assert!(bucket.list("").all(7).await.is_err());
    }
}

#[tokio::test]
async fn lists_and_deletions_go_beyond_a_page() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        let all: Vec<Key> = (0..1001).map(|number| key(&format!("many/{number:04}"))).collect();
        for some in all.chunks(50) {
            let writes = some.iter().map(|at| {
                let (bucket, at) = (bucket.clone(), at.clone());
                tokio::spawn(async move {
                    bucket.put(&at, Bytes::from_static(b"x"), &Put::default()).await.unwrap()
                })
            });
            for write in writes.collect::<Vec<_>>() {
                write.await.unwrap();
            }
        }
        let mut listing = bucket.list("many/");
        let mut pages = Vec::new();
        while let Some(page) = listing.next_page().await.unwrap() {
            pages.push(page.len());
        }
        assert_eq!(pages, [1000, 1]);
        assert_eq!(names(bucket, "many/").await.last().unwrap(), "many/1000");
        bucket.delete(&all).await.unwrap();
        assert_eq!(names(bucket, "").await, [""; 0]);
        bucket.delete(&all[..2]).await.unwrap();
    }
}

#[tokio::test]
async fn below_a_prefix_nothing_else_is_seen() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        let (one, two) = (bucket.with_prefix("p/one").unwrap(), bucket.with_prefix("p").unwrap());
        put(&one, "m", "1").await;
        put(&two, "m", "2").await;
        put(bucket, "p/one-more", "3").await;
        assert_eq!(text(&one, "m").await.as_deref(), Some("1"));
        assert_eq!(names(&one, "").await, ["m"]);
        assert_eq!(names(&two, "").await, ["m", "one-more", "one/m"]);
        assert_eq!(one.with_prefix("x").unwrap().name(), format!("{}/p/one/x", bucket.name()));
        assert!(bucket.with_prefix("../p").is_err());
    }
}

#[tokio::test]
async fn folders_are_told_without_their_objects() {
    let bed = bed::make().await;
    for bucket in &bed.buckets {
        for name in ["a/main/commits/1.json", "a/main/blobs/x", "a/pr/uses/1", "b/c", "top"] {
            put(bucket, name, "x").await;
        }
        assert_eq!(bucket.folders("").await.unwrap(), ["a", "b"], "{}", bucket.name());
        assert_eq!(bucket.folders("a").await.unwrap(), ["main", "pr"]);
        assert_eq!(bucket.folders("a/main").await.unwrap(), ["blobs", "commits"]);
        assert!(bucket.folders("a/main/commits").await.unwrap().is_empty());
        assert!(bucket.folders("none").await.unwrap().is_empty());
        let below = bucket.with_prefix("a").unwrap();
        assert_eq!(below.folders("").await.unwrap(), ["main", "pr"]);
        assert_eq!(below.folders("pr").await.unwrap(), ["uses"]);
    }
}
