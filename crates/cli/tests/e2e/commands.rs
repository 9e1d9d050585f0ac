//! The command line against a running server, another registry and directories.

use std::path::Path;
use std::process::Command;

use portolan_testkit::containers::Containers;
use portolan_testkit::docker_registry;
use portolan_testkit::layout::Layout;
use serde_json::Value;

use crate::images;
use crate::world::{BINARY, Engine, World};

on_both_stores!(images_are_asked_about, unused_blobs_are_collected);

/// How a run without a server ended: exit code, standard output, standard error.
fn run(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let output = Command::new(BINARY)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("PORTOLAN_SERVER")
        .env_remove(portolan_testkit::postgres::VARIABLE)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn images_are_asked_about(engine: Engine) {
    let world = World::start(engine);
    let index = images::service_index("orders-api", "1.0.0");
    world.publisher("shop/orders-api").index("1.0.0", &index).unwrap();
    world.artifact("shop/orders-api", "1.0.0");
    let json = |arguments: &[&str]| -> Value {
        let text = world.cli(&[arguments, &["--output", "json"]].concat()).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let name = "shop/orders-api:1.0.0";
    let list = world.cli(&["image", "list"]).unwrap();
    assert!(list.contains("shop/orders-api"), "{list}");
    let show = world.cli(&["image", "show", name]).unwrap();
    assert!(show.contains("orders-api") && show.contains("linux/arm64"), "{show}");
    assert_eq!(json(&["image", "show", name])["digest"], index.digest().to_string());
    let files = ["image", "files", name, "--platform", "linux/amd64"];
    let lock = world.cli(&[&files[..], &["--contains", "lock"]].concat()).unwrap();
    assert!(lock.contains("home/node/app/package-lock.json"), "{lock}");
    let all = world.cli(&files).unwrap();
    assert!(all.contains("usr/bin/same") && !all.contains("removed-later"), "{all}");
    assert!(all.contains("srv/old/three") && !all.contains("srv/old/one"), "{all}");
    let cat = ["image", "cat", name, "etc/os-release", "--platform", "linux/amd64"];
    assert_eq!(world.cli(&cat).unwrap(), "ID=debian\nVERSION_ID=\"12\"\n");
    world.cli(&["image", "tag", name, "stable"]).unwrap();
    assert_eq!(world.artifact("shop/orders-api", "stable")["sha256"], index.digest().to_string());
}

fn unused_blobs_are_collected(engine: Engine) {
    let world = World::start(engine);
    let image = images::service("a", "1.0.0", "linux/amd64");
    let publisher = world.publisher("a");
    publisher.image("1.0.0", &image).unwrap();
    world.artifact("a", "1.0.0");
    world.cli(&["registry", "gc", "--plan"]).unwrap();
    world.cli(&["registry", "gc"]).unwrap();
    let containers = Containers::new().unwrap();
    let from = format!("docker://{}/a:1.0.0", world.address());
    let to = format!("dir:{}", containers.home().join("pulled").display());
    containers.skopeo(&["copy", "--src-tls-verify=false", &from, &to]).unwrap();
}

#[test]
fn copies_keep_their_digest_wherever_they_go() {
    let world = World::start(Engine::Sqlite);
    let login = Some(("someone".to_owned(), "secret".to_owned()));
    let open = docker_registry::start(&docker_registry::Options::default()).unwrap();
    let options = docker_registry::Options { htpasswd: login, delete: false };
    let closed = docker_registry::start(&options).unwrap();
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut layout = Layout::create(&folder.path().join("from")).unwrap();
    let index = images::service_index("orders-api", "1.0.0");
    layout.index("1.0.0", &index).unwrap();
    let ours = format!("{}/shop/orders-api:1.0.0", world.address());
    let other = format!("{}/copied/here:1.0.0", open.address());
    let back = format!("oci:{}:1.0.0", folder.path().join("to").display());
    world.cli(&["image", "copy", &layout.name("1.0.0"), &ours]).unwrap();
    world.cli(&["image", "copy", &ours, &other]).unwrap();
    world.cli(&["image", "copy", &other, &back]).unwrap();
    let raw = containers.skopeo(&["inspect", "--raw", &back]).unwrap();
    assert_eq!(portolan_model::Digest::of(raw.as_bytes()), index.digest());

    let secret = format!("{}/copied/here:1.0.0", closed.address());
    let refused = world.cli(&["image", "copy", &ours, &secret]).unwrap_err().to_string();
    assert!(refused.contains("exit status: 6"), "{refused}");
    assert!(refused.contains("hint:"), "{refused}");
}

#[test]
fn an_image_is_made_without_a_daemon_and_runs() {
    let world = World::start(Engine::Sqlite);
    let containers = Containers::new().unwrap();
    let busybox = portolan_testkit::process::find("busybox", "busybox-static").unwrap();
    let file = format!("{}:/bin/busybox", busybox.display());
    let append = |to: &str| {
        let append = ["image", "append", "--base", "scratch", "--file", &file];
        let settings = ["--entrypoint", "/bin/busybox", "--label", "defra.cdp.service.name=box"];
        world.cli(&[&append[..], &settings, &[to]].concat()).unwrap();
    };
    let name = format!("{}/made/box", world.address());
    append(&format!("{name}:1.0.0"));
    append(&format!("{name}:1.0.1"));
    let first = world.artifact("made/box", "1.0.0");
    assert_eq!(first["serviceName"], "box");
    assert_eq!(first["sha256"], world.artifact("made/box", "1.0.1")["sha256"]);
    let made = format!("{name}:1.0.0");
    containers.podman(&["pull", "--quiet", "--tls-verify=false", &made]).unwrap();
    let said = containers.run(&made, &["echo", "made without a daemon"]).unwrap();
    assert_eq!(said, "made without a daemon\n");
}

#[test]
fn wrong_ways_end_with_the_codes_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| {
        let (code, _, stderr) = run(arguments, folder.path());
        assert!(!stderr.is_empty(), "{arguments:?} says nothing");
        assert!(!stderr.contains("panicked"), "{stderr}");
        code
    };
    assert_eq!(code(&["no-such-noun"]), 2);
    assert_eq!(code(&["image", "show", "UPPER CASE"]), 2);
    Layout::create(&folder.path().join("layout")).unwrap();
    assert_eq!(code(&["image", "scan", "oci:layout:no-such-tag"]), 4);
    assert_eq!(code(&["image", "scan", "oci:no-such-folder:1"]), 4);
    assert_eq!(code(&["image", "show", "a:1", "--server", "http://127.0.0.1:9"]), 6);
    std::fs::write(folder.path().join("portolan.toml"), "[server]\nlisten_on = \"x\"\n").unwrap();
    let (code, report, _) = run(&["doctor"], folder.path());
    assert_eq!(code, 3);
    assert!(report.contains("listen_on"), "{report}");
    let (code, _, stderr) = run(&["up"], folder.path());
    assert_eq!(code, 3);
    assert!(stderr.contains("listen_on"), "{stderr}");
}

#[test]
fn what_is_printed_for_others_to_keep_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (code, default, _) = run(&["config", "default"], folder.path());
    assert_eq!(code, 0);
    std::fs::write(folder.path().join("portolan.toml"), default).unwrap();
    let (code, shown, stderr) = run(&["doctor", "--print-config"], folder.path());
    assert_eq!(code, 0, "the default file is read: {stderr}");
    assert!(shown.contains("listen"), "{shown}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(&["completions", shell], folder.path());
        assert!(code == 0 && script.contains("portolan"), "{shell}");
    }
    let (code, page, _) = run(&["man"], folder.path());
    assert!(code == 0 && page.contains(".TH"), "{page}");
}
