//! Against Debian's docker-registry and skopeo: push, pull, list, copy, tag, delete.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::sync::Arc;

use portolan_model::{Digest, RepositoryName, Tag, Target, media};
use portolan_oci::copy::CopyError;
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, CopyOptions, Layout, Place, Settings, copy};
use portolan_testkit::docker_registry::{self, DockerRegistry};
use portolan_testkit::{Image, Index, Layer, Publisher, containers::Containers, tar};

fn image(platform: &str, text: &str) -> Image {
    let archive = tar::archive([&tar::Entry::file("etc/hello", text)]);
    Image::builder()
        .platform(platform)
        .layer(Layer::gzip(&tar::archive([&tar::Entry::dir("shared/")])))
        .layer(Layer::gzip(&archive))
        .build()
}

fn index() -> Index {
    Index::of(vec![image("linux/amd64", "amd"), image("linux/arm64", "arm")])
}

fn registry() -> DockerRegistry {
    let options = docker_registry::Options { delete: true, ..Default::default() };
    docker_registry::start(&options).unwrap()
}

fn client() -> Client {
    Client::new(Settings::default(), Arc::new(NoCredentials)).unwrap()
}

fn repository(registry: &DockerRegistry, name: &str) -> Place {
    let name: RepositoryName = name.parse().unwrap();
    Place::Registry(client().repository(&registry.address(), &name).unwrap())
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn at(text: &str) -> Target {
    Target::Tag(tag(text))
}

async fn layout(path: &std::path::Path) -> Place {
    Place::Layout(Layout::create(path, &portolan_model::Limits::default()).await.unwrap())
}

fn publish(registry: &DockerRegistry, name: &str, index: &Index) {
    Publisher::new(&registry.url(), name).index("1", index).unwrap();
}

#[tokio::test]
async fn an_index_goes_from_a_registry_through_a_layout_to_another_registry() {
    let (one, other, index) = (registry(), registry(), index());
    publish(&one, "team/app", &index);
    let dir = tempfile::tempdir().unwrap();
    let (from, middle, to) =
        (repository(&one, "team/app"), layout(dir.path()).await, repository(&other, "copy/app"));
    let options = CopyOptions::default();
    let copied = copy(&from, &at("1"), &middle, Some(&tag("1")), &options).await.unwrap();
    assert_eq!(copied.digest, Some(index.digest()));
    assert_eq!((copied.manifests, copied.blobs), (3, 5), "the shared layer is copied once");
    let copied = copy(&middle, &at("1"), &to, Some(&tag("v1")), &options).await.unwrap();
    assert_eq!((copied.digest, copied.blobs), (Some(index.digest()), 5));
    assert_eq!(to.resolve(&at("v1")).await.unwrap(), Some(index.digest()));
    let again = copy(&from, &at("1"), &to, Some(&tag("v1")), &options).await.unwrap();
    assert_eq!((again.manifests, again.blobs, again.manifests_present), (0, 0, 1));
    assert_eq!(to.tags().await.unwrap(), [tag("v1")]);
}

#[tokio::test]
async fn a_copy_inside_one_registry_mounts_and_moves_no_bytes() {
    let (registry, index) = (registry(), index());
    publish(&registry, "team/app", &index);
    let (from, to) = (repository(&registry, "team/app"), repository(&registry, "other/app"));
    let options = CopyOptions::default();
    let copied = copy(&from, &at("1"), &to, Some(&tag("1")), &options).await.unwrap();
    assert_eq!((copied.blobs_mounted, copied.blobs, copied.bytes), (5, 0, 0));
    assert_eq!(to.resolve(&at("1")).await.unwrap(), Some(index.digest()));
}

#[tokio::test]
async fn one_platform_is_copied_alone_and_a_missing_one_is_named() {
    let (registry, index) = (registry(), index());
    publish(&registry, "team/app", &index);
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (repository(&registry, "team/app"), layout(dir.path()).await);
    let options = |platform: &str| CopyOptions {
        platform: Some(platform.parse().unwrap()),
        ..CopyOptions::default()
    };
    let arm = options("linux/arm64");
    let copied = copy(&from, &at("1"), &to, Some(&tag("arm")), &arm).await.unwrap();
    let fetched = to.manifest(&at("arm")).await.unwrap();
    assert_eq!(copied.digest, Some(fetched.digest));
    let config = fetched.manifest.blobs().next().unwrap().clone();
    let config = to.config(&config).await.unwrap();
    assert_eq!(config.platform.unwrap().to_string(), "linux/arm64");
    let none = options("linux/s390x");
    let error = copy(&from, &at("1"), &to, None, &none).await.unwrap_err();
    assert!(matches!(&error, CopyError::Platform { has, .. } if has.len() == 2), "{error}");
}

#[tokio::test]
async fn tags_and_manifests_are_set_and_deleted() {
    let (registry, index) = (registry(), index());
    publish(&registry, "team/app", &index);
    let place = repository(&registry, "team/app");
    assert_eq!(place.tag(&at("1"), &tag("stable")).await.unwrap(), index.digest());
    assert_eq!(place.resolve(&at("stable")).await.unwrap(), Some(index.digest()));
    assert!(place.delete_manifest(&index.digest()).await.unwrap());
    assert_eq!(place.resolve(&at("stable")).await.unwrap(), None);
    assert!(!place.delete_manifest(&Digest::of(b"none")).await.unwrap());
}

#[tokio::test]
async fn tags_and_repositories_are_listed_over_several_pages() {
    let registry = registry();
    let image = image("linux/amd64", "many");
    let publisher = Publisher::new(&registry.url(), "many/tags");
    for number in 0..25 {
        publisher.image(&format!("t{number:02}"), &image).unwrap();
    }
    for name in ["a", "b", "c/d"] {
        Publisher::new(&registry.url(), name).image("1", &image).unwrap();
    }
    let mut settings = Settings::default();
    settings.limits.page_items = 2;
    let client = Client::new(settings, Arc::new(NoCredentials)).unwrap();
    let registry = client.registry(&registry.address()).unwrap();
    let tags = registry.repository(&"many/tags".parse().unwrap()).tags().await.unwrap();
    assert_eq!(tags.len(), 25);
    let (mut found, mut next) = (Vec::new(), None);
    loop {
        let page = registry.catalog(next.as_deref()).await.unwrap();
        found.extend(page.repositories.iter().map(ToString::to_string));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found, ["a", "b", "c/d", "many/tags"]);
}

#[tokio::test]
async fn what_is_not_there_says_where_and_what_to_do() {
    let registry = registry();
    let place = repository(&registry, "team/none");
    assert_eq!(place.resolve(&at("1")).await.unwrap(), None);
    let error = place.manifest(&at("1")).await.unwrap_err();
    assert!(error.is_not_found());
    let address = registry.address();
    assert_eq!(error.to_string(), format!("could not read the manifest 1 at {address}/team/none"));
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("404 MANIFEST_UNKNOWN"), "{cause}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn skopeo_reads_the_layout_that_was_written() {
    let (registry, index) = (registry(), index());
    publish(&registry, "team/app", &index);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("layout");
    let (from, to) = (repository(&registry, "team/app"), layout(&path).await);
    copy(&from, &at("1"), &to, Some(&tag("1")), &CopyOptions::default()).await.unwrap();
    let containers = Containers::new().unwrap();
    let name = format!("oci:{}:1", path.display());
    let raw = containers.skopeo(&["inspect", "--raw", &name]).unwrap();
    assert_eq!(Digest::of(raw.as_bytes()), index.digest());
    let out = format!("oci:{}:1", dir.path().join("again").display());
    containers.skopeo(&["copy", "--all", &name, &out]).unwrap();
    let other = layout(&dir.path().join("again")).await;
    assert_eq!(other.resolve(&at("1")).await.unwrap(), Some(index.digest()));
}

#[tokio::test]
async fn a_copy_that_was_stopped_goes_on_where_it_was() {
    let (registry, other, index) = (registry(), registry(), index());
    publish(&registry, "team/app", &index);
    let from = repository(&registry, "team/app");
    let dir = tempfile::tempdir().unwrap();
    for to in [layout(dir.path()).await, repository(&other, "app")] {
        for blobs in 0..5 {
            let (stop, mut stopped) = tokio::sync::mpsc::unbounded_channel();
            let progress: portolan_oci::copy::Progress = Arc::new(move |event| {
                if matches!(event, portolan_oci::copy::CopyEvent::Blob { .. }) {
                    let _ = stop.send(());
                }
            });
            let options =
                CopyOptions { streams: 1, progress: Some(progress), ..Default::default() };
            let (target, tag) = (at("1"), tag("1"));
            tokio::select! {
                biased;
                Some(()) = async { stopped.recv().await } => {}
                done = copy(&from, &target, &to, Some(&tag), &options) => {
                    assert!(blobs > 0, "stopped at the first blob: {done:?}");
                }
            }
        }
        let copied =
            copy(&from, &at("1"), &to, Some(&tag("1")), &CopyOptions::default()).await.unwrap();
        assert_eq!(copied.digest, Some(index.digest()));
        assert_eq!(to.resolve(&at("1")).await.unwrap(), Some(index.digest()));
        let fetched = to.manifest(&at("1")).await.unwrap();
        for child in fetched.manifest.children() {
            let child = to.manifest(&Target::Digest(child.digest)).await.unwrap();
            for blob in child.manifest.blobs() {
                assert!(to.has_blob(blob).await.unwrap());
            }
        }
    }
}

#[tokio::test]
async fn what_is_about_an_image_goes_with_it_also_where_the_api_is_missing() {
    let (one, other) = (registry(), registry());
    let image = image("linux/amd64", "signed");
    Publisher::new(&one.url(), "team/app").image("1", &image).unwrap();
    let from = repository(&one, "team/app");
    let config = from.put_small_blob(bytes::Bytes::from_static(b"{}")).await.unwrap();
    let about = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "artifactType": "application/vnd.example.signature",
        "config": portolan_oci::Descriptor::new(media::OCI_EMPTY, config, 2),
        "layers": [],
        "subject": portolan_oci::Descriptor::new(
            media::OCI_MANIFEST, image.digest(), image.manifest.bytes.len() as u64),
    });
    let bytes = bytes::Bytes::from(about.to_string());
    let signature =
        from.put_manifest(portolan_oci::Under::Digest, media::OCI_MANIFEST, bytes).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (middle, to) = (layout(dir.path()).await, repository(&other, "app"));
    let options = CopyOptions { referrers: true, ..CopyOptions::default() };
    copy(&from, &at("1"), &middle, Some(&tag("1")), &options).await.unwrap();
    copy(&middle, &at("1"), &to, Some(&tag("1")), &options).await.unwrap();
    for place in [&from, &middle, &to] {
        let found = place.referrers(&image.digest()).await.unwrap();
        let digests: Vec<Digest> = found.iter().map(|one| one.digest).collect();
        assert_eq!(digests, [signature]);
    }
}
