//! Images made from files: the same bytes each time, and read by tar and skopeo.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use common::{at, tag};
use portolan_model::{Digest, Limits};
use portolan_oci::append::{AppendError, Appended, Source, Spec, append};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{Client, Layout, Manifest, Place, Settings};
use portolan_testkit::containers::Containers;
use portolan_testkit::{Image, Index, Layer, Publisher, docker_registry, process, tar};

/// A tree with all that a layer can hold: a program, a file, a link, an empty directory, long and
/// foreign names.
fn tree(root: &Path) {
    let write = |path: &str, text: &str, mode: u32| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("bin/app", "#!/bin/sh\necho hello\n", 0o700);
    write("etc/app.conf", "key = value\n", 0o600);
    write(&format!("etc/{}", "long".repeat(40)), "long", 0o644);
    write("etc/naïve", "letters", 0o644);
    write("srv/data", &"0123456789".repeat(100_000), 0o666);
    std::fs::create_dir(root.join("empty")).unwrap();
    std::os::unix::fs::symlink("../bin/app", root.join("etc/link")).unwrap();
}

fn spec(files: &Path, work: &Path) -> Spec {
    Spec {
        files: vec![Source { from: files.to_owned(), to: "/".into() }],
        platform: Some("linux/arm64/v8".parse().unwrap()),
        entrypoint: Some(vec!["/bin/app".into()]),
        cmd: Some(vec!["serve".into()]),
        env: vec![("PATH".into(), "/bin".into()), ("A".into(), "b=c".into())],
        labels: BTreeMap::from([("org.opencontainers.image.title".into(), "app".into())]),
        working_dir: Some("/srv".into()),
        user: Some("1000:1000".into()),
        exposed_ports: vec!["8080".into()],
        created: Some("2026-01-05T10:00:00Z".parse().unwrap()),
        work_dir: work.to_owned(),
    }
}

async fn layout(path: &Path) -> Place {
    Place::Layout(Layout::create(path, &Limits::default()).await.unwrap())
}

async fn from_scratch(to: &Place, work: &Path) -> Appended {
    let files = tempfile::tempdir().unwrap();
    tree(files.path());
    append(None, &spec(files.path(), work), to, Some(&tag("1"))).await.unwrap()
}

#[tokio::test]
async fn equal_inputs_are_equal_bytes_wherever_and_whenever() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (layout(&dir.path().join("1")).await, layout(&dir.path().join("2")).await);
    let first = from_scratch(&one, dir.path()).await;
    let second = from_scratch(&two, dir.path()).await;
    assert_eq!(first, second);
    // Whoever changes these changes every image that is made: the archive, the compression, or
    // what the configuration says.
    let fetched = one.manifest(&at("1")).await.unwrap();
    let config = fetched.manifest.blobs().next().unwrap();
    let diff_id = one.config(config).await.unwrap().diff_ids[0];
    let golden =
        [diff_id.to_string(), first.layer.unwrap().digest.to_string(), first.digest.to_string()];
    assert_eq!(
        golden,
        [
            "sha256:52b086fcb43f4cd37f62bbcdda5409ed8834036f536fdb6c115a2296e2cef708",
            "sha256:22414f59de75457fd006b72a1d63482059240052b2174babc294f83acf3983e8",
            "sha256:6cb9b3f962f32e902da785572ee35afaf00376648bb77e3595945a42c464e0d4",
        ]
    );
}

#[tokio::test]
async fn tar_and_skopeo_read_what_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("layout");
    let to = layout(&path).await;
    let made = from_scratch(&to, dir.path()).await;
    let layer = path.join("blobs/sha256").join(made.layer.unwrap().digest.hex());
    let mut list = std::process::Command::new("tar");
    list.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").arg("--numeric-owner").arg("-tvzf").arg(&layer);
    let list = process::output(&mut list).unwrap();
    let long = format!("etc/{}", "long".repeat(40));
    for line in [
        "drwxr-xr-x 0/0               0 2026-01-05 10:00 bin/",
        "-rwxr-xr-x 0/0              21 2026-01-05 10:00 bin/app",
        "-rw-r--r-- 0/0              12 2026-01-05 10:00 etc/app.conf",
        "lrwxrwxrwx 0/0               0 2026-01-05 10:00 etc/link -> ../bin/app",
        &format!("-rw-r--r-- 0/0               4 2026-01-05 10:00 {long}"),
        "-rw-r--r-- 0/0               7 2026-01-05 10:00 etc/naïve",
        "drwxr-xr-x 0/0               0 2026-01-05 10:00 empty/",
    ] {
        assert!(list.lines().any(|has| has == line), "{line}\n{list}");
    }
    let out = dir.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let mut extract = std::process::Command::new("tar");
    extract.arg("-xzf").arg(&layer).arg("-C").arg(&out);
    process::output(&mut extract).unwrap();
    let data = std::fs::read_to_string(out.join("srv/data")).unwrap();
    assert_eq!(data, "0123456789".repeat(100_000));
    let containers = Containers::new().unwrap();
    let name = format!("oci:{}:1", path.display());
    let config = containers.skopeo(&["inspect", "--config", &name]).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/bin/app"]));
    assert_eq!(config["config"]["ExposedPorts"], serde_json::json!({"8080/tcp": {}}));
    let again = format!("dir:{}", dir.path().join("dir").display());
    containers.skopeo(&["copy", &name, &again]).unwrap();
}

