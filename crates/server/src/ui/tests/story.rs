//! A shop's registry: what the pages are drawn with.

use std::collections::BTreeMap;

use portolan_model::{Digest, EventId, FileKind, JobId, RepositoryName, Timestamp};
use portolan_store::{
    Child, FileRecord, ImageKind, ImageLayer, LayerResult, NewJob, ScannedImage, Store,
};
use serde_json::json;

use super::bed::{NOW, change};

pub(super) fn ago(millis: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap().plus_millis(-millis)
}

pub(super) const MINUTE: i64 = 60_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

pub(super) fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

pub(super) async fn tag(store: &Store, name: &str, image: Option<&str>, at: Timestamp) {
    let (repository, tag) = name.split_once(':').unwrap();
    let (repository, tag) = (repository.parse().unwrap(), tag.parse().unwrap());
    let (image, event) = (image.map(digest), EventId::new(store.ids()));
    change!(store, |tx| tx.move_tag(&repository, &tag, image, at, event).await);
}

pub(super) async fn see(store: &Store, repository: &str, image: &str, kind: ImageKind) {
    let (repository, image): (RepositoryName, _) = (repository.parse().unwrap(), digest(image));
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    change!(store, |tx| tx.see_image(&repository, &image, media_type, kind, ago(HOUR)).await);
}

pub(super) async fn scanned(store: &Store, image: &str, kind: ImageKind, found: ScannedImage) {
    let image = digest(image);
    change!(store, |tx| tx.put_scanned_image(&image, kind, &found, ago(50 * MINUTE)).await);
}

/// A file of 18 kB without kept contents.
pub(super) fn file(path: &str) -> FileRecord {
    FileRecord {
        path: path.into(),
        raw_path: None,
        kind: FileKind::File,
        mode: 0o644,
        size: 18_345,
        digest: Some(digest(path)),
        link: None,
        kept: false,
        note: None,
    }
}

pub(super) fn kept(path: &str, contents: &[u8]) -> FileRecord {
    FileRecord {
        kept: true,
        size: contents.len() as u64,
        digest: Some(Digest::of(contents)),
        ..file(path)
    }
}

pub(super) async fn content(store: &Store, contents: &[u8]) {
    let (digest, bytes) = (Digest::of(contents), contents.to_vec());
    change!(store, |tx| tx.put_content(&digest, bytes).await);
}

/// Reads the layer `name`, of `size` bytes compressed.
pub(super) async fn layer(store: &Store, name: &str, size: u64, files: Vec<FileRecord>) {
    let result = LayerResult {
        digest: digest(name),
        scan_key: digest("rules"),
        diff_id: digest(&format!("{name} raw")),
        compressed_bytes: size,
        raw_bytes: size * 3,
        entries: files.len() as u64,
    };
    change!(store, |tx| {
        let scan = tx.begin_layer_scan(&result.digest, ago(HOUR)).await?;
        tx.put_layer_files(scan, &files).await?;
        tx.finish_layer(scan, &result, ago(HOUR)).await
    });
}

