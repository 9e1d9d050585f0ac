//! skopeo, buildah and podman with a home, a storage and a configuration of the test's own.

use std::ffi::OsString;
use std::fs::DirEntry;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::tar::{self, Entry};
use crate::{Image, Layer, process};

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
        std::fs::write(home.path().join("auth.json"), "{}")?;
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

    /// Builds the image `name` from the text of a `Containerfile`, whose context is a folder with
    /// a static `busybox`.
    pub fn build(&self, containerfile: &str, name: &str) -> anyhow::Result<()> {
        let context = tempfile::tempdir_in(self.home.path())?;
        let busybox = process::find("busybox", "busybox-static")?;
        std::fs::copy(busybox, context.path().join("busybox"))?;
        let file = context.path().join("Containerfile");
        std::fs::write(&file, containerfile)?;
        let (file, context) = (file.display().to_string(), context.path().display().to_string());
        self.buildah(&["bud", "--isolation", "chroot", "--tag", name, "--file", &file, &context])
            .map(drop)
    }

    /// Runs `command` in a new container of the image `name` with podman, and answers its output.
    pub fn run(&self, name: &str, command: &[&str]) -> anyhow::Result<String> {
        let run = ["run", "--rm", "--network=host"];
        self.podman(&[&run, &[name][..], command].concat())
    }

    /// The command that runs `program` (also the name of its Debian package) in this home, for at
    /// most five minutes.
    pub fn command(&self, program: &str, arguments: &[&str]) -> anyhow::Result<Command> {
        let path = process::find(program, program)?;
        let mut command = Command::new("timeout");
        command.arg("300").arg(path).args(arguments);
        command.envs(self.environment());
        Ok(command)
    }

    /// The environment variables by which the clients find this home.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let folder = self.home.path().join(".config/containers");
        let home = self.home.path().to_owned();
        [
            ("HOME", home.clone()),
            ("XDG_RUNTIME_DIR", home.join("run")),
            ("TMPDIR", home.clone()),
            ("CONTAINERS_CONF", folder.join("containers.conf")),
            ("CONTAINERS_STORAGE_CONF", folder.join("storage.conf")),
            ("CONTAINERS_REGISTRIES_CONF", folder.join("registries.conf")),
            ("REGISTRY_AUTH_FILE", home.join("auth.json")),
            ("BUILDAH_ISOLATION", "chroot".into()),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
    }
}

impl Drop for Containers {
    /// Ends and removes every container of podman's. Without one, podman has no folder here.
    fn drop(&mut self) {
        if !self.home.path().join("storage/libpod").exists() {
            return;
        }
        // There may be none, and a drop has nobody to tell.
        let _ = self.podman(&["rm", "--all", "--force", "--time", "0"]);
        // What cleans up after a container does so beside us, and would write into a folder that is
        // just being removed.
        let deadline = Instant::now() + Duration::from_secs(10);
        while is_named_by_a_process(self.home.path()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Whether `path` stands in the command line of any process.
fn is_named_by_a_process(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    let names = |process: std::io::Result<DirEntry>| {
        let line = std::fs::read(process.ok()?.path().join("cmdline")).ok()?;
        line.windows(path.len()).any(|part| part == path).then_some(())
    };
    std::fs::read_dir("/proc").is_ok_and(|mut processes| processes.find_map(names).is_some())
}

/// An image that runs anywhere: a static busybox under the names of its usual commands, the folder
/// `/tmp`, these `files`, and what it does unless told otherwise.
pub fn busybox(files: &[(&str, &str)], command: &[&str]) -> anyhow::Result<Image> {
    let program = std::fs::read(process::find("busybox", "busybox-static")?)?;
    let mut entries = vec![
        Entry::dir("bin"),
        Entry::dir("tmp").mode(0o1777),
        Entry::file("bin/busybox", program).mode(0o755),
    ];
    for name in ["cat", "dd", "echo", "env", "false", "httpd", "sh", "sleep", "touch", "true"] {
        entries.push(Entry::symlink(format!("bin/{name}"), "busybox"));
    }
    entries.extend(files.iter().map(|(path, text)| Entry::file(path, *text)));
    let layer = Layer::gzip(&tar::archive(&entries));
    Ok(Image::builder().runtime("Cmd", serde_json::json!(command)).layer(layer).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker_registry::{self, Options};

    #[test]
    fn buildah_builds_and_pushes_podman_pulls_and_runs() {
        let registry = docker_registry::start(&Options::default()).unwrap();
        let containers = Containers::new().unwrap();
        let name = format!("{}/tools/busybox:1", registry.address());
        containers.build("FROM scratch\nCOPY busybox /bin/busybox\nLABEL a=b\n", &name).unwrap();
        containers.buildah(&["push", "--tls-verify=false", &name]).unwrap();
        containers.buildah(&["rmi", &name]).unwrap();
        containers.podman(&["pull", "--quiet", "--tls-verify=false", &name]).unwrap();
        let hello = ["/bin/busybox", "echo", "hello from inside"];
        assert_eq!(containers.run(&name, &hello).unwrap(), "hello from inside\n");
    }
}
