//! A shop on a fake of AWS, and the folder of whoever deploys it.

use std::path::Path;
use std::process::{Command, Stdio};

use portolan_testkit::Server;
use portolan_testkit::fake_ecs::{self, FakeEcs, GivenService};
use portolan_testkit::moto::{ACCOUNT, REGION};
use portolan_testkit::server::Options;
use serde_json::Value;

pub(crate) const IMAGES: [(&str, &[&str]); 2] = [("api", &["api", "web"]), ("worker", &["worker"])];
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// The shop.
pub(crate) struct Shop {
    pub(crate) fake: FakeEcs,
    pub(crate) folder: tempfile::TempDir,
    server: Option<String>,
}

/// How a command ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Shop {
    pub(crate) fn new() -> Self {
        Self::with_breaker(Some(true))
    }

    /// Whose services have a circuit breaker that goes back, or does not, or none.
    pub(crate) fn with_breaker(breaker: Option<bool>) -> Self {
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
                        breaker,
                        ..GivenService::default()
                    };
                    fake.given(&given).unwrap();
                }
            }
        }
        fake.run(100.0);
        let folder = tempfile::tempdir().unwrap();
        let (api, worker) = (fake.image("api"), fake.image("worker"));
        let place = format!("account = {ACCOUNT:?}\nregion = {REGION:?}\n");
        let config = format!(
            "[workers]\nlease_seconds = 3\n\
             [releases]\npoll_millis = 50\n\
             [environments.staging]\n{place}clusters = [\"staging\"]\n\
             [environments.production]\n{place}clusters = [\"production\"]\n\
             [projects.shop.images]\n\
             api = {{ repository = {api:?}, services = [\"api\", \"web\"] }}\n\
             worker = {{ repository = {worker:?}, services = [\"worker\"] }}\n\
             [projects.shop.services.worker]\nwave = 1\n\
             [projects.shop.environments]\nstaging = {{}}\nproduction = {{}}\n"
        );
        std::fs::write(folder.path().join("portolan.toml"), config).unwrap();
        Self { fake, folder, server: None }
    }

    /// Asks for a second person in production.
    pub(crate) fn protect(&self) {
        let file = self.folder.path().join("portolan.toml");
        let config = std::fs::read_to_string(&file).unwrap();
        let config = config.replace("production = {}", "production = { protected = true }");
        std::fs::write(&file, config).unwrap();
    }

    /// A shop with a server, which kills itself at a failpoint where one is told.
    pub(crate) fn served(failpoint: Option<&str>) -> (Self, Server) {
        Self::new().serve(failpoint)
    }

    /// The same, with a server.
    pub(crate) fn serve(mut self, failpoint: Option<&str>) -> (Self, Server) {
        let config = self.folder.path().join("portolan.toml").display().to_string();
        let mut environment = self.fake.environment();
        environment.push(("PORTOLAN_CONFIG".to_owned(), config));
        let failpoint = failpoint.map(str::to_owned);
        let options = Options { failpoint, environment, ..Options::default() };
        let server = Server::start(env!("CARGO_BIN_EXE_portolan"), options).unwrap();
        self.server = Some(server.url(""));
        (self, server)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
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
    pub(crate) fn whole(&self, environment: &str) -> u32 {
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
