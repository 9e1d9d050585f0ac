//! The built `portolan` binary as a running server: started, killed and started again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::http::{Answer, Client};
use crate::process::{self, Process};

/// How the server is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The URL of its PostgreSQL database; without it the store is SQLite in the data folder.
    pub store: Option<String>,
    /// `NAME` or `NAME:N`: the failpoint at whose N-th passing the process kills itself.
    pub failpoint: Option<String>,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
}

/// A server with its own data folder, which is removed with it.
#[derive(Debug)]
pub struct Server {
    binary: PathBuf,
    options: Options,
    port: u16,
    process: Process,
    dir: TempDir,
    /// A client for its HTTP surface.
    pub client: Client,
}

impl Server {
    /// Starts `binary` (a test passes `env!("CARGO_BIN_EXE_portolan")`) with an empty data folder
    /// and waits until it is ready.
    pub fn start(binary: impl AsRef<Path>, options: Options) -> anyhow::Result<Self> {
        let dir = tempfile::Builder::new().prefix("portolan-server-").tempdir()?;
        let port = crate::port::free()?;
        let binary = binary.as_ref().to_owned();
        let process = spawn(&binary, &options, port, dir.path())?;
        let client = Client::new();
        let mut server = Self { binary, options, port, process, dir, client };
        server.wait_ready()?;
        Ok(server)
    }

    /// `127.0.0.1:PORT`, as it stands in an image reference.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.client.get(&self.url(path))
    }

    /// `GET path`, which must be answered with 200 and JSON.
    pub fn json(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        let answer = self.get(path)?;
        anyhow::ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text());
        answer.json()
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The process of the moment.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it with `SIGKILL`.
    pub fn kill_9(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same data and port, with no failpoint, and waits until it is ready.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.process.kill();
        self.options.failpoint = None;
        self.process = spawn(&self.binary, &self.options, self.port, self.dir.path())?;
        self.wait_ready()
    }

    /// Runs the binary with `arguments` as a client of this server; answers its standard output.
    pub fn cli(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = command(&self.binary, self.dir.path());
        command.env("PORTOLAN_SERVER", self.url(""));
        process::output(command.args(arguments).current_dir(self.dir.path()))
    }

    /// Asks `path` again and again until `wanted` likes the answer, for at most `patience`.
    pub fn eventually(
        &self,
        path: &str,
        patience: Duration,
        wanted: impl Fn(&Answer) -> bool,
    ) -> anyhow::Result<Answer> {
        let deadline = std::time::Instant::now() + patience;
        loop {
            let answer = self.get(path)?;
            if wanted(&answer) {
                return Ok(answer);
            }
            anyhow::ensure!(
                std::time::Instant::now() < deadline,
                "{path} still answers {} {} after {patience:?}",
                answer.status,
                answer.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_ready(&mut self) -> anyhow::Result<()> {
        let url = self.url("/ready");
        let client = self.client.clone();
        self.process
            .wait_until(Duration::from_secs(30), || client.get(&url).is_ok_and(|a| a.status == 200))
            .context("waiting for portolan")
    }
}

fn spawn(binary: &Path, options: &Options, port: u16, dir: &Path) -> anyhow::Result<Process> {
    let mut command = command(binary, dir);
    command.arg("up").arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.arg("--data").arg(dir.join("data"));
    if let Some(url) = &options.store {
        command.env("PORTOLAN_STORE_URL", url);
    }
    if let Some(failpoint) = &options.failpoint {
        command.env("PORTOLAN_FAILPOINT", failpoint);
    }
    command.envs(options.environment.iter().map(|(key, value)| (key, value)));
    Process::spawn("portolan", &command, &dir.join("log"))
}

/// The binary with nothing of the developer's own configuration or credentials.
fn command(binary: &Path, dir: &Path) -> Command {
    let mut command = Command::new(binary);
    command.current_dir(dir).env("HOME", dir).env("XDG_CONFIG_HOME", dir.join("config"));
    command.env_remove(crate::postgres::VARIABLE);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command
}
