//! Layers, their entries, and the files that an image shows.

use portolan_model::{Digest, FileKind};
use portolan_store::{
    FileFilter, FileRecord, ImageKind, ImageLayer, LayerResult, LayerScan, ScannedImage, Store,
};

use crate::bed::{Bed, at, change};

crate::on_both_engines!(
    a_reading_counts_when_it_is_finished,
    the_last_of_equal_paths_counts,
    hard_links_take_over_what_they_point_to,
    an_image_shows_what_its_layers_leave,
    long_lists_are_paged,
    two_images_differ_in_what_containers_of_them_see,
);

pub(crate) fn file(path: &str) -> FileRecord {
    FileRecord {
        path: path.into(),
        raw_path: None,
        kind: FileKind::File,
        mode: 0o644,
        size: path.len() as u64,
        digest: Some(Digest::of(path.as_bytes())),
        link: None,
        kept: false,
        note: None,
    }
}

fn of(kind: FileKind, path: &str) -> FileRecord {
    FileRecord { kind, digest: None, ..file(path) }
}

fn kept(path: &str) -> FileRecord {
    FileRecord { kept: true, ..file(path) }
}

pub(crate) async fn begin(store: &Store, layer: &str, files: Vec<FileRecord>) -> LayerScan {
    let digest = Digest::of(layer.as_bytes());
    change!(store, |tx| {
        let scan = tx.begin_layer_scan(&digest, at(1)).await?;
        tx.put_layer_files(scan, &files).await?;
        Ok(scan)
    })
}

pub(crate) async fn finish(store: &Store, layer: &str, scan: LayerScan, key: &str) {
    let result = LayerResult {
        digest: Digest::of(layer.as_bytes()),
        scan_key: Digest::of(key.as_bytes()),
        diff_id: Digest::of(b"raw"),
        compressed_bytes: 1,
        raw_bytes: 2,
        entries: 3,
    };
    change!(store, |tx| tx.finish_layer(scan, &result, at(2)).await);
}

pub(crate) async fn put_image(store: &Store, image: &str, layers: &[&str]) -> Digest {
    let digest = Digest::of(image.as_bytes());
    let layers = layers.iter().map(|layer| ImageLayer {
        digest: Digest::of(layer.as_bytes()),
        diff_id: None,
        media_type: "application/vnd.oci.image.layer.v1.tar".into(),
        size: 1,
        created_by: None,
    });
    let found = ScannedImage { layers: layers.collect(), ..ScannedImage::default() };
    change!(store, |tx| {
        tx.see_image(&"a".parse().unwrap(), &digest, "m", ImageKind::Image, at(1)).await?;
        tx.put_scanned_image(&digest, ImageKind::Image, &found, at(3)).await
    });
    digest
}

async fn paths(store: &Store, image: &Digest, filter: FileFilter, limit: u64) -> Vec<String> {
    let files = store.image_files(image, &filter, limit).await.unwrap();
    files.into_iter().map(|file| file.file.path).collect()
}

async fn a_reading_counts_when_it_is_finished(bed: Bed) {
    let store = &bed.store;
    let layer = Digest::of(b"l");
    let old = begin(store, "l", vec![file("old")]).await;
    assert!(store.layer(&layer).await.unwrap().is_none());
    assert!(store.layer_file(&layer, "old").await.unwrap().is_none());
    finish(store, "l", old, "rules 1").await;
    assert_eq!(store.layer_file(&layer, "old").await.unwrap(), Some(file("old")));
    let dead = begin(store, "l", vec![file("dead")]).await;
    let new = begin(store, "l", vec![file("new")]).await;
    assert!(store.layer_file(&layer, "old").await.unwrap().is_some(), "until the new one is done");
    finish(store, "l", new, "rules 2").await;
    assert!(store.layer_file(&layer, "old").await.unwrap().is_none());
    assert!(store.layer_file(&layer, "new").await.unwrap().is_some());
    let read = store.layer(&layer).await.unwrap().unwrap();
    assert_eq!((read.result.scan_key, read.scan), (Digest::of(b"rules 2"), new));
    let lost = store
        .write(move |tx| Box::pin(async move { tx.put_layer_files(dead, &[file("x")]).await }));
    assert!(lost.await.is_err(), "a reading that lost the race cannot go on");
    let other = begin(store, "m", vec![file("x")]).await;
    change!(store, |tx| tx.remove_scan(other).await);
    begin(store, "m", vec![file("x")]).await;
    assert_eq!(change!(store, |tx| tx.remove_dead_scans(at(99)).await), 1);
    assert!(store.layer(&layer).await.unwrap().is_some());
}

