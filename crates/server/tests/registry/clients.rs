//! Real clients: skopeo, buildah, podman.

use portolan_model::Digest;
use portolan_testkit::containers::Containers;
use portolan_testkit::layout::Layout;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Index, Layer};

use crate::bed::Bed;

fn big_layer(seed: u8) -> Layer {
    let noise: Vec<u8> =
        (0..2_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1] ^ seed).collect();
    Layer::gzip(&tar::archive(&[Entry::file(format!("data/{seed}"), noise)]))
}

#[test]
fn skopeo_copies_images_and_indexes_in_and_out_unchanged() {
    let bed = Bed::new();
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut layout = Layout::create(&folder.path().join("in")).unwrap();
    let one = Image::builder().layer(big_layer(1)).layer(big_layer(2)).build();
    let arm = Image::builder().platform("linux/arm64").layer(big_layer(3)).build();
    let zstd = Image::builder()
        .layer(Layer::zstd(&tar::archive(&[Entry::file("z", "z")])).unwrap())
        .build();
    let index = Index::of(vec![one.clone(), arm]);
    layout.image("one", &one).unwrap();
    layout.image("zstd", &zstd).unwrap();
    layout.index("many", &index).unwrap();
    let registry = |name: &str| format!("docker://{}/{name}", bed.address);
    for (tag, digest) in [("one", one.digest()), ("zstd", zstd.digest()), ("many", index.digest())]
    {
        let (there, back) = (
            registry(&format!("deep/name/app:{tag}")),
            Layout::create(&folder.path().join(format!("out-{tag}"))).unwrap(),
        );
        let copy = [
            "copy",
            "--all",
            "--preserve-digests",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ];
        containers.skopeo(&[&copy[..], &[&layout.name(tag), &there]].concat()).unwrap();
        containers.skopeo(&[&copy[..], &[&there, &back.name(tag)]].concat()).unwrap();
        let raw = containers.skopeo(&["inspect", "--raw", "--tls-verify=false", &there]).unwrap();
        assert_eq!(Digest::of(raw.as_bytes()), digest, "{tag}");
        assert!(back.path(&digest).exists(), "{tag}");
    }
    // From one repository to another: layers are mounted.
    let (from, to) = (registry("deep/name/app:one"), registry("other/app:1"));
    containers
        .skopeo(&["copy", "--src-tls-verify=false", "--dest-tls-verify=false", &from, &to])
        .unwrap();
    let tags = containers
        .skopeo(&["list-tags", "--tls-verify=false", &registry("deep/name/app")])
        .unwrap();
    for tag in ["many", "one", "zstd"] {
        assert!(tags.contains(tag), "{tags}");
    }
    containers.skopeo(&["delete", "--tls-verify=false", &to]).unwrap();
    assert!(containers.skopeo(&["inspect", "--tls-verify=false", &to]).is_err());
    containers.skopeo(&["inspect", "--tls-verify=false", &from]).unwrap();
}

#[test]
fn docker_schema_2_goes_in_and_out_unchanged() {
    let bed = Bed::new();
    let containers = Containers::new().unwrap();
    let image =
        |platform: &str| Image::builder().docker().platform(platform).layer(big_layer(4)).build();
    let list = Index::docker(vec![image("linux/amd64"), image("linux/arm64")]);
    bed.publisher("docker").index("list", &list).unwrap();
    let name = format!("docker://{}/docker:list", bed.address);
    let folder = tempfile::tempdir().unwrap();
    let to = format!("dir:{}", folder.path().join("out").display());
    containers
        .skopeo(&["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &name, &to])
        .unwrap();
    let bytes = std::fs::read(folder.path().join("out/manifest.json")).unwrap();
    assert_eq!(Digest::of(&bytes), list.digest());
}

#[test]
fn buildah_builds_and_pushes_and_podman_pulls() {
    let bed = Bed::new();
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hello"), "hello").unwrap();
    std::fs::write(
        folder.path().join("Containerfile"),
        "FROM scratch\nCOPY hello /etc/hello\nLABEL a=b\nCOPY hello /etc/again\n",
    )
    .unwrap();
    let context = folder.path().display().to_string();
    containers.buildah(&["bud", "--layers", "-t", "localhost/made:1", &context]).unwrap();
    let name = format!("{}/team/made:1", bed.address);
    let there = format!("docker://{name}");
    containers.buildah(&["push", "--tls-verify=false", "localhost/made:1", &there]).unwrap();
    // The second push finds everything there.
    containers.buildah(&["push", "--tls-verify=false", "localhost/made:1", &there]).unwrap();
    let other = Containers::new().unwrap();
    let id = other.podman(&["pull", "--quiet", "--tls-verify=false", &name]).unwrap();
    let labels = other.podman(&["image", "inspect", "--format", "{{.Labels}}", id.trim()]).unwrap();
    assert!(labels.contains("a:b"), "{labels}");
    assert_eq!(bed.get("/v2/team/made/tags/list").json().unwrap()["tags"][0], "1");
}
