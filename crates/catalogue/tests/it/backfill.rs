//! A registry that was there before: all of it is scanned, once, and what has gone is dropped.

use std::sync::Mutex;

use futures::FutureExt as _;
use portolan_catalogue::{BackfillProgress, CatalogueError};
use portolan_model::Digest;
use portolan_store::Page;
use portolan_testkit::tar::{Entry, archive};
use portolan_testkit::{Image, Layer};

use crate::shelf::Shelf;
use crate::support::World;

fn image(name: &str) -> Image {
    let layer = Layer::gzip(&archive(&[Entry::file(name, name)]));
    Image::builder().layer(layer).label("defra.cdp.service.name", name).build()
}

fn registry() -> (Shelf, Vec<Image>) {
    let shelf = Shelf::default();
    let mut images = Vec::new();
    for repository in ["a", "b/c", "d", "e", "f"] {
        for tag in ["1.0.0", "1.1.0"] {
            let image = image(&format!("{}-{tag}", repository.replace('/', "-")));
            shelf.put_image(&image);
            shelf.tag(repository, tag, image.digest());
            images.push(image);
        }
        shelf.tag(repository, "latest", images.last().unwrap().digest());
    }
    (shelf, images)
}

async fn run(world: &World, shelf: &Shelf, drop: bool) -> BackfillProgress {
    let mut save = |_: &BackfillProgress| async { Ok(true) }.boxed();
    world.catalogue.backfill(shelf, drop, BackfillProgress::default(), &mut save).await.unwrap()
}

async fn pointers(world: &World) -> Vec<(String, String, Digest)> {
    let tags = world.store().tags(None, Page::ALL).await.unwrap().items;
    let read =
        |t: portolan_store::TagPointer| (t.repository.to_string(), t.tag.to_string(), t.digest);
    tags.into_iter().map(read).collect()
}

#[tokio::test]
async fn everything_is_scanned_and_a_second_time_nothing_is() {
    let ((shelf, images), world) = (registry(), World::new().await);
    let done = run(&world, &shelf, false).await;
    assert_eq!((done.repositories, done.tags, done.failed), (5, 15, 0));
    assert_eq!(done.scanned + done.known, 15);
    assert_eq!(pointers(&world).await.len(), 15);
    for image in &images {
        assert_eq!(shelf.reads_of(&image.layers[0].digest()), 1);
    }
    let again = run(&world, &shelf, false).await;
    assert_eq!((again.scanned, again.known), (0, 15));
}

#[tokio::test]
async fn what_cannot_be_scanned_is_told_and_stops_nothing() {
    let ((shelf, images), world) = (registry(), World::new().await);
    shelf.lie(images[2].layers[0].digest(), b"broken");
    let done = run(&world, &shelf, false).await;
    assert_eq!((done.tags, done.failed), (15, 1));
    assert!(done.failures[0].starts_with("b/c:1.0.0: "), "{:?}", done.failures);
    assert!(done.failures[0].contains(&images[2].layers[0].digest().to_string()));
}

#[tokio::test]
async fn it_goes_on_where_it_was_stopped() {
    let ((shelf, _), world) = (registry(), World::new().await);
    let saved = Mutex::new(BackfillProgress::default());
    let mut calls = 0;
    let mut save = |progress: &BackfillProgress| {
        calls += 1;
        *saved.lock().unwrap() = progress.clone();
        async move { Ok(calls < 4) }.boxed()
    };
    let stopped =
        world.catalogue.backfill(&shelf, false, BackfillProgress::default(), &mut save).await;
    assert!(matches!(stopped, Err(CatalogueError::Superseded)));
    let progress = saved.into_inner().unwrap();
    assert_eq!(progress.cursor.as_deref(), Some("b/c"), "one page was done");
    assert_eq!(progress.last.as_ref().unwrap().as_str(), "d", "and one repository of the next");
    let mut save = |_: &BackfillProgress| async { Ok(true) }.boxed();
    let done = world.catalogue.backfill(&shelf, false, progress, &mut save).await.unwrap();
    assert!(done.listed);
    assert_eq!((done.repositories, done.tags), (5, 15), "nothing was done twice");
    let straight = World::new().await;
    run(&straight, &shelf, false).await;
    assert_eq!(pointers(&world).await, pointers(&straight).await);
}

#[tokio::test]
async fn what_has_gone_is_dropped_when_asked_to() {
    let ((shelf, images), world) = (registry(), World::new().await);
    run(&world, &shelf, false).await;
    shelf.untag("a", "1.0.0");
    shelf.remove_repository("d");
    shelf.tag("e", "latest", images[0].digest());
    assert_eq!(run(&world, &shelf, false).await.dropped, 0);
    assert_eq!(pointers(&world).await.len(), 15);
    let done = run(&world, &shelf, true).await;
    assert_eq!(done.dropped, 4);
    let left = pointers(&world).await;
    assert_eq!(left.len(), 11);
    assert!(
        !left
            .iter()
            .any(|(repository, tag, _)| repository == "d" || (repository == "a" && tag == "1.0.0"))
    );
    assert!(left.contains(&("e".into(), "latest".into(), images[0].digest())));
}
