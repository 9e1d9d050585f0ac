//! Manifests, registry tags, referrers, repositories.

use portolan_model::{Digest, RepositoryName, Tag};
use portolan_store::{ManifestPart, NewManifest};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_manifest_is_found_by_tag_and_digest,
    lists_are_in_byte_order_and_paged,
    referrers_name_their_subject
);

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn manifest(content: &str, subject: Option<Digest>) -> NewManifest {
    let mut annotations = serde_json::Map::new();
    annotations.insert("k".into(), "v".into());
    NewManifest {
        digest: Digest::of(content.as_bytes()),
        media_type: "application/vnd.oci.image.index.v1+json".into(),
        bytes: content.as_bytes().to_vec(),
        subject,
        artifact_type: subject.map(|_| "application/x-signature".into()),
        annotations,
        parts: vec![],
    }
}

async fn put(bed: &Bed, repository: &str, tags: &[&str], manifest: NewManifest) {
    let repository = name(repository);
    let tags: Vec<Tag> = tags.iter().map(|tag| tag.parse().unwrap()).collect();
    change!(bed.store, |tx| {
        tx.put_manifest(&repository, &manifest, at(1)).await?;
        for tag in tags {
            tx.put_registry_tag(&repository, &tag, &manifest.digest, at(1)).await?;
        }
        Ok(())
    });
}

async fn a_manifest_is_found_by_tag_and_digest(bed: Bed) {
    let store = &bed.store;
    put(&bed, "a/b", &["1", "latest"], manifest("m", None)).await;
    let (digest, tag) = (Digest::of(b"m"), "1".parse().unwrap());
    for found in [
        store.manifest(&name("a/b"), &digest).await.unwrap().unwrap(),
        store.tagged_manifest(&name("a/b"), &tag).await.unwrap().unwrap(),
    ] {
        assert_eq!((found.digest, found.bytes.as_slice()), (digest, b"m".as_slice()));
        assert_eq!(found.media_type, "application/vnd.oci.image.index.v1+json");
    }
    assert!(store.manifest(&name("a"), &digest).await.unwrap().is_none(), "not of this repository");
    put(&bed, "a/b", &["1"], manifest("n", None)).await;
    assert_eq!(store.registry_tag(&name("a/b"), &tag).await.unwrap(), Some(Digest::of(b"n")));
    let removed = tag.clone();
    assert!(change!(store, |tx| tx.remove_registry_tag(&name("a/b"), &removed).await));
    assert_eq!(store.registry_tag(&name("a/b"), &tag).await.unwrap(), None);
    let missing = ManifestPart { digest: Digest::of(b"?"), is_manifest: true };
    let there = ManifestPart { digest, is_manifest: true };
    let parts = [missing, there];
    assert_eq!(change!(store, |tx| tx.missing_parts(&name("a/b"), &parts).await), [missing]);
}

async fn lists_are_in_byte_order_and_paged(bed: Bed) {
    let store = &bed.store;
    put(&bed, "b", &["Z", "a", "_", "10", "9"], manifest("m", None)).await;
    put(&bed, "a-b", &[], manifest("m", None)).await;
    put(&bed, "a/b", &[], manifest("m", None)).await;
    change!(store, |tx| tx.ensure_repository(&name("empty"), at(1)).await);
    let repositories = store.repositories(None, 10).await.unwrap();
    assert_eq!(repositories, [name("a-b"), name("a/b"), name("b")]);
    assert_eq!(store.repositories(Some("a-b"), 1).await.unwrap(), [name("a/b")]);
    let tags = store.registry_tags(&name("b"), None, 100).await.unwrap();
    assert_eq!(tags, ["10", "9", "Z", "_", "a"]);
    assert_eq!(store.registry_tags(&name("b"), Some("9"), 2).await.unwrap(), ["Z", "_"]);
    assert_eq!(store.registry_tags(&name("b"), Some("zzz"), 2).await.unwrap().len(), 0);
}

async fn referrers_name_their_subject(bed: Bed) {
    let subject = Digest::of(b"subject");
    put(&bed, "a", &[], manifest("signature", Some(subject))).await;
    put(&bed, "a", &[], manifest("other", None)).await;
    let referrers = bed.store.referrers(&name("a"), &subject).await.unwrap();
    assert_eq!(referrers.len(), 1);
    assert_eq!((referrers[0].digest, referrers[0].size), (Digest::of(b"signature"), 9));
    assert_eq!(referrers[0].artifact_type.as_deref(), Some("application/x-signature"));
    assert_eq!(referrers[0].annotations["k"], "v");
    assert!(bed.store.referrers(&name("b"), &subject).await.unwrap().is_empty());
}
