//! Blobs: stored once, read by those who may.

use std::time::Duration;

use futures::StreamExt as _;
use portolan_model::Digest;
use portolan_registry::RegistryError;

use crate::bed::{Bed, name, on_both_engines, push};

on_both_engines!(equal_bytes_are_stored_once_and_each_repository_lets_go_alone, |bed| {
    let digest = push(&bed.registry, "one", b"same bytes").await;
    assert_eq!(push(&bed.registry, "two", b"same bytes").await, digest);
    assert_eq!(push(&bed.registry, "one", b"same bytes").await, digest);
    assert_eq!(bed.files("blobs"), (1, 10));
    assert_eq!(bed.store.blob_totals().await.unwrap(), (1, 10));
    bed.registry.delete_blob(&name("one"), digest).await.unwrap();
    let gone = bed.registry.blob(&name("one"), digest).await.unwrap_err();
    assert!(matches!(gone, RegistryError::BlobUnknown { .. }));
    assert!(bed.registry.delete_blob(&name("one"), digest).await.is_err());
    let blob = bed.registry.blob(&name("two"), digest).await.unwrap();
    let parts: Vec<_> = blob.read(5..99).map(Result::unwrap).collect().await;
    assert_eq!(parts.concat(), b"bytes");
});

on_both_engines!(a_mount_needs_a_source_that_has_the_blob, |bed| {
    let digest = push(&bed.registry, "source", b"layer").await;
    let (source, other) = (name("source"), name("other"));
    let wrong = name("wrong");
    assert!(!bed.registry.mount_blob(&other, digest, &wrong).await.unwrap());
    assert!(!bed.registry.mount_blob(&other, Digest::of(b"?"), &source).await.unwrap());
    assert!(bed.registry.blob(&other, digest).await.is_err());
    assert!(bed.registry.mount_blob(&other, digest, &source).await.unwrap());
    assert_eq!(bed.registry.probe_blob(&other, digest).await.unwrap(), 5);
});

on_both_engines!(asking_for_an_old_blob_restarts_its_grace, |bed| {
    let digest = push(&bed.registry, "shop", b"old").await;
    let shop = name("shop");
    let linked = async || bed.store.repository_blob(&shop, &digest).await.unwrap().unwrap().1;
    let pushed = linked().await;
    bed.registry.probe_blob(&shop, digest).await.unwrap();
    assert_eq!(linked().await, pushed, "it was linked a moment ago");
    bed.later(Duration::from_mins(11));
    bed.registry.probe_blob(&shop, digest).await.unwrap();
    assert!(linked().await > pushed);
});

on_both_engines!(bytes_that_were_lost_are_healed_by_the_next_push, |bed| {
    let digest = push(&bed.registry, "shop", b"precious").await;
    let (first, hex) = (&digest.hex()[..2], digest.hex());
    let path = bed.dir.path().join("blobs/sha256").join(first).join(hex);
    std::fs::remove_file(&path).unwrap();
    let error = bed.registry.blob(&name("shop"), digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::BlobUnknown { .. }));
    push(&bed.registry, "shop", b"precious").await;
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
});
