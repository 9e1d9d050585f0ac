//! Scanning whole images: what is recorded, what is refused, what is read once.

use portolan_catalogue::{CatalogueError, Rule, Rules, ScanOptions};
use portolan_model::{Digest, FileKind, Target, media};
use portolan_store::{FileFilter, ImageKind, ImageState};
use portolan_testkit::image::Content as Made;
use portolan_testkit::tar::{Entry, archive};
use portolan_testkit::{Image, Index, Layer};
use serde_json::json;

use crate::shelf::{Shelf, name};
use crate::support::World;

fn layer(entries: &[Entry]) -> Layer {
    Layer::gzip(&archive(entries))
}

fn base() -> Layer {
    layer(&[
        Entry::dir("etc/"),
        Entry::file("etc/os-release", "ID=debian\n"),
        Entry::dir("app/"),
        Entry::file("app/package.json", "{\"name\": \"old\"}"),
        Entry::file("app/gone.txt", "x"),
    ])
}

fn service(platform: &str) -> Image {
    let top = layer(&[
        Entry::file("app/package.json", "{\"name\": \"orders\"}"),
        Entry::hard_link("app/linked.json", "app/package.json"),
        Entry::whiteout("app/gone.txt"),
        Entry::file("app/platform", platform),
    ]);
    Image::builder()
        .layer(base())
        .layer(top)
        .platform(platform)
        .label("defra.cdp.service.name", "orders")
        .label("org.opencontainers.image.source", "https://git.example/orders")
        .label("org.opencontainers.image.revision", "0123abc")
        .runtime("Entrypoint", json!(["/app/run"]))
        .build()
}

fn target(digest: Digest) -> Target {
    Target::Digest(digest)
}

#[tokio::test]
async fn an_image_is_scanned_and_asked() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let image = service("linux/amd64");
    shelf.put_image(&image);
    shelf.tag("team/orders", "1.0.0", image.digest());
    let repository = name("team/orders");
    let tag = Target::Tag("1.0.0".parse().unwrap());
    let scanned = world.catalogue.scan_image(&shelf, &repository, &tag).await.unwrap();
    assert_eq!((scanned.digest, scanned.kind), (image.digest(), ImageKind::Image));
    assert!(!scanned.known);

    let found = world.store().image(&image.digest()).await.unwrap().unwrap();
    assert_eq!(found.state, ImageState::Scanned);
    let found = found.found;
    assert_eq!(found.service_name.as_deref(), Some("orders"));
    assert_eq!(found.source_url.as_deref(), Some("https://git.example/orders"));
    assert_eq!(found.revision.as_deref(), Some("0123abc"));
    assert_eq!(found.platform.unwrap().to_string(), "linux/amd64");
    assert_eq!(found.config["entrypoint"], json!(["/app/run"]));
    assert_eq!(found.layers.len(), 2);
    assert_eq!(found.layers[1].created_by.as_deref(), Some("testkit"));
    assert_eq!(found.layers[1].diff_id, Some(image.layers[1].diff_id));

    let filter = FileFilter::default();
    let files = world.store().image_files(&image.digest(), &filter, 100).await.unwrap();
    let paths: Vec<_> = files.iter().map(|file| file.file.path.as_str()).collect();
    assert_eq!(
        paths,
        ["app", "app/linked.json", "app/package.json", "app/platform", "etc", "etc/os-release"]
    );
    let linked = &files[1].file;
    assert_eq!(linked.kind, FileKind::Hardlink);
    assert_eq!(linked.digest, Some(Digest::of(b"{\"name\": \"orders\"}")));
    let kept = &files[2];
    assert_eq!(kept.layer, image.layers[1].digest());
    let content = world.store().content(&kept.file.digest.unwrap()).await.unwrap();
    assert_eq!(content.unwrap(), b"{\"name\": \"orders\"}");

    let again = world.catalogue.scan_image(&shelf, &repository, &tag).await.unwrap();
    assert!(again.known);
    assert_eq!(shelf.reads_of(&image.layers[0].digest()), 1);
}

#[tokio::test]
async fn each_platform_of_an_index_is_scanned_and_attestations_are_recorded() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let attestation = Image::builder()
        .layer(Layer::plain(b"{}".to_vec()).media_type("application/vnd.in-toto+json"))
        .platform("unknown/unknown")
        .build();
    let index = Index::of(vec![service("linux/amd64"), service("linux/arm64"), attestation]);
    shelf.put_index(&index);
    let repository = name("orders");
    let target = target(index.digest());
    let scanned = world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();
    assert_eq!((scanned.digest, scanned.kind), (index.digest(), ImageKind::Index));
    let found = world.store().image(&index.digest()).await.unwrap().unwrap();
    assert_eq!(found.kind, ImageKind::Index);
    assert_eq!(found.found.children.len(), 3);
    assert_eq!(found.found.service_name.as_deref(), Some("orders"));
    for (image, scanned) in index.images.iter().zip([true, true, false]) {
        let child = world.store().image(&image.digest()).await.unwrap();
        assert_eq!(child.is_some_and(|child| child.state == ImageState::Scanned), scanned);
    }
    // The base is in both images, and was read for one of them.
    assert_eq!(shelf.reads_of(&index.images[0].layers[0].digest()), 1);
}