pub(super) fn of_layers(layers: &[(&str, u64, Option<&str>)]) -> ScannedImage {
    let layers = layers.iter().map(|(name, size, created_by)| ImageLayer {
        digest: digest(name),
        diff_id: Some(digest(&format!("{name} raw"))),
        media_type: "application/vnd.oci.image.layer.v1.tar+gzip".into(),
        size: *size,
        created_by: created_by.map(str::to_owned),
    });
    let layers: Vec<_> = layers.collect();
    let bytes = layers.iter().map(|layer| layer.size).sum();
    ScannedImage {
        compressed_bytes: bytes,
        raw_bytes: bytes * 3,
        layers,
        platform: Some("linux/amd64".parse().unwrap()),
        ..ScannedImage::default()
    }
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(super) const OS_RELEASE: &str =
    "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\tindented <b>\n";

async fn orders(store: &Store) {
    content(store, OS_RELEASE.as_bytes()).await;
    content(store, b"{\"name\": \"orders\"}").await;
    content(store, b"\x7fELF\0\x01\x02\xff").await;
    let base = vec![
        kept("etc/os-release", OS_RELEASE.as_bytes()),
        FileRecord { kind: FileKind::Directory, digest: None, size: 0, mode: 0o755, ..file("etc") },
        FileRecord {
            kind: FileKind::Symlink,
            digest: None,
            size: 0,
            link: Some("usr/bin".into()),
            ..file("bin")
        },
    ];
    layer(store, "debian", 62_000_000, base).await;
    let modules = (0..240).map(|n| file(&format!("app/node_modules/left-pad-{n:03}/index.js")));
    layer(store, "modules", 210_000_000, modules.collect()).await;
    let app = vec![
        kept("app/package.json", b"{\"name\": \"orders\"}"),
        file("app/server.js"),
        kept("app/native.node", b"\x7fELF\0\x01\x02\xff"),
        FileRecord {
            note: Some("larger than 16 MB".into()),
            size: 40_000_000,
            ..file("app/package-lock.json")
        },
    ];
    layer(store, "app", 34_000_000, app).await;
    let made = of_layers(&[
        ("debian", 62_000_000, Some("/bin/sh -c #(nop) ADD file:5c32499ab806 in / ")),
        ("modules", 210_000_000, Some("RUN /bin/sh -c npm ci --omit=dev # buildkit")),
        ("app", 34_000_000, Some("COPY . /app # buildkit")),
        ("config", 3_000_000, None),
    ]);
    let found = ScannedImage {
        config_digest: Some(digest("orders config")),
        created_at: Some(ago(3 * HOUR)),
        service_name: Some("orders-api".into()),
        source_url: Some("https://git.example/shop/orders-api".into()),
        revision: Some("63eb5a367cfd0f2a9f0d2b77a3b0c5d1e9a8b7c6".into()),
        labels: labels(&[
            ("defra.cdp.service.name", "orders-api"),
            ("org.opencontainers.image.description", "Takes orders.\nAnd gives them back."),
            ("org.opencontainers.image.revision", "63eb5a367cfd0f2a9f0d2b77a3b0c5d1e9a8b7c6"),
            ("org.opencontainers.image.source", "https://git.example/shop/orders-api"),
        ]),
        config: json!({
            "entrypoint": ["/usr/bin/node", "--enable-source-maps"], "cmd": ["server.js"],
            "env": ["PATH=/usr/local/bin:/usr/bin:/bin", "NODE_ENV=production"],
            "workingDir": "/app", "user": "1000:1000", "exposedPorts": ["8080/tcp", "9229/tcp"],
        }),
        ..made
    };
    see(store, "shop/orders-api", "orders 2", ImageKind::Image).await;
    scanned(store, "orders 2", ImageKind::Image, found).await;
    see(store, "shop/orders-api", "orders 1", ImageKind::Image).await;
    let earlier = of_layers(&[("debian", 62_000_000, None), ("older app", 31_000_000, None)]);
    scanned(store, "orders 1", ImageKind::Image, earlier).await;
    for (name, image, at) in [
        ("shop/orders-api:1.30.1", Some("orders 1"), ago(9 * DAY)),
        ("shop/orders-api:latest", Some("orders 1"), ago(9 * DAY)),
        ("shop/orders-api:env.production", Some("orders 1"), ago(8 * DAY)),
        ("shop/orders-api:1.30.2", Some("orders 2"), ago(2 * HOUR)),
        ("shop/orders-api:latest", Some("orders 2"), ago(2 * HOUR)),
        ("shop/orders-api:env.staging", Some("orders 2"), ago(HOUR)),
        ("shop/orders-api:broken", Some("orders 1"), ago(3 * DAY)),
        ("shop/orders-api:broken", None, ago(2 * DAY)),
    ] {
        tag(store, name, image, at).await;
    }
}

async fn mailer(store: &Store) {
    let platforms = [("mailer amd64", "linux/amd64"), ("mailer arm64", "linux/arm64")];
    layer(store, "mailer", 4_200_000, vec![file("mailer"), file("etc/mailer.conf")]).await;
    for (image, platform) in platforms {
        see(store, "mailer", image, ImageKind::Image).await;
        let found = ScannedImage {
            platform: Some(platform.parse().unwrap()),
            ..of_layers(&[
                ("debian", 62_000_000, None),
                ("mailer", 4_200_000, Some("COPY mailer /")),
            ])
        };
        scanned(store, image, ImageKind::Image, found).await;
    }
    let child = |name: &str, platform: &str| Child {
        digest: digest(name),
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        size: 1234,
        platform: Some(platform.parse().unwrap()),
    };
    let mut children: Vec<_> = platforms.map(|(image, platform)| child(image, platform)).into();
    children.push(child("mailer attestation", "unknown/unknown"));
    see(store, "mailer", "mailer index", ImageKind::Index).await;
    let found = ScannedImage {
        children,
        platform: None,
        layers: Vec::new(),
        ..of_layers(&[("debian", 62_000_000, None), ("mailer", 4_200_000, None)])
    };
    scanned(store, "mailer index", ImageKind::Index, found).await;
    tag(store, "mailer:2026.11.3", Some("mailer index"), ago(26 * HOUR)).await;
}

async fn unfinished(store: &Store) {
    see(store, "tools/waiting", "waiting", ImageKind::Image).await;
    tag(store, "tools/waiting:nightly", Some("waiting"), ago(20_000)).await;
    see(store, "tools/broken", "broken", ImageKind::Image).await;
    let image = digest("broken");
    let error =
        "layer sha256:9f671e304112 is truncated: 4,096 of 3,000,000 bytes; push the image again";
    change!(store, |tx| tx.image_failed(&image, error, ago(MINUTE)).await);
    tag(store, "tools/broken:0.1.0", Some("broken"), ago(2 * MINUTE)).await;
    see(store, "charts/shop", "chart", ImageKind::Artifact).await;
    scanned(
        store,
        "chart",
        ImageKind::Artifact,
        ScannedImage { platform: None, ..of_layers(&[("chart", 12_345, None)]) },
    )
    .await;
    tag(store, "charts/shop:7.0.0", Some("chart"), ago(40 * DAY)).await;
}

/// Queues a job of `kind` created at `at` and answers its identity.
pub(super) async fn job(
    store: &Store,
    kind: &'static str,
    payload: serde_json::Value,
    at: Timestamp,
) -> JobId {
    let id = JobId::new(store.ids());
    let job = NewJob { kind, payload, dedupe_key: None, priority: 0, run_at: at };
    change!(store, |tx| tx.enqueue(id, &job, at).await);
    id
}

async fn jobs(store: &Store) {
    let scan = |repository: &str, image: &str| json!({ "repository": repository, "digest": digest(image) });
    let until = ago(-MINUTE);
    job(store, "scan-image", scan("shop/orders-api", "orders 2"), ago(2 * HOUR)).await;
    change!(store, |tx| {
        let claimed = tx.claim_job("here", &["scan-image"], ago(2 * HOUR), until).await?.unwrap();
        tx.finish_job(claimed.lease(), ago(2 * HOUR - 4_000)).await
    });
    job(store, "scan-image", scan("tools/broken", "broken"), ago(2 * MINUTE)).await;
    change!(store, |tx| {
        let claimed = tx.claim_job("here", &["scan-image"], ago(2 * MINUTE), until).await?.unwrap();
        let error = "layer sha256:9f671e304112 is truncated: 4,096 of 3,000,000 bytes";
        tx.fail_job(claimed.lease(), error, ago(MINUTE)).await
    });
    job(
        store,
        "backfill",
        json!({ "registry": "registry.example", "drop": false }),
        ago(5 * MINUTE),
    )
    .await;
    let progress = json!({
        "done": 412, "total": 1000, "repositories": 31, "tags": 412, "scanned": 380, "known": 31, "failed": 1,
        "failures": ["registry.example/old:1: the manifest is of schema 1"], "listed": false, "cursor": null,
    });
    change!(store, |tx| {
        let claimed = tx.claim_job("here", &["backfill"], ago(5 * MINUTE), until).await?.unwrap();
        tx.keep_job(claimed.lease(), until, Some(&progress), ago(2_000)).await
    });
    job(store, "scan-image", scan("tools/waiting", "waiting"), ago(20_000)).await;
}

/// Everything.
pub(super) async fn tell(store: &Store) {
    orders(store).await;
    mailer(store).await;
    unfinished(store).await;
    jobs(store).await;
}
