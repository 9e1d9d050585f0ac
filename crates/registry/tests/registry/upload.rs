//! Uploads: chunks, resuming, and what must not mix.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use portolan_model::{Digest, Limits};
use portolan_registry::{ChunkRange, RegistryError};
use tokio::sync::mpsc;

use crate::bed::{Bed, body, name, push};

#[expect(clippy::unnecessary_wraps, reason = "it stands where a chunk's range does")]
fn range(start: u64, end: u64) -> Option<ChunkRange> {
    Some(ChunkRange { start, end })
}

#[tokio::test]
async fn an_upload_goes_on_in_another_process_and_after_a_restart() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    assert_eq!(bed.registry.upload_size(&shop, id).await.unwrap(), 0);
    assert_eq!(bed.registry.append(&shop, id, None, body(&[b"one ", b"two "])).await.unwrap(), 8);
    let other = bed.another().await;
    assert_eq!(other.append(&shop, id, range(8, 13), body(&[b"three "])).await.unwrap(), 14);
    // The first process remembers the digest of 8 bytes, and must not believe itself.
    let digest = Digest::of(b"one two three four");
    let size = bed.registry.finish_upload(&shop, id, digest, range(14, 17), body(&[b"four"])).await;
    assert_eq!(size.unwrap(), 18);
    assert_eq!(bed.registry.blob(&shop, digest).await.unwrap().size(), 18);
    assert_eq!(bed.files("uploads"), (0, 0));
    assert!(matches!(other.upload_size(&shop, id).await, Err(RegistryError::UploadUnknown { .. })));
}

#[tokio::test]
async fn a_chunk_must_be_what_it_says_and_where_it_says() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    bed.registry.append(&shop, id, range(0, 3), body(&[b"abcd"])).await.unwrap();
    for start in [0, 3, 5] {
        let error = bed.registry.append(&shop, id, range(start, 9), body(&[b"x"])).await;
        assert!(matches!(error, Err(RegistryError::ChunkOrder { size: 4, .. })), "{start}");
    }
    for chunk in [&b"ef"[..], b"efgh"] {
        let error = bed.registry.append(&shop, id, range(4, 6), body(&[chunk])).await;
        assert!(matches!(error, Err(RegistryError::ChunkLength { declared: 3, .. })));
        assert_eq!(bed.registry.upload_size(&shop, id).await.unwrap(), 4, "it was taken back");
    }
    let digest = Digest::of(b"abcdefg");
    bed.registry.finish_upload(&shop, id, digest, range(4, 6), body(&[b"efg"])).await.unwrap();
}

#[tokio::test]
async fn what_arrived_before_a_break_is_kept() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    let broken = futures::stream::iter([
        Ok(Bytes::from_static(b"half ")),
        Err(io::Error::from(io::ErrorKind::ConnectionReset)),
    ]);
    let error = bed.registry.append(&shop, id, None, broken).await.unwrap_err();
    assert!(matches!(error, RegistryError::Body(_)));
    assert_eq!(bed.registry.upload_size(&shop, id).await.unwrap(), 5);
    let digest = Digest::of(b"half and half");
    bed.registry.finish_upload(&shop, id, digest, None, body(&[b"and half"])).await.unwrap();
}