async fn the_last_of_equal_paths_counts(bed: Bed) {
    let store = &bed.store;
    let mut twice = vec![file("a"), FileRecord { size: 9, ..file("a") }];
    let scan = begin(store, "l", twice.clone()).await;
    twice.push(FileRecord { size: 10, ..file("a") });
    change!(store, |tx| tx.put_layer_files(scan, &twice[2..]).await);
    finish(store, "l", scan, "k").await;
    let layer = Digest::of(b"l");
    assert_eq!(store.layer_file(&layer, "a").await.unwrap().unwrap().size, 10);
    assert_eq!(store.layer_files(&layer, None, 10).await.unwrap().len(), 1);
}

async fn hard_links_take_over_what_they_point_to(bed: Bed) {
    let store = &bed.store;
    let link =
        FileRecord { link: Some("bin/a".into()), size: 0, ..of(FileKind::Hardlink, "bin/b") };
    let dangling = FileRecord { link: Some("none".into()), size: 0, ..of(FileKind::Hardlink, "c") };
    let scan = begin(store, "l", vec![file("bin/a"), link, dangling]).await;
    finish(store, "l", scan, "k").await;
    let layer = Digest::of(b"l");
    let found = store.layer_file(&layer, "bin/b").await.unwrap().unwrap();
    assert_eq!((found.digest, found.size), (file("bin/a").digest, 5));
    let found = store.layer_file(&layer, "c").await.unwrap().unwrap();
    assert_eq!((found.digest, found.size), (None, 0));
}

async fn an_image_shows_what_its_layers_leave(bed: Bed) {
    let store = &bed.store;
    let directory = |path: &str| of(FileKind::Directory, path);
    let layers: [(&str, Vec<FileRecord>); 3] = [
        (
            "base",
            vec![
                directory("etc"),
                file("etc/a"),
                kept("etc/b"),
                directory("opt"),
                kept("opt/x"),
                directory("lib"),
                file("lib/y"),
                file("lib-z"),
                kept("same"),
                directory("up%_"),
                kept("up%_/f"),
            ],
        ),
        (
            "middle",
            vec![
                of(FileKind::Whiteout, "etc/.wh.b"),
                of(FileKind::Opaque, "opt/.wh..wh..opq"),
                file("opt/new"),
                FileRecord { link: Some("usr/lib".into()), ..of(FileKind::Symlink, "lib") },
                kept("same"),
            ],
        ),
        ("top", vec![kept("etc/b"), of(FileKind::Whiteout, ".wh.up%_")]),
    ];
    for (name, files) in layers {
        let scan = begin(store, name, files).await;
        finish(store, name, scan, "k").await;
    }
    let image = put_image(store, "i", &["base", "middle"]).await;
    let shown = paths(store, &image, FileFilter::default(), 100).await;
    let left = ["etc", "etc/a", "lib", "lib-z", "opt", "opt/new", "same", "up%_", "up%_/f"];
    assert_eq!(shown, left);
    assert_eq!(store.image_file_count(&image).await.unwrap(), left.len() as u64);
    let again = put_image(store, "j", &["base", "middle", "top"]).await;
    let shown = paths(store, &again, FileFilter::default(), 100).await;
    assert_eq!(shown, ["etc", "etc/a", "etc/b", "lib", "lib-z", "opt", "opt/new", "same"]);
    assert_eq!(store.image_file_count(&again).await.unwrap(), 8);
    let filter = FileFilter { kept: true, ..FileFilter::default() };
    let files = store.image_files(&again, &filter, 100).await.unwrap();
    let from: Vec<_> = files.iter().map(|f| (f.file.path.as_str(), f.layer)).collect();
    assert_eq!(from, [("etc/b", Digest::of(b"top")), ("same", Digest::of(b"middle"))]);
    assert_eq!(
        store.layer_sharing(&[Digest::of(b"base"), Digest::of(b"top")]).await.unwrap(),
        [2, 1]
    );
}

