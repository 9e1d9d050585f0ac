//! weco-deploy 5.7.4, the original, and worlds on which it and others deploy.
//!
//! It asks the Python package index at every start; here it is told that it is the newest. And it
//! writes into the machine's configuration of git, of which it gets one of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;
use serde_json::json;
use tempfile::TempDir;

use crate::fake_ecs::{self, FakeEcs, GivenService};
use crate::process;

/// The environment variable with the path of the original, as `cargo xtask test` sets it.
pub const VARIABLE: &str = "PORTOLAN_TEST_WECO";
/// The account to which everything belongs.
pub const ACCOUNT: &str = "123456789012";
/// The only region that the original knows images in.
pub const REGION: &str = "eu-west-1";
/// The project, and what its table is called by.
pub const PROJECT: &str = "golden";

/// Where `cargo xtask test` puts it.
const INSTALLED: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/weco-deploy/bin/weco-deploy");
/// What Python runs first.
const NEWEST: &str = r#"
import io, json, urllib.request

_open = urllib.request.urlopen

def urlopen(url, *arguments, **options):
    if isinstance(url, str) and url.startswith("https://pypi.org/"):
        return io.BytesIO(json.dumps({"releases": {"5.7.4": []}}).encode())
    return _open(url, *arguments, **options)

urllib.request.urlopen = urlopen
"#;

/// An image of a world, and the services that run it.
#[derive(Debug, Clone)]
pub struct WorldImage<'a> {
    /// Its id.
    pub id: &'a str,
    /// The services that the project's file names.
    pub services: &'a [&'a str],
    /// Whether there is a version B of it, with the label `latest`.
    pub is_new: bool,
}

/// A service of a world, in each environment.
#[derive(Debug, Clone)]
pub struct WorldService<'a> {
    /// Its id.
    pub id: &'a str,
    /// The images in its task.
    pub images: &'a [&'a str],
    /// Whether there is something in it that is not the project's.
    pub has_sidecar: bool,
}

/// Images and services on a fake of AWS, a project's file and a checkout. The environments are
/// `stage` and `prod`, each with a cluster of its name, and run version A of everything.
#[derive(Debug)]
pub struct World {
    /// AWS.
    pub fake: FakeEcs,
    dir: TempDir,
    commits: [String; 2],
    images: Vec<String>,
    services: Vec<String>,
    before: BTreeMap<String, String>,
}

impl World {
    /// A world in which each of `images` images has one service of its own, and is new.
    pub fn plain(images: usize) -> anyhow::Result<Self> {
        let ids: Vec<String> = (0..images).map(|at| format!("image_{at:02}")).collect();
        let services: Vec<String> = (0..images).map(|at| format!("svc-{at:02}")).collect();
        let of: Vec<[&str; 1]> = services.iter().map(|it| [it.as_str()]).collect();
        let runs: Vec<[&str; 1]> = ids.iter().map(|it| [it.as_str()]).collect();
        let given: Vec<WorldImage<'_>> = (ids.iter().zip(&of))
            .map(|(id, services)| WorldImage { id, services, is_new: true })
            .collect();
        let running: Vec<WorldService<'_>> = (services.iter().zip(&runs))
            .map(|(id, images)| WorldService { id, images, has_sidecar: false })
            .collect();
        Self::new(&given, &running)
    }

