//! `weco-deploy publish` with a real engine and a real registry, which asks for a password, in the
//! place of ECR's.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use portolan_model::Digest;
use portolan_testkit::containers::Containers;
use portolan_testkit::docker_registry::{self, Options};
use portolan_testkit::fake_ecs::PASSWORD;
use portolan_testkit::http::Client;
use portolan_testkit::weco::{ACCOUNT, REGION, World, repository};

use crate::world::BINARY;

/// The command `docker`: podman, for which ECR's host is the registry at `address`. It writes down
/// what it was called with, and what stood in the command lines of all processes meanwhile.
fn docker(folder: &Path, address: &str) {
    let host = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com");
    let seen = folder.join("seen");
    let script = format!(
        "#!/bin/sh\n\
         printf '%s\\n' \"$*\" >> {seen}.calls\n\
         cat /proc/[0-9]*/cmdline >> {seen}.processes 2>/dev/null\n\
         first=$1; shift\n\
         options=\n\
         [ $first = rmi ] || [ $first = tag ] || options=--tls-verify=false\n\
         for word; do\n\
         shift; set -- \"$@\" \"$(printf %s \"$word\" | sed 's|https://{host}|{address}|;s|{host}|{address}|')\"\n\
         done\n\
         exec podman \"$first\" $options \"$@\"\n",
        seen = seen.display(),
    );
    let path = folder.join("docker");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn publish(world: &World, containers: &Containers, folder: &Path) -> Command {
    let link = world.path().join("weco-deploy");
    if !link.exists() {
        std::os::unix::fs::symlink(BINARY, &link).unwrap();
    }
    let mut command =
        world.command(&link, &["publish", "--image-id", "image_00", "--label", "latest"]);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    command.envs(containers.environment());
    command.env("PATH", format!("{}:{}", folder.display(), path.to_str().unwrap()));
    command
}

#[test]
fn an_image_is_published_and_nobody_sees_the_password() {
    let login = Some(("AWS".to_owned(), PASSWORD.to_owned()));
    let registry =
        docker_registry::start(&Options { htpasswd: login, ..Options::default() }).unwrap();
    let (world, containers) = (World::plain(1).unwrap(), Containers::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    docker(folder.path(), &registry.address());
    containers.build("FROM scratch\nCOPY busybox /busybox\n", "image_00:0123abc").unwrap();
    std::fs::create_dir(world.path().join(".releases")).unwrap();
    std::fs::write(world.path().join(".releases/image_00"), "0123abc\n").unwrap();
    // What is pushed to it ECR has; the fake is told so.
    let name = repository("image_00");
    let pushed = world.fake.push(&name, "what is pushed", &["ref.0123abc"]).unwrap();
    let before = world.fake.tagged(&name, "latest").unwrap();

    let output = publish(&world, &containers, folder.path()).output().unwrap();
    let (said, told) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{said}{told}");
    let remote = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}:ref.0123abc");
    assert!(said.contains(&format!("Published 0123abc to {remote}")), "{said}");
    assert_ne!(before, pushed);
    assert_eq!(world.fake.tagged(&name, "latest").unwrap(), pushed);
    // It is in the registry, wholly.
    let url = |rest: &str| format!("http://AWS:{PASSWORD}@{}/v2/{name}/{rest}", registry.address());
    let accept = [("accept", "application/vnd.oci.image.manifest.v1+json")];
    let client = Client::new();
    let manifest = client.send("GET", &url("manifests/ref.0123abc"), &accept, &[]).unwrap();
    assert_eq!(manifest.status, 200, "{}", manifest.text());
    let layer = manifest.json().unwrap()["layers"][0]["digest"].as_str().unwrap().to_owned();
    let blob = client.get(&url(&format!("blobs/{layer}"))).unwrap();
    assert_eq!(Digest::of(&blob.body).to_string(), layer);

    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    let calls = String::from_utf8(read("seen.calls")).unwrap();
    let words: Vec<&str> = calls.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(words, ["login", "tag", "push", "rmi"]);
    assert!(calls.starts_with("login --username AWS --password-stdin https://"), "{calls}");
    for seen in [calls.into_bytes(), read("seen.processes"), output.stdout, output.stderr] {
        let is_told = seen.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
        assert!(!is_told, "the password is seen");
    }
    let seen = read("seen.processes");
    assert!(seen.windows(7).any(|part| part == b"publish"), "it has seen the command itself");
}

#[test]
fn what_cannot_be_pushed_is_not_labelled() {
    let login = Some(("AWS".to_owned(), "another password".to_owned()));
    let registry =
        docker_registry::start(&Options { htpasswd: login, ..Options::default() }).unwrap();
    let (world, containers) = (World::plain(1).unwrap(), Containers::new().unwrap());
    let folder = tempfile::tempdir().unwrap();
    docker(folder.path(), &registry.address());
    std::fs::create_dir(world.path().join(".releases")).unwrap();
    std::fs::write(world.path().join(".releases/image_00"), "0123abc").unwrap();
    let before = world.fake.tagged(&repository("image_00"), "latest");
    let output = publish(&world, &containers, folder.path()).output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(world.fake.tagged(&repository("image_00"), "latest"), before);
}
