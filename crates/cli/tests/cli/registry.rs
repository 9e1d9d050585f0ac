//! Commands against a registry of somebody else, which asks who is there.

use portolan_testkit::docker_registry::{self, DockerRegistry, Options};
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer};
use serde_json::Value;

use crate::run::Place;

/// A registry that knows one user, and a place whose logins are those of `password`.
fn start(password: &str) -> (DockerRegistry, Place) {
    let htpasswd = Some(("somebody".to_owned(), "secret".to_owned()));
    let registry = docker_registry::start(&Options { htpasswd, delete: false }).unwrap();
    let place = Place::new().with("REGISTRY_AUTH_FILE", "auth.json");
    let auths = format!(
        r#"{{"auths": {{"{}": {{"username": "somebody", "password": "{password}"}}}}}}"#,
        registry.address()
    );
    std::fs::write(place.path().join("auth.json"), auths).unwrap();
    let entries = [Entry::file("app/package.json", "{}")];
    let image = Image::builder().layer(Layer::gzip(&tar::archive(&entries))).build();
    let mut layout = portolan_testkit::layout::Layout::create(&place.path().join("img")).unwrap();
    layout.image("1.0.0", &image).unwrap();
    (registry, place)
}

#[test]
fn a_login_of_podman_opens_a_registry() {
    let (registry, place) = start("secret");
    let name = format!("{}/shop/orders-api", registry.address());
    let image = format!("{name}:1.0.0");
    let copied = place.done(&["image", "copy", "oci:img:1.0.0", &name, "--output", "json"]);
    let copied: Value = serde_json::from_str(&copied).unwrap();
    assert_eq!(copied["to"], image);
    place.done(&["image", "tag", &image, "stable"]);
    assert_eq!(place.done(&["image", "list", &name]), "TAG\n1.0.0\nstable\n");
    let list = place.done(&["image", "list", &name, "--digests"]);
    assert_eq!(list.matches(copied["digest"].as_str().unwrap()).count(), 2, "{list}");
    for command in ["show", "scan"] {
        let told = place.done(&["image", command, &image, "--output", "json"]);
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["digest"], copied["digest"], "{command}");
    }
    assert_eq!(place.done(&["image", "cat", &image, "app/package.json"]), "{}");
    let checked = place.with("PORTOLAN_REGISTRY_URL", &registry.address()).done(&["doctor"]);
    assert!(checked.contains(&format!("{} answers, and lets us in", registry.address())));
}

#[test]
fn a_wrong_password_is_said_and_never_shown() {
    let (registry, place) = start("hunter2");
    let image = format!("{}/shop/orders-api:1.0.0", registry.address());
    let said = place.fails(6, &["image", "show", &image]);
    assert!(said.contains("401") && said.contains("as `somebody`"), "{said}");
    assert!(said.contains("hint: the credentials for ") && !said.contains("hunter2"), "{said}");
    let place = place.with("PORTOLAN_REGISTRY_URL", &registry.address());
    let ended = place.run(&["doctor"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("WRONG  registry"), "{}", ended.stdout);
}