#[tokio::test]
async fn one_layer_in_images_scanned_at_once_is_read_once() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let images: Vec<_> = (0..6).map(|n| service(&format!("linux/a{n}"))).collect();
    for image in &images {
        shelf.put_image(image);
    }
    let repository = name("orders");
    let targets: Vec<_> = images.iter().map(|image| target(image.digest())).collect();
    let scans =
        targets.iter().map(|target| world.catalogue.scan_image(&shelf, &repository, target));
    for scanned in futures::future::join_all(scans).await {
        assert!(!scanned.unwrap().known);
    }
    assert_eq!(shelf.reads_of(&base().digest()), 1);
}

#[tokio::test]
async fn other_rules_read_the_layers_again() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let image = service("linux/amd64");
    shelf.put_image(&image);
    let (repository, target) = (name("orders"), target(image.digest()));
    world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();
    let rules = Rules::new(vec![Rule { pattern: "^app/platform$".into(), unless: None }]).unwrap();
    let world = world.restart(ScanOptions { rules, ..ScanOptions::default() }).await;
    let scanned = world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();
    assert!(!scanned.known);
    assert_eq!(shelf.reads_of(&image.layers[0].digest()), 2);
    let filter = FileFilter { kept: true, ..FileFilter::default() };
    let files = world.store().image_files(&image.digest(), &filter, 100).await.unwrap();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].file.path, "app/platform");
}

#[tokio::test]
async fn a_wrong_layer_fails_the_image_with_a_reason_that_names_it() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let index = Index::of(vec![service("linux/amd64")]);
    shelf.put_index(&index);
    let wrong = &index.images[0].layers[1];
    let mut bytes = wrong.bytes.clone();
    *bytes.last_mut().unwrap() ^= 1;
    shelf.lie(wrong.digest(), &bytes);
    let (repository, target) = (name("orders"), target(index.digest()));
    let error = world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap_err();
    assert!(error.is_permanent());
    for digest in [index.digest(), index.images[0].digest()] {
        let image = world.store().image(&digest).await.unwrap().unwrap();
        assert_eq!(image.state, ImageState::Failed);
        let reason = image.error.unwrap();
        assert!(reason.contains(&wrong.digest().to_string()), "{reason}");
        assert!(reason.contains("push the image again"), "{reason}");
    }
    shelf.lie(wrong.digest(), &wrong.bytes);
    world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();
    let image = world.store().image(&index.digest()).await.unwrap().unwrap();
    assert_eq!((image.state, image.error), (ImageState::Scanned, None));
    // The layer that was right was not read a second time.
    assert_eq!(shelf.reads_of(&index.images[0].layers[0].digest()), 1);
}

#[tokio::test]
async fn what_is_missing_or_forged_is_told() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let repository = name("orders");
    let image = service("linux/amd64");
    let target = target(image.digest());
    let scan = || world.catalogue.scan_image(&shelf, &repository, &target);
    assert!(matches!(scan().await, Err(CatalogueError::NotFound { .. })));
    shelf.put_image(&image);
    shelf.lie(image.digest(), b"{}");
    assert!(matches!(scan().await, Err(CatalogueError::ManifestDigest { .. })));
    shelf.lie(image.digest(), &image.manifest.bytes);
    shelf.lie(image.config.digest(), b"{\"os\": \"plan9\"}");
    assert!(matches!(scan().await, Err(CatalogueError::ConfigDigest { .. })));
    shelf.lie(image.config.digest(), &vec![b' '; 5 << 20]);
    assert!(matches!(scan().await, Err(CatalogueError::Config { .. })));
    shelf.put(&image.config);
    shelf.remove(&image.layers[0].digest());
    assert!(matches!(scan().await, Err(CatalogueError::BlobMissing(_))));
    shelf.put_image(&image);
    scan().await.unwrap();
}

#[tokio::test]
async fn a_known_layer_does_not_vouch_for_a_configuration_that_lies() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let repository = name("orders");
    let honest = Image::builder().layer(base()).build();
    let mut liar = base();
    liar.diff_id = Digest::of(b"something else");
    let liar = Image::builder().layer(liar).build();
    shelf.put_image(&honest);
    shelf.put_image(&liar);
    world.catalogue.scan_image(&shelf, &repository, &target(honest.digest())).await.unwrap();
    let scan = world.catalogue.scan_image(&shelf, &repository, &target(liar.digest())).await;
    assert!(matches!(scan, Err(CatalogueError::Layer { .. })), "{scan:?}");
}

