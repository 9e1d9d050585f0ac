//! Blobs and what collects them.

use portolan_model::{Digest, RepositoryName};
use portolan_store::{ManifestPart, NewManifest, Store};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_blob_is_read_where_it_is_linked,
    garbage_is_what_nothing_refers_to,
    untagged_manifests_go_only_when_nothing_keeps_them,
);

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

async fn put(store: &Store, repository: &str, content: &str, now: i64) -> Digest {
    let (digest, repository) = (Digest::of(content.as_bytes()), name(repository));
    let size = content.len() as u64;
    change!(store, |tx| {
        tx.lock_blob(&digest).await?;
        tx.put_blob(&digest, size, at(now)).await?;
        assert!(tx.link_blob(&repository, &digest, at(now)).await?);
        Ok(())
    });
    digest
}

fn manifest(content: &str, parts: Vec<ManifestPart>, subject: Option<Digest>) -> NewManifest {
    NewManifest {
        digest: Digest::of(content.as_bytes()),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        bytes: content.as_bytes().to_vec(),
        subject,
        artifact_type: None,
        annotations: serde_json::Map::new(),
        parts,
    }
}

async fn put_manifest(store: &Store, manifest: NewManifest, tag: Option<&str>, now: i64) -> Digest {
    let (digest, repository) = (manifest.digest, name("a"));
    let tag = tag.map(|tag| tag.parse().unwrap());
    change!(store, |tx| {
        assert_eq!(tx.missing_parts(&repository, &manifest.parts).await?, []);
        tx.put_manifest(&repository, &manifest, at(now)).await?;
        if let Some(tag) = tag {
            tx.put_registry_tag(&repository, &tag, &manifest.digest, at(now)).await?;
        }
        Ok(())
    });
    digest
}

fn blob(digest: Digest) -> ManifestPart {
    ManifestPart { digest, is_manifest: false }
}

async fn a_blob_is_read_where_it_is_linked(bed: Bed) {
    let store = &bed.store;
    let digest = put(store, "a", "x", 1).await;
    assert_eq!(store.repository_blob(&name("a"), &digest).await.unwrap(), Some((1, at(1))));
    assert_eq!(store.repository_blob(&name("b"), &digest).await.unwrap(), None);
    assert!(change!(store, |tx| tx.link_blob(&name("b"), &digest, at(2)).await));
    assert_eq!(store.repository_blob(&name("b"), &digest).await.unwrap(), Some((1, at(2))));
    let unknown = Digest::of(b"unknown");
    assert!(!change!(store, |tx| tx.link_blob(&name("b"), &unknown, at(2)).await));
    assert_eq!(store.blob_totals().await.unwrap(), (1, 1));
    assert!(change!(store, |tx| tx.unlink_blob(&name("b"), &digest).await));
    assert_eq!(store.repository_blob(&name("b"), &digest).await.unwrap(), None);
}

async fn garbage_is_what_nothing_refers_to(bed: Bed) {
    let store = &bed.store;
    let used = put(store, "a", "used", 1).await;
    let unused = put(store, "a", "unused", 1).await;
    let fresh = put(store, "a", "fresh", 50).await;
    put_manifest(store, manifest("m", vec![blob(used)], None), Some("1"), 1).await;
    let planned = store.unreferenced_blobs(at(10)).await.unwrap();
    assert_eq!(planned.iter().map(|blob| blob.digest).collect::<Vec<_>>(), [unused]);
    let removed = change!(store, |tx| {
        tx.unlink_unreferenced_blobs(at(10)).await?;
        tx.remove_unlinked_blobs(at(10)).await
    });
    assert_eq!(removed, planned);
    assert_eq!(store.blob_size(&fresh).await.unwrap(), Some(5));
    assert!(!change!(store, |tx| tx.blob_exists(&unused).await));
    // Without its manifest the rest of it goes too.
    let digest = Digest::of(b"m");
    let gone = change!(store, |tx| tx.remove_manifest(&name("a"), &digest).await);
    assert_eq!(gone, Some(vec!["1".to_owned()]));
    assert_eq!(change!(store, |tx| tx.remove_manifest(&name("a"), &digest).await), None);
    let removed = change!(store, |tx| {
        assert_eq!(tx.remove_orphan_manifests().await?, 1);
        tx.unlink_unreferenced_blobs(at(100)).await?;
        tx.remove_unlinked_blobs(at(100)).await
    });
    assert_eq!(removed.len(), 2);
    assert_eq!(store.blob_totals().await.unwrap(), (0, 0));
}

async fn untagged_manifests_go_only_when_nothing_keeps_them(bed: Bed) {
    let store = &bed.store;
    let child = put_manifest(store, manifest("child", vec![], None), None, 1).await;
    let part = ManifestPart { digest: child, is_manifest: true };
    let index = put_manifest(store, manifest("index", vec![part], None), Some("1"), 1).await;
    let signature = put_manifest(store, manifest("signature", vec![], Some(index)), None, 1).await;
    let loose = put_manifest(store, manifest("loose", vec![], None), None, 1).await;
    let young = put_manifest(store, manifest("young", vec![], None), None, 90).await;
    assert_eq!(change!(store, |tx| tx.remove_untagged_manifests(at(10)).await), 1);
    for (digest, stays) in
        [(child, true), (index, true), (signature, true), (loose, false), (young, true)]
    {
        assert_eq!(store.manifest(&name("a"), &digest).await.unwrap().is_some(), stays);
    }
}
