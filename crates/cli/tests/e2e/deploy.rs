//! The built binary takes releases to environments on a fake of AWS: there, on, and back; by a server
//! and without one; killed in the middle.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use portolan_testkit::Server;
use portolan_testkit::fake_ecs::{self, FakeEcs, Fate, GivenService};
use portolan_testkit::moto::{ACCOUNT, REGION};
use portolan_testkit::server::Options;
use serde_json::Value;

const IMAGES: [(&str, &[&str]); 2] = [("api", &["api", "web"]), ("worker", &["worker"])];
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// A shop on a fake of AWS, and the folder of whoever deploys it.
pub(crate) struct Shop {
    pub(crate) fake: FakeEcs,
    pub(crate) folder: tempfile::TempDir,
    server: Option<String>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let fake = fake_ecs::start(ACCOUNT, REGION).unwrap();
        for (image, services) in IMAGES {
            let tags = ["v1", "env.staging", "env.production"];
            fake.push(image, &format!("{image} 1"), &tags).unwrap();
            fake.push(image, &format!("{image} 2"), &["v2"]).unwrap();
            fake.push(image, &format!("{image} 3"), &["v3"]).unwrap();
            for environment in ENVIRONMENTS {
                let named = format!("{}:env.{environment}", fake.image(image));
                for service in services {
                    let tags = [("deployment:env", environment), ("deployment:service", service)];
                    let given = GivenService {
                        cluster: environment,
                        name: service,
                        containers: &[("main", &named)],
                        tags: &tags,
                        breaker: Some(true),
                        ..GivenService::default()
                    };
                    fake.given(&given).unwrap();
                }
            }
        }
        fake.run(100.0);
        let folder = tempfile::tempdir().unwrap();
        let (api, worker) = (fake.image("api"), fake.image("worker"));
        let config = format!(
            "[workers]\nlease_seconds = 3\n\
             [releases]\npoll_millis = 50\n\
             [environments.staging]\nclusters = [\"staging\"]\n\
             [environments.production]\nclusters = [\"production\"]\n\
             [projects.shop.images]\n\
             api = {{ repository = {api:?}, services = [\"api\", \"web\"] }}\n\
             worker = {{ repository = {worker:?}, services = [\"worker\"] }}\n\
             [projects.shop.services.worker]\nwave = 1\n\
             [projects.shop.environments]\nstaging = {{}}\nproduction = {{}}\n"
        );
        std::fs::write(folder.path().join("portolan.toml"), config).unwrap();
        Self { fake, folder, server: None }
    }

    /// The same, with a server, which kills itself at a failpoint where one is told.
    fn served(failpoint: Option<&str>) -> (Self, Server) {
        let mut shop = Self::new();
        let config = shop.folder.path().join("portolan.toml").display().to_string();
        let mut environment = shop.fake.environment();
        environment.push(("PORTOLAN_CONFIG".to_owned(), config));
        let failpoint = failpoint.map(str::to_owned);
        let options = Options { failpoint, environment, ..Options::default() };
        let server = Server::start(env!("CARGO_BIN_EXE_portolan"), options).unwrap();
        shop.server = Some(server.url(""));
        (shop, server)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
        let home: &Path = self.folder.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(arguments).current_dir(home).env_clear().env("HOME", home).env("USER", "ann");
        command.envs(self.fake.environment()).envs(variables.iter().copied());
        command.envs(self.server.iter().map(|url| ("PORTOLAN_SERVER", url)));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    pub(crate) fn ended(&self, code: i32, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        ended
    }

    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.ended(0, &[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&ended.stdout).unwrap()
    }

    pub(crate) fn prepare(&self, tag: &str) -> String {
        let made = self.json(&["release", "prepare", "--tag", tag]);
        assert_eq!(made["createdBy"], "ann");
        made["id"].as_str().unwrap().to_owned()
    }

    /// The version that all services of an environment run; a panic where they do not run one.
    fn whole(&self, environment: &str) -> u32 {
        let mut found = Vec::new();
        for (image, services) in IMAGES {
            for service in services {
                for (_, digest) in self.fake.running(environment, service).unwrap() {
                    let tag = |version: &u32| self.fake.tagged(image, &format!("v{version}"));
                    found.push((1..=3).find(|it| tag(it).as_ref() == Some(&digest)).unwrap());
                }
            }
        }
        assert!(found.len() == 3 && found.iter().all(|it| *it == found[0]), "{found:?}");
        found[0]
    }
}