    /// A world with these.
    pub fn new(images: &[WorldImage<'_>], services: &[WorldService<'_>]) -> anyhow::Result<Self> {
        let fake = fake_ecs::start(ACCOUNT, REGION)?;
        let dir = tempfile::tempdir()?;
        let commits = checkout(dir.path())?;
        let mut file = format!(
            "{PROJECT}:\n  name: Golden project\n  role_arn: arn:aws:iam::{ACCOUNT}:role/ci\n  \
             environments:\n  - id: stage\n    name: Stage\n  - id: prod\n    name: Production\n  \
             image_repositories:\n"
        );
        for image in images {
            writeln!(file, "  - id: {}\n    services:", image.id)?;
            for service in image.services {
                writeln!(file, "    - id: {service}")?;
            }
            let [a, b] = commits.each_ref().map(|commit| format!("ref.{commit}"));
            let (id, repository) = (image.id, repository(image.id));
            let mut tags = vec![a.as_str(), "env.stage", "env.prod"];
            if !image.is_new {
                tags.push("latest");
            }
            fake.push(&repository, &format!("{id} A"), &tags)?;
            if image.is_new {
                fake.push(&repository, &format!("{id} B"), &[&b, "latest"])?;
            }
        }
        // An image without services has no list of them.
        let file = file.replace("    services:\n  -", "  -");
        let file = file.strip_suffix("    services:\n").unwrap_or(&file).to_owned();
        std::fs::write(dir.path().join(".wellcome_project"), file)?;
        let mut world = Self {
            fake,
            dir,
            commits,
            images: images.iter().map(|it| it.id.to_owned()).collect(),
            services: services.iter().map(|it| it.id.to_owned()).collect(),
            before: BTreeMap::new(),
        };
        for environment in ["stage", "prod"] {
            for service in services {
                world.given(environment, service)?;
            }
        }
        world.before = world.deployments()?;
        Ok(world)
    }

    fn given(&self, environment: &str, service: &WorldService<'_>) -> anyhow::Result<()> {
        let named: Vec<(&str, String)> = (service.images.iter())
            .map(|id| (*id, format!("{}:env.{environment}", self.fake.image(&repository(id)))))
            .collect();
        let mut containers: Vec<(&str, &str)> =
            named.iter().map(|(name, image)| (*name, image.as_str())).collect();
        if service.has_sidecar {
            containers.push(("proxy", "public.ecr.aws/nginx/nginx:1.27"));
        }
        self.fake.given(&GivenService {
            cluster: environment,
            name: &format!("{environment}-{}", service.id),
            containers: &containers,
            count: 2,
            tags: &[("deployment:service", service.id), ("deployment:env", environment)],
            breaker: Some(true),
            ..GivenService::default()
        })
    }

    /// The folder with the project's file, which is a checkout and a home.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The commits of versions A and B.
    pub fn commits(&self) -> &[String; 2] {
        &self.commits
    }

    /// Makes the table of releases, as the original does.
    pub fn make_table(&self) -> anyhow::Result<()> {
        let part = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let index = |name: &str, order: &str| {
            json!({
                "IndexName": name,
                "KeySchema": [part("project_id", "HASH"), part(order, "RANGE")],
                "Projection": { "ProjectionType": "ALL" },
            })
        };
        self.fake.call("CreateTable", &json!({
            "TableName": self.table(),
            "KeySchema": [part("release_id", "HASH")],
            "GlobalSecondaryIndexes":
                [index("project_gsi", "date_created"), index("deployment_gsi", "last_date_deployed")],
        }))?;
        Ok(())
    }

    /// The name of the table of releases.
    pub fn table(&self) -> String {
        format!("wellcome-releases-{PROJECT}")
    }

