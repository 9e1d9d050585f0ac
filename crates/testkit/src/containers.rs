//! skopeo, buildah and podman with a home, a storage and a configuration of the test's own.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::process;

/// The three clients. Dropping this removes their home with every image in it.
#[derive(Debug)]
pub struct Containers {
    home: TempDir,
}

/// Lower limits than the defaults, and no network of its own: what a machine without many rights
/// still allows.
const CONTAINERS_CONF: &str = r#"
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"#;

const REGISTRIES_CONF: &str = r#"
unqualified-search-registries = []
[[registry]]
location = "127.0.0.1"
prefix = "127.0.0.1"
insecure = true
"#;

impl Containers {
    /// An empty home for the clients.
    pub fn new() -> anyhow::Result<Self> {
        let home = tempfile::Builder::new().prefix("portolan-containers-").tempdir()?;
        let folder = home.path().join(".config/containers");
        std::fs::create_dir_all(&folder)?;
        std::fs::create_dir(home.path().join("run"))?;
        std::fs::write(folder.join("containers.conf"), CONTAINERS_CONF)?;
        std::fs::write(folder.join("registries.conf"), REGISTRIES_CONF)?;
        let accept = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;
        std::fs::write(folder.join("policy.json"), accept)?;
        // Copies instead of overlays: slower, and works inside every sandbox.
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\nrunroot = \"{0}/runroot\"\ngraphroot = \"{0}/storage\"\n",
            home.path().display()
        );
        std::fs::write(folder.join("storage.conf"), storage)?;
        Ok(Self { home })
    }

    /// The home folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs skopeo with `arguments` and answers its standard output.
    pub fn skopeo(&self, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(&mut self.command("skopeo", arguments)?)
    }

    /// Runs buildah with `arguments` and answers its standard output.
    pub fn buildah(&self, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(&mut self.command("buildah", arguments)?)
    }

    /// Runs podman with `arguments` and answers its standard output.
    pub fn podman(&self, arguments: &[&str]) -> anyhow::Result<String> {
        process::output(&mut self.command("podman", arguments)?)
    }

    /// The command that runs `program` (also the name of its Debian package) in this home, for at
    /// most five minutes.
    pub fn command(&self, program: &str, arguments: &[&str]) -> anyhow::Result<Command> {
        let path = process::find(program, program)?;
        let folder = self.home.path().join(".config/containers");
        let mut command = Command::new("timeout");
        command.arg("300").arg(path).args(arguments);
        command.env("HOME", self.home.path());
        command.env("XDG_RUNTIME_DIR", self.home.path().join("run"));
        command.env("TMPDIR", self.home.path());
        command.env("CONTAINERS_CONF", folder.join("containers.conf"));
        command.env("CONTAINERS_STORAGE_CONF", folder.join("storage.conf"));
        command.env("CONTAINERS_REGISTRIES_CONF", folder.join("registries.conf"));
        command.env("REGISTRY_AUTH_FILE", self.home.path().join("auth.json"));
        command.env("BUILDAH_ISOLATION", "chroot");
        Ok(command)
    }
}
