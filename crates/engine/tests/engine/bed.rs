//! A real engine with a home of its own, a registry, and an image of busybox.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use portolan_engine::{Access, Container, Engine, Network, Place, Settings, Spec};
use portolan_model::Reference;
use portolan_testkit::containers::{self, Containers};
use portolan_testkit::docker::{self, Docker};
use portolan_testkit::docker_registry::{self, DockerRegistry, Options};
use portolan_testkit::{Image, Publisher, process};
use tempfile::TempDir;

/// Where containers live. Dropping it ends every one.
pub(crate) enum Home {
    Podman(Containers),
    Docker(Docker),
}

impl Home {
    pub(crate) fn podman() -> Self {
        Self::Podman(Containers::new().unwrap())
    }

    pub(crate) fn docker() -> Self {
        Self::Docker(docker::start().unwrap())
    }

    pub(crate) fn settings(&self, scratch: &TempDir) -> Settings {
        let (program, environment) = match self {
            Self::Podman(it) => (process::find("podman", "podman").unwrap(), it.environment()),
            Self::Docker(it) => (Docker::program().unwrap(), it.environment()),
        };
        let settings = Settings::new("test", scratch.path());
        Settings { program: Some(program), environment, ..settings }
    }

    /// The host's network. The podman of tests gives it unasked; the docker of tests has no other.
    fn network(&self) -> Network {
        match self {
            Self::Podman(_) => Network::Default,
            Self::Docker(_) => Network::Host,
        }
    }
}

/// Makes tests of functions that take a [`Home`], for each engine one.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod podman {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::bed::Home::podman()).await;
            })+
        }

        mod docker {
            $(#[tokio::test]
            async fn $name() {
                super::$name($crate::bed::Home::docker()).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// An engine with a registry and what a test needs beside.
pub(crate) struct Bed {
    pub(crate) engine: Engine,
    pub(crate) home: Home,
    pub(crate) registry: DockerRegistry,
    pub(crate) image: Reference,
    pub(crate) scratch: TempDir,
}

pub(crate) const PLAIN: Access = Access { plain_http: true, credentials: None };

/// An image with a shell, whose identity depends on `version`.
pub(crate) fn busybox(version: &str) -> Image {
    let serve = ["httpd", "-f", "-p", "80", "-h", "/www"];
    containers::busybox(&[("www/version", version)], &serve).unwrap()
}

impl Bed {
    /// An engine that has the image already.
    pub(crate) async fn new(home: Home) -> Self {
        let bed = Self::without_image(home).await;
        bed.engine.pull(&bed.image, &PLAIN).await.unwrap();
        bed
    }

    pub(crate) async fn without_image(home: Home) -> Self {
        let registry = docker_registry::start(&Options::default()).unwrap();
        let image = busybox("1");
        Publisher::new(&registry.url(), "shop/web").image("1", &image).unwrap();
        let name = format!("{}/shop/web:1@{}", registry.address(), image.digest());
        let scratch = tempfile::tempdir().unwrap();
        let engine = Engine::detect(home.settings(&scratch)).await.unwrap();
        Self { engine, home, registry, image: name.parse().unwrap(), scratch }
    }

    /// Another engine over the same containers, as after a restart.
    pub(crate) async fn restarted(&self) -> Engine {
        Engine::detect(self.home.settings(&self.scratch)).await.unwrap()
    }

    /// A container of the service `web` that runs `script` in a shell.
    pub(crate) fn shell(&self, name: &str, script: &str) -> Spec {
        Spec {
            name: name.into(),
            place: Place {
                environment: "staging".into(),
                project: "shop".into(),
                service: "web".into(),
                deployment: "d1".into(),
            },
            image: self.image.clone(),
            variables: BTreeMap::new(),
            ports: Vec::new(),
            memory: None,
            command: ["sh", "-c", script].map(Into::into).into(),
            network: self.home.network(),
            labels: BTreeMap::new(),
            health: None,
            stop_timeout: Duration::from_secs(1),
        }
    }

    /// The container as it is when it has ended.
    pub(crate) async fn ended(&self, container: &portolan_engine::ContainerId) -> Container {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        loop {
            let now = self.engine.get(container).await.unwrap();
            if now.exit_code.is_some() {
                return now;
            }
            assert!(std::time::Instant::now() < deadline, "it does not end: {now:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything that is in the folder for files of one command.
    pub(crate) fn scratch_files(&self) -> Vec<PathBuf> {
        std::fs::read_dir(self.scratch.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}
