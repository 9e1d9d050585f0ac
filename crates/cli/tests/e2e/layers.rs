//! Bad layers: indexed where they can be, refused with a reason where not, in bounded memory.

use portolan_model::media;
use portolan_testkit::layer::gzip;
use portolan_testkit::server::Options;
use portolan_testkit::tar::{self, Entry, archive};
use portolan_testkit::{Image, Layer};

use crate::world::{Engine, PATIENCE, World, peak_mib};

on_both_stores!(odd_paths_are_indexed_where_they_would_be, layers_that_cannot_be_read_say_why);

/// Pushes an image of `layer` as `hostile/layers:tag`.
fn push(world: &World, tag: &str, layer: Layer) {
    let image = Image::builder().layer(layer).label("test", tag).build();
    world.publisher("hostile/layers").image(tag, &image).unwrap();
}

fn odd_paths_are_indexed_where_they_would_be(engine: Engine) {
    let world = World::start(engine);
    let kept = |path: &str| Entry::file(path, format!("{{\"from\":{path:?}}}"));
    let cases = [
        ("climbing", "../../app/package.json", "app/package.json"),
        ("inside", "app/x/../package.json", "app/package.json"),
        ("absolute", "/app/package.json", "app/package.json"),
        ("dotted", "./app/./package.json", "app/package.json"),
        ("doubled", "app//package.json", "app/package.json"),
    ];
    for (tag, path, normal) in cases {
        push(&world, tag, Layer::gzip(&archive(&[kept(path)])));
        let artifact = world.artifact("hostile/layers", tag);
        assert_eq!(artifact["files"][0]["path"], normal, "{tag}");
        let layer = artifact["files"][0]["layerSha256"].as_str().unwrap();
        let answer = world.get(&format!("/files/{layer}?path={normal}")).unwrap();
        assert_eq!(
            (answer.status, answer.text()),
            (200, format!("{{\"from\":{path:?}}}")),
            "{tag}"
        );
    }
    // Names that are not UTF-8 are names all the same.
    push(
        &world,
        "latin1",
        Layer::gzip(&archive(&[Entry::file(b"caf\xe9", "x"), kept("a/package.json")])),
    );
    assert_eq!(world.artifact("hostile/layers", "latin1")["files"].as_array().unwrap().len(), 1);
}

/// A frame whose header asks its reader for a window of 2 GiB, and which has five bytes.
fn huge_window() -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3];
    frame.extend_from_slice(&[(5 << 3) | 1, 0, 0]);
    frame.extend_from_slice(b"bytes");
    frame
}

/// Gzip members of 2 GiB of zeros behind the header of a file.
fn bomb() -> Vec<u8> {
    let mut head = archive(&[Entry::file("zeros", "").size_field("20000000000\0")]);
    head.truncate(tar::BLOCK);
    let mut bytes = gzip(&head);
    let zeros = gzip(&vec![0; 16 << 20]);
    (0..128).for_each(|_| bytes.extend_from_slice(&zeros));
    bytes
}

fn layers_that_cannot_be_read_say_why(engine: Engine) {
    let mut options = Options::default();
    // The limit of entries at its edge, without making five million of them.
    options.environment.push(("PORTOLAN_LIMITS_LAYER_ENTRIES".into(), "1000".into()));
    let mut world = World::start_with(engine, options);
    world.jobs_may_fail();
    let entries = |count: usize| {
        let entries: Vec<_> = (0..count).map(|n| Entry::file(format!("file{n}"), "")).collect();
        Layer::gzip(&archive(&entries))
    };
    push(&world, "as-many-entries-as-allowed", entries(1000));
    world.artifact("hostile/layers", "as-many-entries-as-allowed");
    let before = peak_mib(&mut world);

    let whole = Layer::gzip(&archive(&[Entry::file("a", vec![1; 100_000])]));
    let raw = |bytes: Vec<u8>, media_type: &str| Layer {
        media_type: media_type.to_owned(),
        diff_id: whole.diff_id,
        bytes,
    };
    let broken = |entry: Entry| Layer::gzip(&archive(&[entry]));
    let cases = [
        ("too-many-entries", entries(1001)),
        ("long-name", broken(Entry::file("n".repeat(5000), ""))),
        ("long-name-of-pax", broken(Entry::file("a", "").pax("path", "p".repeat(2 << 20)))),
        ("negative-size", broken(Entry::file("a", "x").size_field([0xff; 12]))),
        ("size-without-end", broken(Entry::file("a", "x").size_field("77777777777\0"))),
        ("size-of-letters", broken(Entry::file("a", "x").size_field("how big\0"))),
        ("sizes-that-disagree", broken(Entry::file("a", "x").pax("size", "99999999"))),
        ("wrong-checksum", broken(Entry::file("a", "x").wrong_checksum())),
        ("not-a-tar", Layer::gzip(&[7; 2000])),
        ("half-a-gzip", raw(whole.bytes[..whole.bytes.len() / 2].to_vec(), media::OCI_LAYER_GZIP)),
        ("not-gzip", raw(b"plain".to_vec(), media::OCI_LAYER_GZIP)),
        ("other-content", raw(gzip(&archive(&[])), media::OCI_LAYER_GZIP)),
        ("bomb", raw(bomb(), media::OCI_LAYER_GZIP)),
        ("huge-window", raw(huge_window(), media::OCI_LAYER_ZSTD)),
    ];
    for (tag, layer) in cases {
        push(&world, tag, layer);
        let path = format!("/admin/scan?repo=hostile/layers&tag={tag}");
        let answer = world.client.send("POST", &world.url(&path), &[], &[]).unwrap();
        assert!((400..500).contains(&answer.status), "{tag}: {} {}", answer.status, answer.text());
        let message = answer.json().unwrap()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("layer") && message.len() > 30, "{tag}: {message}");
        let artifact = world.get(&format!("/artifacts/hostile/layers/{tag}")).unwrap();
        assert_eq!(artifact.status, 404, "{tag}");
    }
    let grown = peak_mib(&mut world) - before;
    assert!(grown < 128, "memory grew by {grown} MiB");
    // What is sound is still served and scanned.
    push(&world, "sound", broken(Entry::file("app/package.json", "{}")));
    world.eventually("/artifacts/hostile/layers/sound", PATIENCE, |a| a.status == 200).unwrap();
}