/// A base for two platforms, in a registry; the image goes to another repository of it.
async fn on_base(
    kept: &Path,
    docker: bool,
    platform: Option<&str>,
) -> Result<(Place, Appended), AppendError> {
    let registry = docker_registry::start(&docker_registry::Options::default()).unwrap();
    let base = |platform: &str| {
        let builder = Image::builder()
            .platform(platform)
            .label("base", "yes")
            .label("org.opencontainers.image.title", "base")
            .runtime("Env", serde_json::json!(["PATH=/usr/bin", "LANG=C"]))
            .runtime("Cmd", serde_json::json!(["base"]))
            .layer(Layer::gzip(&tar::archive([&tar::Entry::file("base", platform)])));
        if docker { builder.docker().build() } else { builder.build() }
    };
    let images = vec![base("linux/amd64"), base("linux/arm64")];
    let index = if docker { Index::docker(images) } else { Index::of(images) };
    Publisher::new(&registry.url(), "base").index("1", &index).unwrap();
    let client = Client::new(Settings::default(), Arc::new(NoCredentials)).unwrap();
    let place = |name: &str| {
        let name = name.parse().unwrap();
        Place::Registry(client.repository(&registry.address(), &name).unwrap())
    };
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("app"), "app").unwrap();
    let spec = Spec {
        files: vec![Source { from: files, to: "/opt/app".into() }],
        platform: platform.map(|platform| platform.parse().unwrap()),
        cmd: None,
        ..spec(dir.path(), dir.path())
    };
    let (from, to) = (place("base"), place("app"));
    let made = append(Some((&from, &at("1"))), &spec, &to, Some(&tag("2"))).await?;
    // The image is copied out of the registry, which ends with this function.
    let kept = layout(kept).await;
    let options = portolan_oci::CopyOptions::default();
    portolan_oci::copy(&to, &at("2"), &kept, Some(&tag("2")), &options).await.unwrap();
    Ok((kept, made))
}

#[tokio::test]
async fn a_layer_goes_onto_a_base_and_keeps_what_is_not_said() {
    let kept = tempfile::tempdir().unwrap();
    let (place, made) = on_base(kept.path(), false, Some("linux/arm64")).await.unwrap();
    let fetched = place.manifest(&at("2")).await.unwrap();
    assert_eq!(fetched.digest, made.digest);
    let Manifest::Image(image) = &fetched.manifest else { panic!("one image") };
    assert_eq!(image.layers.len(), 2);
    let config = place.config(&image.config).await.unwrap();
    assert_eq!(config.platform.unwrap().to_string(), "linux/arm64");
    assert_eq!(config.env, ["PATH=/bin", "LANG=C", "A=b=c"]);
    assert_eq!(config.labels["base"], "yes");
    assert_eq!(config.labels["org.opencontainers.image.title"], "app");
    assert_eq!((config.cmd.len(), config.diff_ids.len()), (0, 2));
}

#[tokio::test]
async fn a_base_of_docker_stays_dockers() {
    let kept = tempfile::tempdir().unwrap();
    let (place, made) = on_base(kept.path(), true, Some("linux/amd64")).await.unwrap();
    assert_eq!(made.media_type, portolan_model::media::DOCKER_MANIFEST);
    let fetched = place.manifest(&at("2")).await.unwrap();
    let types: Vec<&str> = fetched.manifest.blobs().map(|blob| blob.media_type.as_str()).collect();
    assert_eq!(types[0], portolan_model::media::DOCKER_CONFIG);
    assert!(types[1..].iter().all(|name| *name == portolan_model::media::DOCKER_LAYER_GZIP));
}

#[tokio::test]
async fn a_base_for_several_platforms_asks_for_one() {
    let kept = tempfile::tempdir().unwrap();
    let error = on_base(kept.path(), false, None).await.unwrap_err();
    let text = error.to_string();
    assert_eq!(text, "the base is for several platforms; name one of linux/amd64, linux/arm64");
}

#[tokio::test]
async fn words_that_no_runtime_understands_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let to = layout(&dir.path().join("layout")).await;
    for spec in [
        Spec { env: vec![("A=B".into(), String::new())], ..Spec::default() },
        Spec { exposed_ports: vec!["http".into()], ..Spec::default() },
    ] {
        let error = append(None, &spec, &to, None).await.unwrap_err();
        assert!(matches!(error, AppendError::Word { .. }), "{error}");
    }
    assert_eq!(to.tags().await.unwrap(), []);
    let empty = append(None, &Spec::default(), &to, Some(&tag("empty"))).await.unwrap();
    assert_eq!(empty.layer, None);
    assert_eq!(to.manifest(&at("empty")).await.unwrap().digest, empty.digest);
    assert_ne!(empty.digest, Digest::of(b""));
}
