//! Writes what the fuzzing begins with: `cargo run --example seeds` in this folder fills `corpus/`.

use std::fs;
use std::path::Path;

use portolan_testkit::tar::{Entry, archive};
use portolan_testkit::{Image, Index, Layer};

fn write(target: &str, seeds: impl IntoIterator<Item = (String, Vec<u8>)>) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn archives() -> Vec<(String, Vec<u8>)> {
    let sparse = |key: &str, value: &str| Entry::file("s", "data").pax(key, value);
    let entries = [
        (
            "kinds",
            vec![
                Entry::dir("etc/"),
                Entry::file("etc/os-release", "ID=debian\n"),
                Entry::symlink("etc/link", "os-release"),
                Entry::hard_link("etc/hard", "etc/os-release"),
                Entry::new(b'6', "pipe"),
                Entry::whiteout("etc/gone"),
                Entry::opaque("etc"),
            ],
        ),
        (
            "long",
            vec![
                Entry::file("n".repeat(150), "x"),
                Entry::new(b'L', "././@LongLink").content("gnu-long-name\0"),
                Entry::file("short", "y"),
                Entry::new(b'g', "pax_global_header").content("16 linkpath=all\n"),
                Entry::symlink("link", "x"),
            ],
        ),
        (
            "sizes",
            vec![
                Entry::file("f", "four")
                    .pax("size", "4")
                    .size_field(*b"\x80\0\0\0\0\0\0\0\0\0\0\x04"),
                Entry::file("a/../b", "").pax("path", "c\0d"),
            ],
        ),
        ("sparse-map", vec![sparse("GNU.sparse.map", "0,2,8,2").pax("GNU.sparse.size", "10")]),
        (
            "sparse-data",
            vec![
                Entry::file("s", format!("{:\0<512}data", "1\n0\n4\n"))
                    .pax("GNU.sparse.major", "1")
                    .pax("GNU.sparse.minor", "0")
                    .pax("GNU.sparse.realsize", "9"),
            ],
        ),
        (
            "sparse-old",
            vec![Entry::new(b'S', "s").content("data").tweak(|header| {
                header[257..265].copy_from_slice(b"ustar  \0");
                header[386..410].copy_from_slice(b"00000000000\000000000004\0");
                header[483..495].copy_from_slice(b"00000000100\0");
            })],
        ),
    ];
    entries.into_iter().map(|(name, entries)| (name.to_owned(), archive(&entries))).collect()
}

/// The recorded events, plain and as SNS and SQS hand them over.
fn events() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/tracker/tests/fixtures");
    let mut seeds = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path)?;
        let sns = format!("{{\"Type\":\"Notification\",\"Message\":{text:?}}}");
        seeds.push((format!("{name}-sns"), sns.into_bytes()));
        seeds.push((name, text.into_bytes()));
    }
    Ok(seeds)
}

fn main() -> anyhow::Result<()> {
    let mut layers = Vec::new();
    for (name, raw) in archives() {
        layers.push((format!("{name}.tar.gz"), Layer::gzip_members(&raw, 700).bytes));
        layers.push((format!("{name}.tar.zst"), Layer::zstd(&raw)?.bytes));
        layers.push((format!("{name}.tar"), raw));
    }
    write("tar_walk", layers)?;
    let image = Image::builder().layer(Layer::gzip(b"layer")).label("a", "b").build();
    let docker = Image::builder().layer(Layer::gzip(b"layer")).docker().build();
    let (index, list) = (Index::of(vec![image.clone()]), Index::docker(vec![docker.clone()]));
    let manifests = [
        ("oci", image.manifest.bytes),
        ("docker", docker.manifest.bytes),
        ("index", index.manifest.bytes),
        ("list", list.manifest.bytes),
        ("config", image.config.bytes),
    ];
    write("manifest", manifests.map(|(name, bytes)| (name.to_owned(), bytes)))?;
    write("event", events()?)?;
    let digest = index.images[0].digest();
    let names = [
        "app".to_owned(),
        "127.0.0.1:5000/team/app:v1.2.3-rc.1+build".to_owned(),
        "[::1]:443/a--b/c__d".to_owned(),
        format!("registry.example/shop/orders-api:1@{digest}"),
        digest.to_string(),
        "linux/arm/v7".to_owned(),
        "2026-11-01T09:00:00.123Z".to_owned(),
        "v2026.01.05-alpha.1".to_owned(),
    ];
    let names = names.iter().enumerate();
    write("reference", names.map(|(n, text)| (format!("{n}"), text.clone().into_bytes())))
}
