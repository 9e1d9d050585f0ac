//! The images that tests push.

use portolan_testkit::tar::{Entry, archive};
use portolan_testkit::{Image, Index, Layer};

/// The label that names a service.
pub(crate) const SERVICE: &str = "defra.cdp.service.name";
/// The label that names where a service's source is.
pub(crate) const SOURCE: &str = "defra.cdp.git.repo.url";

/// The files of the base: a small Debian, as the scanner sees it.
pub(crate) fn base() -> Vec<u8> {
    archive(&[
        Entry::dir("etc/"),
        Entry::file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        Entry::file("etc/removed-later", "gone"),
        Entry::file("var/lib/dpkg/status", "Package: libc6\nVersion: 2.36-9\n\n"),
        Entry::file("usr/bin/tool", vec![7_u8; 100_000]).mode(0o755),
        Entry::hard_link("usr/bin/same", "usr/bin/tool"),
        Entry::symlink("bin", "usr/bin"),
        Entry::file("srv/old/one", "1"),
        Entry::file("srv/old/two", "2"),
    ])
}

/// The files of a service in `version`, on top of the base.
pub(crate) fn application(version: &str) -> Vec<u8> {
    let package = format!(r#"{{"name":"orders-api","version":"{version}"}}"#);
    archive(&[
        Entry::whiteout("etc/removed-later"),
        Entry::opaque("srv/old"),
        Entry::file("srv/old/three", "3"),
        Entry::file("home/node/app/package.json", package),
        Entry::file("home/node/app/package-lock.json", r#"{"lockfileVersion":3}"#),
        Entry::file("home/node/app/index.js", "require('http')"),
    ])
}

/// A service image with a gzip layer of many members below a zstd layer.
pub(crate) fn service(name: &str, version: &str, platform: &str) -> Image {
    Image::builder()
        .platform(platform)
        .layer(Layer::gzip_members(&base(), 10_000))
        .layer(Layer::zstd(&application(version)).unwrap())
        .label(SERVICE, name)
        .label(SOURCE, &format!("https://github.com/example/{name}"))
        .label("org.opencontainers.image.version", version)
        .runtime("Entrypoint", serde_json::json!(["/usr/bin/tool"]))
        .build()
}

/// The same service for two platforms.
pub(crate) fn service_index(name: &str, version: &str) -> Index {
    Index::of(vec![service(name, version, "linux/amd64"), service(name, version, "linux/arm64/v8")])
}

/// A schema 2 image, as Docker pushes it.
pub(crate) fn docker(name: &str, version: &str) -> Image {
    Image::builder()
        .docker()
        .layer(Layer::gzip(&base()))
        .layer(Layer::gzip(&application(version)))
        .label(SERVICE, name)
        .build()
}
