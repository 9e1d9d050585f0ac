//! Manifests and tags: what is checked, what is written down, what is read when.

use std::time::Duration;

use portolan_model::{Digest, EventKind, media};
use portolan_oci::ManifestError;
use portolan_registry::{Registry, RegistryError};
use portolan_store::Engine;
use portolan_testkit::{Image, Index, Layer};

use crate::bed::{Bed, image, name, on_both_engines, push, push_image, push_manifest, target};

async fn events(bed: &Bed) -> Vec<EventKind> {
    let all = bed.store.journal_after(None, 100).await.unwrap();
    assert!(all.iter().all(|entry| entry.source == "registry"));
    all.iter().map(|entry| entry.raw().event().unwrap()).collect()
}

async fn digest_of(registry: &Registry, reference: &str) -> Option<Digest> {
    registry.manifest(&name("shop"), &target(reference)).await.ok().map(|found| found.digest)
}

on_both_engines!(a_push_is_refused_until_all_parts_are_there_and_then_is_an_event, |bed| {
    let image = image(&["lower", "upper"]);
    let pushed = push(&bed.registry, "shop", &image.layers[0].bytes).await;
    // Another repository's blob is not this one's.
    push(&bed.registry, "other", &image.layers[1].bytes).await;
    let error = push_manifest(&bed.registry, "shop", "1", &image).await.unwrap_err();
    let RegistryError::PartsUnknown { parts, .. } = error else { panic!("{error}") };
    let missing: Vec<_> = parts.iter().map(|part| part.digest).collect();
    assert_eq!(missing.len(), 2);
    assert!(!missing.contains(&pushed) && missing.contains(&image.config.digest()));
    assert_eq!((events(&bed).await, digest_of(&bed.registry, "1").await), (vec![], None));

    let mut wakes = bed.store.journal_wakes();
    wakes.mark_unchanged();
    push_image(&bed.registry, "shop", "1", &image).await;
    assert!(wakes.has_changed().unwrap());
    push_manifest(&bed.registry, "shop", "1", &image).await.unwrap();
    let event = EventKind::ImagePushed {
        repository: name("shop"),
        tag: Some("1".parse().unwrap()),
        digest: image.digest(),
    };
    assert_eq!(events(&bed).await, [event.clone(), event], "each push is an event");
    let kept = bed.registry.manifest(&name("shop"), &target("1")).await.unwrap();
    assert_eq!(kept.bytes, image.manifest.bytes);
    assert_eq!(kept.media_type, media::OCI_MANIFEST);
});

on_both_engines!(an_index_needs_its_manifests_and_foreign_layers_need_nothing, |bed| {
    let foreign = Layer::plain(b"elsewhere".to_vec()).media_type(media::DOCKER_LAYER_FOREIGN);
    let windows = Image::builder().platform("windows/amd64").layer(foreign).build();
    let linux = image(&["here"]);
    let index = Index::of(vec![windows.clone(), linux.clone()]);
    let put = async || {
        let bytes = index.manifest.bytes.clone().into();
        bed.registry.put_manifest(&name("shop"), &target("many"), None, bytes).await
    };
    push(&bed.registry, "shop", &windows.config.bytes).await;
    push_manifest(&bed.registry, "shop", &windows.digest().to_string(), &windows).await.unwrap();
    let Err(RegistryError::PartsUnknown { parts, .. }) = put().await else { panic!("a child") };
    assert_eq!(parts.iter().map(|part| part.digest).collect::<Vec<_>>(), [linux.digest()]);
    push_image(&bed.registry, "shop", "linux", &linux).await;
    assert_eq!(put().await.unwrap().digest, index.digest());
});

on_both_engines!(what_is_not_a_manifest_or_not_the_one_announced_is_refused, |bed| {
    let image = image(&["x"]);
    push_image(&bed.registry, "shop", "ok", &image).await;
    let put = async |reference: String, content_type, bytes: Vec<u8>| {
        let target = target(&reference);
        bed.registry.put_manifest(&name("shop"), &target, content_type, bytes.into()).await
    };
    let bytes = image.manifest.bytes.clone();
    let error = put(Digest::of(b"other").to_string(), None, bytes.clone()).await.unwrap_err();
    assert!(matches!(error, RegistryError::DigestMismatch { .. }));
    let error = put("1".into(), Some(media::OCI_INDEX), bytes.clone()).await.unwrap_err();
    assert!(matches!(error, RegistryError::ManifestInvalid(ManifestError::Disagree { .. })));
    let error = put("1".into(), None, b"{\"schemaVersion\": 2, \xff}".to_vec()).await.unwrap_err();
    assert!(matches!(error, RegistryError::ManifestInvalid(ManifestError::NotUtf8)));
    assert_eq!(events(&bed).await.len(), 1);
});

on_both_engines!(a_moved_tag_is_seen_at_once_and_from_another_process_soon, |bed| {
    let (old, new) = (image(&["old"]), image(&["new"]));
    let other = bed.another().await;
    push_image(&bed.registry, "shop", "latest", &old).await;
    assert_eq!(digest_of(&bed.registry, "latest").await, Some(old.digest()));
    assert_eq!(digest_of(&other, "latest").await, Some(old.digest()));
    push_image(&bed.registry, "shop", "latest", &new).await;
    assert_eq!(digest_of(&bed.registry, "latest").await, Some(new.digest()));
    if bed.store.engine() == Engine::Sqlite {
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    assert_eq!(digest_of(&other, "latest").await, Some(new.digest()));
    assert_eq!(digest_of(&other, &old.digest().to_string()).await, Some(old.digest()));
});

on_both_engines!(deleting_says_so_in_the_journal_and_is_seen_at_once, |bed| {
    let image = image(&["x"]);
    let shop = name("shop");
    push_image(&bed.registry, "shop", "a", &image).await;
    push_image(&bed.registry, "shop", "b", &image).await;
    assert_eq!(digest_of(&bed.registry, "a").await, Some(image.digest()));
    bed.registry.delete_manifest(&shop, &target("a")).await.unwrap();
    assert_eq!(digest_of(&bed.registry, "a").await, None);
    assert_eq!(digest_of(&bed.registry, "b").await, Some(image.digest()));
    bed.registry.delete_manifest(&shop, &target(&image.digest())).await.unwrap();
    assert_eq!(digest_of(&bed.registry, "b").await, None);
    assert_eq!(digest_of(&bed.registry, &image.digest().to_string()).await, None);
    for gone in [target("a"), target(&image.digest())] {
        let error = bed.registry.delete_manifest(&shop, &gone).await.unwrap_err();
        assert!(matches!(error, RegistryError::ManifestUnknown { .. }));
    }
    let deleted = events(&bed).await.split_off(2);
    assert_eq!(
        deleted,
        [
            EventKind::TagDeleted { repository: shop.clone(), tag: "a".parse().unwrap() },
            EventKind::ImageDeleted { repository: shop, digest: image.digest() },
        ]
    );
});
