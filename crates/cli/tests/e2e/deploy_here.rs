//! Releases of images of the built-in registry, run by the engine of this machine.

use std::process::Command;
use std::time::Duration;

use portolan_testkit::containers::{Containers, busybox};
use portolan_testkit::server::Options;
use portolan_testkit::{Publisher, Server, process};
use serde_json::Value;

const CONFIG: &str = r#"
[workers]
lease_seconds = 10
[releases]
poll_millis = 200
[projects.shop.images.web]
repository = "shop/web"
services = ["web"]
[projects.shop.services.web]
local = { stop_seconds = 1 }
[projects.shop.environments]
staging = { runs = "local" }
"#;

/// How long the journal and a busy machine may take.
const PATIENCE: Duration = Duration::from_mins(1);

struct Here {
    // Dropped before the containers are.
    server: Server,
    containers: Containers,
    _folder: tempfile::TempDir,
}

impl Here {
    fn new(config: &str) -> Self {
        let containers = Containers::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portolan.toml");
        std::fs::write(&file, config).unwrap();
        let text = |text: std::ffi::OsString| text.into_string().unwrap();
        let own = containers.environment().into_iter();
        let mut environment: Vec<(String, String)> =
            own.map(|(name, value)| (text(name), text(value))).collect();
        environment.push(("PORTOLAN_CONFIG".to_owned(), file.display().to_string()));
        let options = Options { environment, ..Options::default() };
        let server = Server::start(env!("CARGO_BIN_EXE_portolan"), options).unwrap();
        Self { server, containers, _folder: folder }
    }

    fn push(&self, tag: &str, does: &str) {
        let image = busybox(&[("version", tag)], &["sh", "-c", does]).unwrap();
        Publisher::new(&self.server.url(""), "shop/web").image(tag, &image).unwrap();
    }

    fn deploy(&self, tag: &str) -> Result<String, String> {
        let wanted = ["release-deploy", "--tag", tag, "--env", "staging", "--yes", "--by", "ann"];
        self.server.cli(&wanted).map_err(|error| format!("{error:#}"))
    }

    fn running(&self) -> String {
        self.containers.podman(&["ps", "--format", "{{.Command}}"]).unwrap()
    }

    /// Waits until so many tasks of so many are told to run, and answers what is told.
    fn told(&self, running: u64, of: u64) -> Value {
        let is_so = |told: &Value| {
            let web = &told[0];
            web["runningCount"] == running && web["instanceCount"] == of
        };
        let path = "/whats-running-where/web";
        let answer = self
            .server
            .eventually(path, PATIENCE, |answer| answer.json().is_ok_and(|told| is_so(&told)));
        answer.unwrap().json().unwrap()
    }
}

#[test]
fn a_release_runs_on_this_machine_and_goes_back_where_it_does_not_come_up() {
    let here = Here::new(CONFIG);
    for (tag, does) in
        [("v1", "sleep 600"), ("v2", "sleep 601"), ("v3", "echo no database; exit 7")]
    {
        here.push(tag, does);
    }
    let running = || here.running();
    assert!(here.deploy("v1").unwrap().contains("succeeded"));
    assert!(running().contains("sleep 600"), "{}", running());
    assert!(here.deploy("v2").unwrap().contains("succeeded"));
    assert!(running().contains("sleep 601") && !running().contains("sleep 600"), "{}", running());
    let failed = here.deploy("v3").unwrap_err();
    for part in ["exit status: 6", "rolled-back", "no database"] {
        assert!(failed.contains(part), "{part} in {failed}");
    }
    assert!(running().contains("sleep 601"), "{}", running());
    let told = here.told(1, 1);
    assert_eq!((&told[0]["version"], &told[0]["user"]), (&"v2".into(), &"ann".into()));
    let newest = here.server.json("/deployments?service=web").unwrap();
    assert_eq!(newest[0]["status"], "ROLLED_BACK", "{newest}");
    assert!(newest[0]["reasons"].to_string().contains("ended with 7"), "{newest}");
    let back = ["rollback", "--env", "staging", "--yes", "--by", "ann"];
    assert!(here.server.cli(&back).unwrap().contains("succeeded"));
    assert!(running().contains("sleep 600"), "{}", running());
}

#[test]
fn tasks_are_counted_rightly_after_one_is_killed_and_after_a_restart() {
    let config = CONFIG.replace("stop_seconds = 1", "stop_seconds = 1, count = 2");
    let mut here = Here::new(&config);
    here.push("v1", "sleep 600");
    assert!(here.deploy("v1").unwrap().contains("succeeded"));
    here.told(2, 2);
    let names = here.containers.podman(&["ps", "--format", "{{.Names}}"]).unwrap();
    let victim = names.lines().next().unwrap();
    here.containers.podman(&["kill", victim]).unwrap();
    here.told(1, 2);
    // It is brought back.
    let told = here.told(2, 2);
    assert_eq!(told[0]["stoppedCount"], 1, "{told}");
    assert_eq!(here.running().lines().filter(|line| line.contains("sleep 600")).count(), 2);
    let entries = here.server.json("/events?size=1").unwrap();

    here.server.restart().unwrap();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(here.told(2, 2)[0]["stoppedCount"], 1);
    let after = here.server.json("/events?size=1").unwrap();
    let newest = |events: &Value| events["events"][0]["id"].clone();
    assert_eq!(newest(&after), newest(&entries), "a restart is no news");

    // One that is killed while nobody looks is told by the next start.
    here.server.kill_9();
    let names = here.containers.podman(&["ps", "--format", "{{.Names}}"]).unwrap();
    here.containers.podman(&["kill", names.lines().next().unwrap()]).unwrap();
    here.server.restart().unwrap();
    here.server
        .eventually("/whats-running-where/web", PATIENCE, |answer| {
            answer
                .json()
                .is_ok_and(|told| told[0]["stoppedCount"] == 2 && told[0]["runningCount"] == 2)
        })
        .unwrap();
}

#[test]
fn once_there_are_tokens_images_are_still_copied_and_pulled() {
    let config =
        CONFIG.replace("services = [\"web\"]", "services = [\"web\"]\nat.staging = \"live/web\"");
    let here = Here::new(&config);
    here.push("v1", "sleep 600");
    let made = ["--quiet", "token", "create", "ops", "--scope", "admin"];
    let token = here.server.cli(&made).unwrap().trim().to_owned();
    std::thread::sleep(Duration::from_millis(1100));
    let refused = here.deploy("v1").unwrap_err();
    assert!(refused.contains("PORTOLAN_TOKEN"), "{refused}");
    let mut deploy = Command::new(env!("CARGO_BIN_EXE_portolan"));
    deploy.args(["release-deploy", "--tag", "v1", "--env", "staging", "--yes"]);
    deploy.env("HOME", here.server.data()).current_dir(here.server.data());
    deploy.env("PORTOLAN_SERVER", here.server.url("")).env("PORTOLAN_TOKEN", &token);
    let done = process::output(&mut deploy).unwrap();
    assert!(done.contains("succeeded"), "{done}");
    assert!(here.running().contains("sleep 600"), "{}", here.running());
    let copied = here.server.json("/v2/live/web/tags/list").unwrap();
    assert_eq!(copied["tags"][0], "env.staging");
}