#[tokio::test]
async fn what_is_no_image_is_recorded_without_reading_its_layers() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let chart = Layer::gzip(b"a chart").media_type("application/vnd.cncf.helm.chart.content.v1");
    let signature = Image::builder().layer(chart.clone()).build();
    shelf.put_image(&signature);
    let foreign = base().media_type(media::DOCKER_LAYER_FOREIGN);
    let windows = Image::builder().layer(foreign.clone()).layer(base()).docker().build();
    shelf.put_image(&windows);
    let repository = name("charts");
    let scan = async |digest| {
        world.catalogue.scan_image(&shelf, &repository, &target(digest)).await.unwrap().kind
    };
    assert_eq!(scan(signature.digest()).await, ImageKind::Artifact);
    assert_eq!(shelf.reads_of(&chart.digest()), 0);
    // A foreign layer's bytes need not be in the registry, and here they are not.
    shelf.remove(&foreign.digest());
    let windows = Image::builder().layer(foreign.clone()).docker().build();
    shelf.put(&windows.manifest);
    shelf.put(&windows.config);
    assert_eq!(scan(windows.digest()).await, ImageKind::Image);
    let image = world.store().image(&windows.digest()).await.unwrap().unwrap();
    assert_eq!(image.found.layers[0].digest, foreign.digest());
    assert!(world.store().layer(&foreign.digest()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_is_recorded_as_failed() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let both = json!({ "schemaVersion": 2, "mediaType": media::OCI_MANIFEST,
        "manifests": [], "layers": [], "config": {} });
    for (media_type, bytes) in [
        (media::OCI_MANIFEST, both.to_string().into_bytes()),
        (media::OCI_MANIFEST, b"not json".to_vec()),
        ("application/x-unknown", b"{}".to_vec()),
    ] {
        let made = Made { media_type: media_type.to_owned(), bytes };
        shelf.put(&made);
        let target = target(made.digest());
        let scan = world.catalogue.scan_image(&shelf, &name("x"), &target).await;
        assert!(matches!(scan, Err(CatalogueError::Manifest { .. })), "{scan:?}");
        let image = world.store().image(&made.digest()).await.unwrap().unwrap();
        assert_eq!(image.state, ImageState::Failed);
        assert!(image.error.is_some());
    }
}

#[tokio::test]
async fn an_index_of_which_one_platform_was_copied_is_scanned() {
    let (shelf, world) = (Shelf::default(), World::new().await);
    let index = Index::of(vec![service("linux/amd64"), service("linux/arm64")]);
    shelf.put_index(&index);
    shelf.remove(&index.images[0].digest());
    let target = target(index.digest());
    world.catalogue.scan_image(&shelf, &name("x"), &target).await.unwrap();
    let found = world.store().image(&index.digest()).await.unwrap().unwrap().found;
    assert_eq!(found.children.len(), 2);
    assert_eq!(found.service_name.as_deref(), Some("orders"));
    let empty = Index::of(vec![service("linux/s390x")]);
    shelf.put(&empty.manifest);
    let target = Target::Digest(empty.digest());
    let scan = world.catalogue.scan_image(&shelf, &name("x"), &target).await;
    assert!(matches!(scan, Err(CatalogueError::Childless)), "{scan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgresql_cannot_keep_does_not_stop_a_scan() {
    let (world, _database) = World::postgres().await;
    let shelf = Shelf::default();
    let hostile = Image::builder()
        .layer(layer(&[
            Entry::file("x", "y").pax("path", b"nul\0package.json"),
            Entry::file("a/package.json", b"\0\xff"),
            Entry::symlink("link", "x").pax("linkpath", b"\0\xff"),
        ]))
        .layer(base())
        .platform("li\0nux/amd64")
        .label("defra.cdp.service.name", "or\0ders")
        .build();
    shelf.put_image(&hostile);
    let target = target(hostile.digest());
    let scanned = world.catalogue.scan_image(&shelf, &name("x"), &target).await.unwrap();
    assert!(!scanned.known);
    let found = world.store().image(&hostile.digest()).await.unwrap().unwrap().found;
    assert_eq!(found.service_name.as_deref(), Some("or\\x00ders"));
    assert_eq!(found.platform, None);
    let filter = FileFilter::default();
    let files = world.store().image_files(&hostile.digest(), &filter, 100).await.unwrap();
    assert!(files.iter().any(|file| file.file.path == "nul\\x00package.json"));
    assert_eq!(files.len(), 8);
}
