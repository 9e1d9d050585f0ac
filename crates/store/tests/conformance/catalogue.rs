//! Images, artifacts, services.

use portolan_model::{Digest, EventId, Platform};
use portolan_store::{
    ArtifactFilter, Child, FileRecord, ImageKind, ImageState, Page, ScannedImage, Store,
};

use crate::bed::{Bed, at, change};
use crate::files::{begin, file, finish, put_image};

crate::on_both_engines!(
    an_image_waits_fails_and_is_scanned,
    an_index_shows_the_files_of_its_images,
    services_come_from_their_newest_image,
    what_a_scan_found_is_read_back,
);

async fn see(store: &Store, repository: &str, tag: &str, image: &str, when: i64) {
    let (repository, tag) = (repository.parse().unwrap(), tag.parse().unwrap());
    let digest = Digest::of(image.as_bytes());
    let event = EventId::new(store.ids());
    change!(store, |tx| {
        tx.move_tag(&repository, &tag, Some(digest), at(when), event).await?;
        tx.see_image(&repository, &digest, "m", ImageKind::Image, at(when)).await
    });
}

async fn scanned(store: &Store, image: &str, kind: ImageKind, found: ScannedImage, now: i64) {
    let digest = Digest::of(image.as_bytes());
    change!(store, |tx| tx.put_scanned_image(&digest, kind, &found, at(now)).await);
}

async fn an_image_waits_fails_and_is_scanned(bed: Bed) {
    let store = &bed.store;
    see(store, "a/b", "1", "i", 5).await;
    let digest = Digest::of(b"i");
    assert_eq!(store.image(&digest).await.unwrap().unwrap().state, ImageState::Pending);
    let artifact =
        async || store.artifact(&"a/b".parse().unwrap(), &"1".parse().unwrap()).await.unwrap();
    assert!(artifact().await.is_none(), "hidden until it is scanned");
    change!(store, |tx| tx.image_failed(&digest, "layer 1 is truncated", at(6)).await);
    let image = store.image(&digest).await.unwrap().unwrap();
    assert_eq!(
        (image.state, image.error.as_deref()),
        (ImageState::Failed, Some("layer 1 is truncated"))
    );
    scanned(store, "i", ImageKind::Image, ScannedImage::default(), 7).await;
    scanned(store, "i", ImageKind::Image, ScannedImage::default(), 8).await;
    let image = store.image(&digest).await.unwrap().unwrap();
    assert_eq!((image.state, image.error), (ImageState::Scanned, None));
    assert_eq!((image.first_scanned_at, image.scanned_at), (Some(at(7)), Some(at(8))));
    let artifact = artifact().await.unwrap();
    assert_eq!(
        (artifact.digest, artifact.tagged_at, artifact.first_scanned_at),
        (digest, at(5), at(7))
    );
    assert_eq!(store.repositories_of(&digest).await.unwrap().len(), 1);
    scanned(store, "i", ImageKind::Artifact, ScannedImage::default(), 9).await;
    assert_eq!(store.artifacts(&ArtifactFilter::default(), Page::ALL).await.unwrap().total, 0);
}

async fn an_index_shows_the_files_of_its_images(bed: Bed) {
    let store = &bed.store;
    for (layer, path) in [("l1", "app/package.json"), ("l2", "app/package-lock.json")] {
        let scan = begin(store, layer, vec![FileRecord { kept: true, ..file(path) }]).await;
        finish(store, layer, scan, "k").await;
    }
    let children =
        [put_image(store, "amd64", &["l1"]).await, put_image(store, "arm64", &["l1", "l2"]).await];
    see(store, "a", "1", "index", 5).await;
    let child = |digest| Child {
        digest,
        media_type: "m".into(),
        size: 7,
        platform: Some(Platform::default()),
    };
    let found = ScannedImage { children: children.map(child).to_vec(), ..ScannedImage::default() };
    scanned(store, "index", ImageKind::Index, found.clone(), 9).await;
    let artifact =
        store.artifact(&"a".parse().unwrap(), &"1".parse().unwrap()).await.unwrap().unwrap();
    let files: Vec<_> = artifact.files.iter().map(|f| (f.path.as_str(), f.layer)).collect();
    let (l1, l2) = (Digest::of(b"l1"), Digest::of(b"l2"));
    assert_eq!(files, [("app/package-lock.json", l2), ("app/package.json", l1)]);
    assert_eq!(artifact.kind, ImageKind::Index);
    let image = store.image(&artifact.digest).await.unwrap().unwrap();
    assert_eq!(image.found.children, found.children);
    assert_eq!(store.image_file_count(&artifact.digest).await.unwrap(), 1);
}