#[test]
fn a_release_goes_to_staging_to_production_and_back() {
    let (shop, _server) = Shop::served(None);
    let (first, second) = (shop.prepare("v1"), shop.prepare("v2"));
    let listed = shop.ended(0, &["release", "list"]).stdout;
    assert!(listed.contains(&first) && listed.contains("tag v2"), "{listed}");

    let plan = shop.ended(0, &["deploy", &second, "--env", "staging", "--plan"]).stdout;
    assert!(plan.contains("worker") && plan.contains("change"), "{plan}");
    let unasked = shop.ended(2, &["deploy", &second, "--env", "staging"]).stderr;
    assert!(unasked.contains("--yes"), "{unasked}");
    assert_eq!(shop.whole("staging"), 1, "nothing was done yet");

    let done = shop.ended(0, &["deploy", &second, "--env", "staging", "--yes"]);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert!(done.stderr.contains("ok     watch worker"), "{}", done.stderr);
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
    // What runs in staging goes to production.
    let promoted = shop.json(&["deploy", &second, "--env", "production", "--yes"]);
    assert_eq!((&promoted["state"], &promoted["createdBy"]), (&"succeeded".into(), &"ann".into()));
    assert_eq!(shop.whole("production"), 2);

    let digest = shop.fake.tagged("worker", "v3").unwrap();
    shop.fake.fate(&digest, Fate::Exits { code: 7, after: Duration::from_secs(3) });
    shop.fake.says(&digest, &["starting", "no database"]);
    let failed = shop.ended(6, &["release-deploy", "--tag", "v3", "--env", "staging", "--yes"]);
    for part in ["FAILED watch worker", "exited with 7", "main | no database", "was undone"] {
        assert!(failed.stderr.contains(part), "{part} in {}", failed.stderr);
    }
    assert!(failed.stdout.contains("rolled-back"), "{}", failed.stdout);
    shop.fake.settle_all().unwrap();
    assert_eq!(shop.whole("staging"), 2, "it was undone");

    let back = ["rollback", "--env", "production", "--to", &first, "--quarantine", "--yes"];
    shop.ended(0, &back);
    assert_eq!(shop.whole("production"), 1);
    let refused = shop.ended(5, &["deploy", &second, "--env", "production", "--yes"]).stderr;
    assert!(refused.contains("quarantine"), "{refused}");
    shop.ended(0, &["release", "quarantine", &second, "--lift"]);
    let shown = shop.ended(0, &["release", "show", &second]).stdout;
    assert!(shown.contains("production") && shown.contains("succeeded"), "{shown}");
    shop.ended(0, &["rollback", "--env", "production", "--yes"]);
    assert_eq!(shop.whole("production"), 2, "without --to, what was there before");
    shop.ended(4, &["deploy", &second, "--env", "mars", "--yes"]);
}

#[test]
fn a_server_that_is_killed_goes_on_when_it_starts_again() {
    let (shop, mut server) = Shop::served(Some("rollout.after-act:4"));
    let second = shop.prepare("v2");
    shop.ended(0, &["deploy", &second, "--env", "staging", "--yes", "--no-wait"]);
    server.process().wait(Duration::from_secs(20)).unwrap();
    server.restart().unwrap();
    let done = shop.ended(0, &["confirm", "last", "--timeout", "60s"]);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
}

#[test]
fn without_a_server_the_command_does_it_and_the_next_one_what_it_left() {
    let shop = Shop::new();
    let second = shop.prepare("v2");
    let deploy = ["deploy", second.as_str(), "--env", "staging", "--yes"];
    let killed = shop.run_with(&deploy, &[("PORTOLAN_FAILPOINT", "rollout.after-act:4")]);
    assert_eq!(killed.code, -1, "{killed:?}");
    let done = shop.ended(0, &["confirm", "last", "--timeout", "60s"]);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
    let nothing = shop.ended(0, &["deploy", "latest", "--env", "staging", "--plan"]).stdout;
    assert!(nothing.contains("there is nothing to do"), "{nothing}");
}

#[test]
fn two_must_agree_where_that_is_asked_for() {
    let shop = Shop::new();
    let file = shop.folder.path().join("portolan.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let config = config.replace("production = {}", "production = { protected = true }");
    std::fs::write(&file, config).unwrap();
    let second = shop.prepare("v2");
    let deploy = ["deploy", second.as_str(), "--env", "production", "--yes", "--timeout", "2s"];
    let waiting = shop.ended(8, &deploy).stderr;
    assert!(waiting.contains("waits for a second person"), "{waiting}");
    shop.ended(5, &["confirm", "last", "--approve"]);
    shop.ended(0, &["confirm", "last", "--approve", "--by", "ben"]);
    assert_eq!(shop.whole("production"), 2);
}