#[tokio::test]
async fn a_wrong_digest_ends_the_upload_and_makes_no_blob() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    let digest = Digest::of(b"right");
    let error = bed.registry.finish_upload(&shop, id, digest, None, body(&[b"wrong"])).await;
    assert!(
        matches!(error, Err(RegistryError::DigestMismatch { expected, .. }) if expected == digest)
    );
    assert!(bed.registry.blob(&shop, digest).await.is_err());
    assert!(bed.registry.push_blob(&shop, digest, body(&[b"wrong"])).await.is_err());
    assert_eq!((bed.files("uploads"), bed.files("blobs")), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn the_session_of_another_repository_is_unknown() {
    let bed = Bed::sqlite().await;
    let (shop, thief) = (name("shop"), name("thief"));
    let id = bed.registry.start_upload(&shop).await.unwrap();
    bed.registry.append(&shop, id, None, body(&[b"secret"])).await.unwrap();
    let digest = Digest::of(b"secret");
    let unknown = |result: Result<u64, RegistryError>| {
        assert!(matches!(result, Err(RegistryError::UploadUnknown { .. })));
    };
    unknown(bed.registry.upload_size(&thief, id).await);
    unknown(bed.registry.append(&thief, id, None, body(&[b"x"])).await);
    unknown(bed.registry.finish_upload(&thief, id, digest, None, body(&[])).await);
    unknown(bed.registry.cancel_upload(&thief, id).await.map(|()| 0));
    bed.registry.finish_upload(&shop, id, digest, None, body(&[])).await.unwrap();
}

/// A body that the test feeds.
fn fed()
-> (mpsc::UnboundedSender<Bytes>, impl futures::Stream<Item = Result<Bytes, Infallible>> + Send) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures::stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|part| (Ok(part), receiver))
    });
    (sender, stream.boxed())
}

#[tokio::test]
async fn two_writers_never_mix_and_nothing_is_appended_to_a_blob() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    let digest = Digest::of(b"slow");
    let (sender, slow) = fed();
    sender.send(Bytes::from_static(b"sl")).unwrap();
    let (registry, repository) = (bed.registry.clone(), shop.clone());
    let finishing =
        tokio::spawn(
            async move { registry.finish_upload(&repository, id, digest, None, slow).await },
        );
    tokio::time::sleep(Duration::from_millis(100)).await;
    let other = bed.another().await;
    let busy = other.append(&shop, id, None, body(&[b"fast"])).await;
    assert!(matches!(busy, Err(RegistryError::UploadBusy(_))), "{busy:?}");
    // This one waits for the lock, and gets it when the file is a blob already.
    let waiting = tokio::spawn(async move { other.append(&shop, id, None, body(&[b"x"])).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    sender.send(Bytes::from_static(b"ow")).unwrap();
    drop(sender);
    assert_eq!(finishing.await.unwrap().unwrap(), 4);
    let late = waiting.await.unwrap();
    assert!(matches!(late, Err(RegistryError::UploadUnknown { .. })), "{late:?}");
    assert_eq!(bed.files("blobs"), (1, 4));
}

#[tokio::test]
async fn who_asked_may_go_away() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    let digest = Digest::of(b"all of it");
    let (sender, slow) = fed();
    let asked = bed.registry.finish_upload(&shop, id, digest, None, slow);
    assert!(tokio::time::timeout(Duration::from_millis(50), asked).await.is_err());
    sender.send(Bytes::from_static(b"all of it")).unwrap();
    drop(sender);
    for _ in 0..100 {
        if bed.registry.blob(&shop, digest).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the blob never came to be");
}

#[tokio::test]
async fn uploads_expire_and_are_bounded_in_size() {
    let bed = Bed::sqlite().await;
    let shop = name("shop");
    let id = bed.registry.start_upload(&shop).await.unwrap();
    bed.registry.append(&shop, id, None, body(&[b"left behind"])).await.unwrap();
    bed.later(Duration::from_hours(23));
    bed.registry.start_upload(&shop).await.unwrap();
    assert_eq!(bed.registry.upload_size(&shop, id).await.unwrap(), 11);
    bed.later(Duration::from_hours(2));
    bed.registry.start_upload(&shop).await.unwrap();
    assert!(bed.registry.upload_size(&shop, id).await.is_err());

    let small = bed.limited(Limits { layer_raw_bytes: 10, ..Limits::default() }).await;
    let exact = push(&small, "shop", b"0123456789").await;
    assert_eq!(small.blob(&shop, exact).await.unwrap().size(), 10);
    let over = small.push_blob(&shop, Digest::of(b"01234567890"), body(&[b"01234567890"])).await;
    assert!(matches!(over, Err(RegistryError::BlobTooLarge { limit: 10 })));
}