async fn services_come_from_their_newest_image(bed: Bed) {
    let store = &bed.store;
    for (repository, tag, image, when, service) in [
        ("old/name", "1.0.0", "i1", 10, Some("orders")),
        ("new/name", "2.0.0", "i2", 20, Some("orders")),
        ("other", "1", "i3", 30, Some("Mailer")),
        ("tool", "1", "i4", 40, None),
    ] {
        see(store, repository, tag, image, when).await;
        let found = ScannedImage {
            service_name: service.map(str::to_owned),
            source_url: Some(format!("https://git.example/{repository}")),
            ..ScannedImage::default()
        };
        scanned(store, image, ImageKind::Image, found, 50).await;
    }
    let services = store.services(None).await.unwrap();
    let orders = services.iter().find(|service| service.name == "orders").unwrap();
    assert_eq!((services.len(), orders.repository.as_str()), (2, "new/name"));
    assert_eq!(orders.source_url.as_deref(), Some("https://git.example/new/name"));
    assert_eq!(store.services(Some("orders")).await.unwrap(), std::slice::from_ref(orders));
    assert!(store.services(Some("none")).await.unwrap().is_empty());
    assert_eq!(store.artifact_repositories().await.unwrap().len(), 4);
    let tags = store.artifact_tags(&"tool".parse().unwrap()).await.unwrap();
    assert_eq!(tags, [("1".parse().unwrap(), at(40))]);
    let summaries = store.image_summaries("name", Page::ALL).await.unwrap();
    let names: Vec<_> = summaries.items.iter().map(|s| (s.repository.as_str(), s.tags)).collect();
    assert_eq!((summaries.total, names), (2, vec![("new/name", 1), ("old/name", 1)]));
    assert_eq!(summaries.items[0].updated_at, Some(at(20)));
}

async fn what_a_scan_found_is_read_back(bed: Bed) {
    let store = &bed.store;
    see(store, "a", "1", "i", 5).await;
    let found = ScannedImage {
        scan_key: Some(Digest::of(b"key")),
        config_digest: Some(Digest::of(b"config")),
        created_at: Some(at(-5)),
        platform: Some("linux/arm/v7".parse().unwrap()),
        service_name: Some("s".into()),
        source_url: Some("u".into()),
        revision: Some("r".into()),
        labels: [("k".to_owned(), "é\u{202e}".to_owned())].into(),
        config: serde_json::json!({"Env": ["A=b"]}),
        compressed_bytes: 1 << 40,
        raw_bytes: 1 << 41,
        ..ScannedImage::default()
    };
    scanned(store, "i", ImageKind::Image, found.clone(), 9).await;
    assert_eq!(store.image(&Digest::of(b"i")).await.unwrap().unwrap().found, found);
    let content = b"{}".to_vec();
    let digest = Digest::of(&content);
    let bytes = content.clone();
    change!(store, |tx| {
        tx.put_content(&digest, bytes.clone()).await?;
        tx.put_content(&digest, bytes).await
    });
    assert_eq!(store.content(&digest).await.unwrap(), Some(content));
    assert_eq!(change!(store, |tx| tx.remove_orphan_contents().await), 1);
    assert_eq!(store.content(&digest).await.unwrap(), None);
}
