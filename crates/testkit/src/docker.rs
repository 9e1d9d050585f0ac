//! A real Docker engine with a socket, a storage and a configuration of the test's own.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::{self, Process};

/// A running `dockerd` without a network of its own: containers get the host's when they ask for it.
/// Dropping this ends its containers and itself.
#[derive(Debug)]
pub struct Docker {
    process: Process,
    dir: TempDir,
}

/// Starts an engine and waits until it answers.
pub fn start() -> anyhow::Result<Docker> {
    let program = process::find("dockerd", "docker.io")?;
    // A short path: that of a socket may have 107 bytes at most.
    let dir = tempfile::Builder::new().prefix("portolan-docker-").tempdir()?;
    let path = |name: &str| dir.path().join(name);
    let mut command = Command::new(program);
    command.arg("--bridge=none");
    for option in ["iptables", "ip6tables", "ip-forward", "ip-masq"] {
        command.arg(format!("--{option}=false"));
    }
    command.arg(format!("--host=unix://{}", path("socket").display()));
    command.arg("--data-root").arg(path("data")).arg("--exec-root").arg(path("exec"));
    command.arg("--pidfile").arg(path("pid"));
    // Copies instead of overlays, and lower limits: what works inside every sandbox.
    command.args(["--storage-driver=vfs", "--default-ulimit=nofile=1024:1024"]);
    command.arg("--config-file").arg(path("none.json"));
    std::fs::write(path("none.json"), "{}")?;
    let process = Process::spawn_with_signal("dockerd", &command, &path("log"), "TERM")?;
    let mut docker = Docker { process, dir };
    let mut ready = docker.command(&["version"])?;
    let answers = || process::output(&mut ready).is_ok();
    docker.process.wait_until(Duration::from_mins(1), answers)?;
    Ok(docker)
}

impl Docker {
    /// The environment variables by which the `docker` command finds this engine.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let host = format!("unix://{}", self.dir.path().join("socket").display());
        vec![
            ("DOCKER_HOST".into(), host.into()),
            ("DOCKER_CONFIG".into(), self.dir.path().join("config").into()),
        ]
    }

    /// The `docker` command.
    pub fn program() -> anyhow::Result<PathBuf> {
        process::find("docker", "docker.io")
    }

    /// Runs the `docker` command with `arguments` and answers its standard output.
    pub fn docker(&self, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(&mut self.command(arguments)?)
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new("timeout");
        command.arg("120").arg(Self::program()?).args(arguments).envs(self.environment());
        Ok(command)
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // A drop has nobody to tell; what stays behind is found at the end of all tests.
        let ids = self.docker(&["ps", "--all", "--quiet"]).unwrap_or_default();
        let remove: Vec<_> = ["rm", "--force"].into_iter().chain(ids.lines()).collect();
        if remove.len() > 2 {
            let _ = self.docker(&remove);
        }
        let _ = self.process.terminate(Duration::from_secs(30));
        // Its end leaves the mount that stands for the host's network, and with that the folder.
        let mount = self.dir.path().join("exec/netns/default");
        if mount.exists() {
            let _ = process::output(Command::new("umount").arg(mount));
        }
    }
}