    /// A command in this world, with nothing of the developer's own around it.
    pub fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        command(self.path(), self.fake.environment(), program, arguments)
    }

    /// The original, in this world.
    pub fn original(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        original_in(self.path(), self.fake.environment(), arguments)
    }

    /// Which version each image's tag of `environment` points to: `A`, `B`, or `-`.
    pub fn tags(&self, environment: &str) -> String {
        let tag = format!("env.{environment}");
        self.images.iter().map(|id| self.version(id, &tag)).collect()
    }

    fn version(&self, id: &str, tag: &str) -> char {
        let at = |tag: &str| self.fake.tagged(&repository(id), tag);
        let [a, b] = self.commits.each_ref().map(|commit| at(&format!("ref.{commit}")));
        match at(tag) {
            None => '-',
            tagged if tagged == a => 'A',
            tagged if tagged == b => 'B',
            Some(_) => '?',
        }
    }

    fn deployments(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let mut deployments = BTreeMap::new();
        for environment in ["stage", "prod"] {
            for id in &self.services {
                let name = format!("{environment}-{id}");
                let service = self.fake.described(environment, &name)?;
                let newest = service["deployments"][0]["id"].as_str().context("no deployment")?;
                deployments.insert(name, newest.to_owned());
            }
        }
        Ok(deployments)
    }

    /// The services, as in `stage-svc-00`, that were started anew since this was asked last.
    pub fn rolled(&mut self) -> anyhow::Result<BTreeSet<String>> {
        let now = self.deployments()?;
        let before = std::mem::replace(&mut self.before, now.clone());
        Ok(now
            .into_iter()
            .filter(|(name, id)| before.get(name) != Some(id))
            .map(|it| it.0)
            .collect())
    }

    /// The versions that the tasks of a service run, of the containers that are the project's.
    pub fn runs(&self, environment: &str, id: &str) -> anyhow::Result<String> {
        let mut versions = BTreeSet::new();
        for (container, digest) in self.fake.running(environment, &format!("{environment}-{id}"))? {
            let [a, b] = self
                .commits
                .each_ref()
                .map(|commit| self.fake.tagged(&repository(&container), &format!("ref.{commit}")));
            if Some(&digest) == a.as_ref() {
                versions.insert('A');
            } else if Some(&digest) == b.as_ref() {
                versions.insert('B');
            }
        }
        Ok(versions.into_iter().collect())
    }
}

/// The repository of an image.
pub fn repository(id: &str) -> String {
    format!("uk.ac.wellcome/{id}")
}

/// A command in `dir`, which is its home, with `environment` and nothing of the developer's own.
fn command(
    dir: &Path,
    environment: Vec<(String, String)>,
    program: &Path,
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().stdin(Stdio::null());
    #[expect(clippy::disallowed_methods, reason = "the tools of this machine are looked for")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env("PATH", path).env("HOME", dir).envs(environment);
    command.env("GIT_CONFIG_SYSTEM", dir.join("gitconfig-system"));
    command
}

/// The original in `dir`, which has a `.wellcome_project`, with AWS as `environment` says.
pub fn original_in(
    dir: &Path,
    environment: Vec<(String, String)>,
    arguments: &[&str],
) -> anyhow::Result<Command> {
    let site = dir.join("site");
    std::fs::create_dir_all(&site)?;
    std::fs::write(site.join("sitecustomize.py"), NEWEST)?;
    let mut command = command(dir, environment, &original()?, arguments);
    command.env("PYTHONPATH", site).env("PYTHONWARNINGS", "ignore");
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("LC_ALL", "C.UTF-8");
    Ok(command)
}

/// The path of the original.
pub fn original() -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "the test command hands its peers in this way")]
    if let Ok(path) = std::env::var(VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    if Path::new(INSTALLED).is_file() {
        return Ok(PathBuf::from(INSTALLED));
    }
    process::find("weco-deploy", "python3-venv")
        .context("weco-deploy is missing: `cargo xtask test` installs it from PyPI")
}

/// Makes a checkout of `dir` with two commits, A and B.
fn checkout(dir: &Path) -> anyhow::Result<[String; 2]> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(dir).args(arguments);
        command.env("GIT_CONFIG_SYSTEM", "/dev/null").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "test").env(format!("GIT_{who}_EMAIL"), "t@t");
            command.env(format!("GIT_{who}_DATE"), "2026-11-01T09:00:00Z");
        }
        process::output(&mut command)
    };
    git(&["init", "--quiet"])?;
    let commit = |name: &str| -> anyhow::Result<String> {
        git(&["commit", "--quiet", "--allow-empty", "--message", &format!("Make version {name}")])?;
        Ok(git(&["rev-parse", "HEAD"])?.trim().to_owned())
    };
    Ok([commit("A")?, commit("B")?])
}
