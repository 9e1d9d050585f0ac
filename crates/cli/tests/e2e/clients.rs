//! skopeo, buildah and podman against the built-in registry: what they push is what they pull.

use portolan_model::Digest;
use portolan_testkit::containers::Containers;
use portolan_testkit::layout::Layout;

use crate::images;
use crate::world::{Engine, World};

on_both_stores!(skopeo_pushes_and_pulls_every_kind_of_image, buildah_pushes_and_podman_runs);

/// The digest of the manifest that skopeo reads at `name`.
fn digest_at(containers: &Containers, name: &str) -> Digest {
    let raw = containers.skopeo(&["inspect", "--raw", "--tls-verify=false", name]).unwrap();
    Digest::of(raw.as_bytes())
}

fn skopeo_pushes_and_pulls_every_kind_of_image(engine: Engine) {
    let world = World::start(engine);
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut pushed = Layout::create(&folder.path().join("pushed")).unwrap();
    let one = images::service("orders-api", "1.0.0", "linux/amd64");
    let many = images::service_index("orders-api", "2.0.0");
    let docker = images::docker("orders-api", "3.0.0");
    pushed.image("one", &one).unwrap();
    pushed.index("many", &many).unwrap();

    let remote = |tag: &str| format!("docker://{}/shop/orders/api:{tag}", world.address());
    let copy = ["copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"];
    for (tag, digest) in [("one", one.digest()), ("many", many.digest())] {
        containers.skopeo(&[&copy, &[&*pushed.name(tag), &remote(tag)][..]].concat()).unwrap();
        assert_eq!(digest_at(&containers, &remote(tag)), digest);
        let pulled = format!("oci:{}:{tag}", folder.path().join("pulled").display());
        containers.skopeo(&[&copy, &[&*remote(tag), &pulled][..]].concat()).unwrap();
        assert_eq!(digest_at(&containers, &pulled), digest);
        assert_eq!(world.artifact("shop/orders/api", tag)["sha256"], digest.to_string());
    }
    // Docker's schema 2 cannot be kept in an OCI layout, so it comes over the wire.
    world.publisher("shop/orders/api").image("docker", &docker).unwrap();
    assert_eq!(digest_at(&containers, &remote("docker")), docker.digest());
    let tags = containers.skopeo(&[
        "list-tags",
        "--tls-verify=false",
        &format!("docker://{}/shop/orders/api", world.address()),
    ]);
    let tags: serde_json::Value = serde_json::from_str(&tags.unwrap()).unwrap();
    assert_eq!(tags["Tags"], serde_json::json!(["docker", "many", "one"]));

    containers.skopeo(&["delete", "--tls-verify=false", &remote("one")]).unwrap();
    let gone = world.get(&format!("/v2/shop/orders/api/manifests/{}", one.digest())).unwrap();
    assert_eq!(gone.status, 404);
}

fn buildah_pushes_and_podman_runs(engine: Engine) {
    let world = World::start(engine);
    let containers = Containers::new().unwrap();
    let name = format!("{}/tools/busybox:1.0.0", world.address());
    let file = "FROM scratch\nCOPY busybox /bin/busybox\nLABEL defra.cdp.service.name=busybox\n";
    containers.build(file, &name).unwrap();
    let digest_file = containers.home().join("digest");
    let digest_file = digest_file.display().to_string();
    containers
        .buildah(&["push", "--tls-verify=false", "--digestfile", &digest_file, &name])
        .unwrap();
    let digest = std::fs::read_to_string(&digest_file).unwrap();

    let artifact = world.artifact("tools/busybox", "1.0.0");
    assert_eq!(artifact["sha256"], digest.trim());
    assert_eq!(artifact["serviceName"], "busybox");

    containers.buildah(&["rmi", &name]).unwrap();
    containers.podman(&["pull", "--quiet", "--tls-verify=false", &name]).unwrap();
    let pulled = containers.podman(&["inspect", "--format", "{{.Digest}}", &name]).unwrap();
    assert_eq!(pulled.trim(), digest.trim());
    let hello = ["/bin/busybox", "echo", "hello from inside"];
    assert_eq!(containers.run(&name, &hello).unwrap(), "hello from inside\n");

    // Podman pushes what it pulled under another name: the blobs are mounted, not sent again.
    let other = format!("{}/tools/renamed:1.0.0", world.address());
    containers.podman(&["tag", &name, &other]).unwrap();
    containers.podman(&["push", "--quiet", "--tls-verify=false", &other]).unwrap();
    world.artifact("tools/renamed", "1.0.0");
}
