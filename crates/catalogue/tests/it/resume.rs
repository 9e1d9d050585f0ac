//! Stopped at any failpoint and run again, a scan comes to the same rows.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use portolan_catalogue::ScanOptions;
use portolan_model::{Target, failpoint};
use portolan_store::{FileFilter, Image as Stored, ImageFile};
use portolan_testkit::tar::{Entry, archive};
use portolan_testkit::{Image, Index, Layer};

use crate::shelf::{Shelf, name};
use crate::support::World;

static STOP_AT: OnceLock<&str> = OnceLock::new();
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Stops the scan the first time that it passes the chosen failpoint: the panic drops everything
/// that the scan had in memory, and nothing that it had in the store.
fn stop_once(name: &str) {
    let stop = STOP_AT.get() == Some(&name) && !STOPPED.swap(true, Ordering::SeqCst);
    assert!(!stop, "stopped at {name}");
}

fn index() -> Index {
    let many: Vec<_> = (0..2500)
        .map(|n| Entry::file(format!("srv/{n}/package.json"), format!("{{\"n\": {n}}}")))
        .collect();
    let image = |platform: &str| {
        Image::builder()
            .layer(Layer::gzip(&archive(&many)))
            .layer(Layer::gzip(&archive(&[
                Entry::whiteout("srv/7"),
                Entry::file("platform", platform),
            ])))
            .platform(platform)
            .build()
    };
    Index::of(vec![image("linux/amd64"), image("linux/arm64")])
}

/// Everything that is known of an index, but for times and the numbers of readings.
async fn known(world: &World, index: &Index) -> Vec<(Option<String>, Stored, Vec<ImageFile>)> {
    let mut all = Vec::new();
    let images = index.images.iter().map(Image::digest);
    for digest in images.chain([index.digest()]) {
        let mut image = world.store().image(&digest).await.unwrap().unwrap();
        (image.first_scanned_at, image.scanned_at) = (None, None);
        let files =
            world.store().image_files(&digest, &FileFilter::default(), 10_000).await.unwrap();
        let mut content = None;
        if let Some(digest) = files.iter().find_map(|f| f.file.digest.filter(|_| f.file.kept)) {
            let bytes = world.store().content(&digest).await.unwrap().unwrap();
            content = Some(String::from_utf8(bytes).unwrap());
        }
        all.push((content, image, files));
    }
    all
}

async fn stopped_and_run_again(stop_at: &'static str) {
    failpoint::install(stop_once);
    let (shelf, index) = (Shelf::default(), index());
    shelf.put_index(&index);
    let (repository, target) = (name("orders"), Target::Digest(index.digest()));
    let straight = World::new().await;
    straight.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();

    let world = World::new().await;
    STOP_AT.set(stop_at).unwrap();
    let scan = world.catalogue.scan_image(&shelf, &repository, &target);
    let stopped = std::panic::AssertUnwindSafe(scan).catch_unwind().await;
    assert!(stopped.is_err(), "the scan never passed {stop_at}");
    let world = world.restart(ScanOptions::default()).await;
    world.catalogue.scan_image(&shelf, &repository, &target).await.unwrap();
    let (one, other) = (known(&straight, &index).await, known(&world, &index).await);
    assert!(one[0].2.len() > 2000);
    assert_eq!(format!("{one:?}"), format!("{other:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_batch() {
    stopped_and_run_again("scan.after-batch").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_layer_is_committed() {
    stopped_and_run_again("scan.before-layer-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_layer_is_committed() {
    stopped_and_run_again("scan.after-layer-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_image_is_committed() {
    stopped_and_run_again("scan.before-image-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_image_is_committed() {
    stopped_and_run_again("scan.after-image-commit").await;
}
