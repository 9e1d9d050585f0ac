//! Garbage collection: what goes, what stays, and what happens meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use portolan_model::{Digest, Hasher};
use portolan_registry::{GcOptions, GcReport, Registry, RegistryError};
use portolan_testkit::Image;

use crate::bed::{
    Bed, body, image, name, on_both_engines, push, push_image, push_manifest, target,
};

const DAY: Duration = Duration::from_hours(24);

on_both_engines!(only_old_garbage_goes_and_a_plan_tells_it_before, |bed| {
    let (kept, dropped) = (image(&["common", "kept"]), image(&["common", "dropped"]));
    push_image(&bed.registry, "shop", "kept", &kept).await;
    push_image(&bed.registry, "shop", "dropped", &dropped).await;
    push(&bed.registry, "shop", b"never used").await;
    let digest = target(&dropped.digest());
    bed.registry.delete_manifest(&name("shop"), &digest).await.unwrap();
    let all = bed.files("blobs");
    let young = bed.registry.collect(GcOptions::default()).await.unwrap();
    assert_eq!((young, bed.files("blobs")), (GcReport::default(), all));

    bed.later(DAY + Duration::from_mins(1));
    push(&bed.registry, "shop", b"young").await;
    let plan = GcOptions { dry_run: true, ..GcOptions::default() };
    let planned = bed.registry.collect(plan).await.unwrap();
    assert_eq!(planned.blobs, 3, "a layer, a configuration, what was never used");
    let done = bed.registry.collect(GcOptions::default()).await.unwrap();
    assert_eq!(done, planned);
    assert_eq!(bed.files("blobs"), (all.0 - 3 + 1, all.1 - done.bytes + 5));
    assert_whole(&bed.registry, "kept", &kept).await;
    assert_eq!(bed.registry.collect(GcOptions::default()).await.unwrap(), GcReport::default());
});

on_both_engines!(untagged_manifests_go_when_asked_for, |bed| {
    let (one, two) = (image(&["one"]), image(&["two"]));
    push_image(&bed.registry, "shop", "latest", &one).await;
    push_image(&bed.registry, "shop", "latest", &two).await;
    bed.later(DAY * 3);
    let options = GcOptions { untagged_after: Some(DAY * 2), ..GcOptions::default() };
    let report = bed.registry.collect(options).await.unwrap();
    assert_eq!((report.manifests, report.blobs), (1, 2));
    assert!(bed.registry.manifest(&name("shop"), &target(&one.digest())).await.is_err());
    assert_whole(&bed.registry, "latest", &two).await;
});

on_both_engines!(what_a_killed_process_left_is_found, |bed| {
    // Killed after the rename and before the commit: a file without a row.
    let orphan = bed.dir.path().join("blobs/sha256").join(&Digest::of(b"orphan").hex()[..2]);
    std::fs::create_dir_all(&orphan).unwrap();
    std::fs::write(orphan.join(Digest::of(b"orphan").hex()), "orphan").unwrap();
    std::fs::write(orphan.join("notes.txt"), "not ours").unwrap();
    let id = bed.registry.start_upload(&name("shop")).await.unwrap();
    bed.registry.append(&name("shop"), id, None, body(&[b"half"])).await.unwrap();
    assert_eq!(bed.registry.collect(GcOptions::default()).await.unwrap(), GcReport::default());
    bed.later(DAY + Duration::from_mins(1));
    let report = bed.another().await.collect(GcOptions::default()).await.unwrap();
    assert_eq!(report, GcReport { bytes: 6, orphans: 1, uploads: 1, ..GcReport::default() });
    assert_eq!((bed.files("blobs"), bed.files("uploads")), ((1, 8), (0, 0)));
    // The same bytes are pushed again as if nothing had been.
    push(&bed.registry, "shop", b"orphan").await;
    assert_eq!(bed.registry.probe_blob(&name("shop"), Digest::of(b"orphan")).await.unwrap(), 6);
});

/// The harshest case: another process collects without any grace, again and again, while images
/// that share layers are pushed and deleted. A push may be refused and tried again; one that was
/// taken must be whole.
async fn pushes_meet_collections(bed: Bed) {
    let stop = Arc::new(AtomicBool::new(false));
    let collector = bed.another().await;
    let stopped = stop.clone();
    let collecting = tokio::spawn(async move {
        let options = GcOptions {
            grace: Duration::ZERO,
            untagged_after: Some(Duration::ZERO),
            dry_run: false,
        };
        let mut removed = 0;
        while !stopped.load(Ordering::SeqCst) {
            match collector.collect(options).await {
                Ok(report) => removed += report.blobs,
                // On PostgreSQL two changes may meet; the next run does what this one did not.
                Err(RegistryError::Store(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        removed
    });
    let pushers = (0..3).map(|pusher| {
        let registry = bed.registry.clone();
        tokio::spawn(async move {
            for round in 0..15 {
                let own = format!("layer {pusher} of round {round}");
                let shared = format!("layer of round {}", round % 2);
                let image = image(&[&own, &shared]);
                let tag = format!("tag{pusher}");
                push_until_taken(&registry, &tag, &image).await;
                assert_whole(&registry, &tag, &image).await;
                if round % 3 == 0 {
                    let gone = target(&image.digest());
                    registry.delete_manifest(&name("shop"), &gone).await.unwrap();
                }
            }
        })
    });
    for pusher in pushers.collect::<Vec<_>>() {
        pusher.await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    assert!(collecting.await.unwrap() > 0, "nothing was ever collected");
    for pusher in 0..3 {
        let last = image(&[&format!("layer {pusher} of round 14"), "layer of round 0"]);
        assert_whole(&bed.another().await, &format!("tag{pusher}"), &last).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pushes_meet_collections_on_sqlite() {
    pushes_meet_collections(Bed::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pushes_meet_collections_on_postgres() {
    pushes_meet_collections(Bed::postgres().await).await;
}

async fn push_until_taken(registry: &Registry, tag: &str, image: &Image) {
    for _ in 0..200 {
        for blob in image.blobs() {
            push(registry, "shop", &blob.bytes).await;
        }
        match push_manifest(registry, "shop", tag, image).await {
            Ok(_) => return,
            Err(RegistryError::PartsUnknown { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("never taken");
}

/// Reads an image as a client would, and compares every byte's digest.
async fn assert_whole(registry: &Registry, tag: &str, image: &Image) {
    let shop = name("shop");
    let manifest = registry.manifest(&shop, &target(tag)).await.unwrap();
    assert_eq!(manifest.digest, image.digest());
    for wanted in image.blobs() {
        let blob = registry.blob(&shop, wanted.digest()).await.unwrap();
        let mut hasher = Hasher::new();
        let mut stream = blob.read(0..u64::MAX);
        while let Some(part) = stream.next().await {
            hasher.update(&part.unwrap());
        }
        assert_eq!(hasher.finish(), wanted.digest());
    }
}