async fn long_lists_are_paged(bed: Bed) {
    let store = &bed.store;
    let odd = |n: u32| file(&format!("dir/{n:04}"));
    for (name, step) in [("two", 2), ("three", 3)] {
        let files = (0..1000).filter(|n| n % step == 0).map(odd).collect();
        let scan = begin(store, name, files).await;
        finish(store, name, scan, "k").await;
    }
    let image = put_image(store, "i", &["two", "three"]).await;
    let all = paths(store, &image, FileFilter::default(), 5_000).await;
    let wanted: Vec<_> =
        (0..1000).filter(|n| n % 2 == 0 || n % 3 == 0).map(|n| odd(n).path).collect();
    assert_eq!(all, wanted);
    let mut paged = Vec::new();
    loop {
        let after = paged.last().cloned();
        let page = paths(store, &image, FileFilter { after, ..FileFilter::default() }, 7).await;
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 7);
        paged.extend(page);
    }
    assert_eq!(paged, wanted);
    let filter = FileFilter { contains: Some("R/099".into()), ..FileFilter::default() };
    assert_eq!(paths(store, &image, filter, 100).await.len(), 7);
    let filter = FileFilter { contains: Some("_".into()), ..FileFilter::default() };
    assert_eq!(paths(store, &image, filter, 100).await.len(), 0);
}

async fn two_images_differ_in_what_containers_of_them_see(bed: Bed) {
    let store = &bed.store;
    let many = |from: usize, to: usize| (from..to).map(|it| file(&format!("many/{it:05}")));
    let base =
        begin(store, "base", many(0, 5_000).chain([file("etc/same"), file("etc/old")]).collect());
    finish(store, "base", base.await, "k").await;
    let before = begin(store, "before", vec![file("app/lock"), file("app/tool")]).await;
    finish(store, "before", before, "k").await;
    let lock = FileRecord { digest: Some(Digest::of(b"other")), size: 99, ..file("app/lock") };
    let tool = FileRecord { mode: 0o755, ..file("app/tool") };
    let marks = [of(FileKind::Whiteout, "etc/.wh.old"), file("many/04999x"), lock, tool];
    let after = begin(store, "after", marks.to_vec()).await;
    finish(store, "after", after, "k").await;
    let one = put_image(store, "one", &["base", "before"]).await;
    let other = put_image(store, "other", &["base", "after"]).await;

    let told = store.file_changes(&one, &other, 3).await.unwrap();
    assert_eq!((told.added, told.removed, told.changed, told.whole), (1, 1, 2, true));
    assert_eq!(told.total(), 4);
    let paths: Vec<_> = told.first.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["app/lock", "app/tool", "etc/old"], "the first in their order");
    let lock = &told.first[0];
    let sizes = (lock.before.as_ref().unwrap().size, lock.after.as_ref().unwrap().size);
    assert_eq!(sizes, (8, 99));
    assert!(told.first[2].after.is_none());

    let back = store.file_changes(&other, &one, 9).await.unwrap();
    assert_eq!((back.added, back.removed, back.changed), (1, 1, 2));
    assert_eq!(back.first[3].path, "many/04999x");
    let none = store.file_changes(&one, &one, 3).await.unwrap();
    assert_eq!((none.total(), none.whole), (0, true));
}
