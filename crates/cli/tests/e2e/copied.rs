//! A rollout whose images are in another registry than its environment's: both real, and the copy
//! killed in the middle.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::docker_registry::{self, DockerRegistry, Options};
use portolan_testkit::fake_ecs::{self, FakeEcs, GivenService};
use portolan_testkit::http::Client;
use portolan_testkit::moto::{ACCOUNT, REGION};
use portolan_testkit::{Image, Index, Layer, Publisher, tar};
use serde_json::Value;

use crate::world::BINARY;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Two {
    fake: FakeEcs,
    source: DockerRegistry,
    target: DockerRegistry,
    folder: tempfile::TempDir,
}

/// Bytes that nothing makes smaller, and that are the same every time.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(bytes).collect()
}

/// An index of two platforms, each with `mebibytes` that nothing makes smaller.
fn index(mebibytes: usize) -> Index {
    let image = |platform: &str, seed: u64| {
        let file = tar::Entry::file("data", noise(seed, mebibytes << 20));
        let layer = Layer::gzip(&tar::archive(&[file]));
        Image::builder().platform(platform).label("of", platform).layer(layer).build()
    };
    Index::of(vec![image("linux/amd64", 1), image("linux/arm64", 2)])
}

impl Two {
    fn new() -> Self {
        let fake = fake_ecs::start(ACCOUNT, REGION).unwrap();
        let start = || docker_registry::start(&Options::default()).unwrap();
        let (source, target) = (start(), start());
        let named = format!("{}/shop/api:old", target.address());
        let given = GivenService {
            cluster: "prod",
            name: "api",
            containers: &[("main", &named)],
            tags: &[("deployment:env", "prod"), ("deployment:service", "api")],
            ..GivenService::default()
        };
        fake.given(&given).unwrap();
        fake.run(100.0);
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (source.address(), target.address());
        let config = format!(
            "[workers]\nlease_seconds = 3\n[releases]\npoll_millis = 50\n\
             [registry]\ninsecure = [{from:?}, {to:?}]\n\
             [projects.shop.images]\napi = {{ repository = \"{from}/shop/api\", services = [\"api\"] }}\n\
             [projects.shop.environments]\nprod = {{ registry = {to:?}, clusters = [\"prod\"] }}\n"
        );
        std::fs::write(folder.path().join("portolan.toml"), config).unwrap();
        Self { fake, source, target, folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let home: &Path = self.folder.path();
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("USER", "ann");
        command.envs(self.fake.environment()).stdin(Stdio::null());
        command
    }

    fn done(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap()).concat();
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    }

    fn prepared(&self) -> String {
        let made =
            self.command(&["release", "prepare", "--tag", "v2", "--output", "json"]).output();
        let made: Value = serde_json::from_slice(&made.unwrap().stdout).unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Holds that all of `index` is in the target, byte for byte, and that it runs.
    fn holds(&self, index: &Index) {
        let client = Client::new();
        let at = |rest: &str| format!("{}/v2/shop/api/{rest}", self.target.url());
        let got = |digest: &str, kind: &str| {
            let url = at(&format!("manifests/{digest}"));
            let answer = client.send("GET", &url, &[("accept", kind)], &[]).unwrap();
            assert_eq!(answer.status, 200, "{digest}: {}", answer.text());
            answer.body
        };
        let digest = index.digest().to_string();
        assert_eq!(got(&digest, INDEX), index.manifest.bytes);
        for image in &index.images {
            assert_eq!(got(&image.digest().to_string(), MANIFEST), image.manifest.bytes);
            for blob in image.blobs() {
                let there = client.get(&at(&format!("blobs/{}", blob.digest()))).unwrap();
                assert!(there.body == blob.bytes, "{}", blob.digest());
            }
        }
        let runs = self.fake.running("prod", "api").unwrap();
        assert_eq!(runs, [("main".to_owned(), digest.clone())]);
        let tag = got("env.prod", INDEX);
        assert_eq!(tag, index.manifest.bytes);
        let service = self.fake.described("prod", "api").unwrap();
        let asked = serde_json::json!({ "taskDefinition": service["taskDefinition"] });
        let told = self.fake.call("DescribeTaskDefinition", &asked).unwrap();
        let named = &told["taskDefinition"]["containerDefinitions"][0]["image"];
        assert_eq!(*named, format!("{}/shop/api@{digest}", self.target.address()));
    }
}

#[test]
fn both_platforms_are_copied_with_the_same_digests() {
    let two = Two::new();
    let index = index(1);
    Publisher::new(&two.source.url(), "shop/api").index("v2", &index).unwrap();
    let id = two.prepared();
    let plan = two.done(&["deploy", &id, "--env", "prod", "--plan"]);
    assert!(plan.contains("copy api from"), "{plan}");
    two.done(&["deploy", &id, "--env", "prod", "--yes"]);
    two.holds(&index);
    // Then there is nothing to copy.
    let plan = two.done(&["deploy", &id, "--env", "prod", "--plan"]);
    assert!(plan.contains("there is nothing to do") && !plan.contains("copy"), "{plan}");
}

/// Whether something is being uploaded to `registry`.
fn uploads(registry: &DockerRegistry) -> bool {
    let folder = registry.dir().join("storage/docker/registry/v2/repositories/shop/api/_uploads");
    std::fs::read_dir(folder).is_ok_and(|mut all| all.next().is_some())
}

#[test]
fn killed_in_the_middle_of_a_copy_it_is_copied_wholly() {
    let two = Two::new();
    let index = index(24);
    Publisher::new(&two.source.url(), "shop/api").index("v2", &index).unwrap();
    let id = two.prepared();
    let mut deploy = two.command(&["deploy", &id, "--env", "prod", "--yes"]);
    let mut child = deploy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !uploads(&two.target) {
        assert!(begun.elapsed() < Duration::from_mins(1), "nothing is copied");
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let there = Client::new().get(&format!(
        "{}/v2/shop/api/manifests/{}",
        two.target.url(),
        index.digest()
    ));
    assert_eq!(there.unwrap().status, 404, "nothing half is seen");
    let done = two.done(&["confirm", "last", "--timeout", "60s"]);
    assert!(done.contains("succeeded"), "{done}");
    two.holds(&index);
}
