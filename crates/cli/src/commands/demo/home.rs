//! The directory of a demo: made anew each time, for one demo at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use portolan_model::Platform;

use crate::env::Environment;
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// Where it is unless told otherwise, from the working directory.
const DEFAULT: &str = ".portolan/demo";
/// What tells that a directory was made by a demo, and whose lock is held while one runs.
const MARK: &str = "demo.lock";
/// The configuration in it.
const CONFIG: &str = "portolan.toml";

/// The directory, and the lock on it.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    _lock: File,
}

fn failed(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let message = format!("could not {doing} {}", path.display());
    move |error| {
        Failure::new(Code::Configuration, message)
            .because(&error)
            .hint("--data names another directory")
    }
}

impl Home {
    /// Takes the directory that was told, else the usual one, and empties it. One that is there must be
    /// empty, or of an earlier demo.
    pub(super) fn take(told: Option<&Path>, environment: &Environment) -> Outcome<Self> {
        let path = environment.directory.join(told.unwrap_or(Path::new(DEFAULT)));
        std::fs::create_dir_all(&path).map_err(failed("make the directory", &path))?;
        let path = path.canonicalize().map_err(failed("find the directory", &path))?;
        let mark = path.join(MARK);
        let mut found = std::fs::read_dir(&path).map_err(failed("read the directory", &path))?;
        if !mark.exists() && found.next().is_some() {
            let what = format!("{} has files that no demo made, and is left alone", path.display());
            return Err(Failure::new(Code::Configuration, what)
                .hint("--data names a new directory, or one of an earlier demo"));
        }
        let mut options = File::options();
        let opened = options.create(true).truncate(false).write(true).open(&mark);
        let lock = opened.map_err(failed("write", &mark))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("another demo runs in {}", path.display());
                return Err(Failure::new(Code::Conflict, what)
                    .hint("end it with Ctrl-C, or name another directory with --data"));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &mark)(error)),
        }
        let home = Self { path, _lock: lock };
        home.empty()?;
        Ok(home)
    }

    fn empty(&self) -> Outcome {
        let failed = || failed("empty the directory", &self.path);
        for entry in std::fs::read_dir(&self.path).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if entry.file_name() == MARK {
                continue;
            }
            let kind = entry.file_type().map_err(failed())?;
            let removed = if kind.is_dir() {
                std::fs::remove_dir_all(entry.path())
            } else {
                std::fs::remove_file(entry.path())
            };
            removed.map_err(failed())?;
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration of the demo's server.
    pub(super) fn config(&self) -> PathBuf {
        self.path.join(CONFIG)
    }

    /// Writes the configuration of a server that listens on `address`, and runs what is deployed in
    /// containers or only records it.
    pub(super) fn configure(&self, address: SocketAddr, in_containers: bool) -> Outcome {
        let text = text(address, in_containers);
        std::fs::write(self.config(), text).map_err(failed("write", &self.config()))
    }
}

/// Makes a directory.
pub(super) fn make(path: &Path) -> Outcome {
    std::fs::create_dir_all(path).map_err(failed("make the directory", path))
}

/// The platform of this machine's containers.
pub(super) fn platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
        ..Platform::default()
    }
}

fn text(address: SocketAddr, in_containers: bool) -> String {
    let runs = if in_containers { "local" } else { "record" };
    let place = format!("{{ runs = \"{runs}\", platform = \"{}\" }}", platform());
    format!(
        "# Written by `portolan demo`, anew each time.\n\
         \n\
         [server]\n\
         listen = \"{address}\"\n\
         \n\
         [store]\n\
         url = \"sqlite:portolan.db\"\n\
         \n\
         [blobs]\n\
         url = \"file:blobs\"\n\
         \n\
         [releases]\n\
         poll_millis = 250\n\
         \n\
         [projects.harbour]\n\
         title = \"The harbour, an example\"\n\
         \n\
         [projects.harbour.images]\n\
         pilot = {{ repository = \"harbour/pilot\", services = [\"pilot\"] }}\n\
         tides = {{ repository = \"harbour/tides\", services = [\"tides\"] }}\n\
         \n\
         # `tides` first: `pilot` asks it.\n\
         [projects.harbour.services.tides.local]\n\
         port = 8080\n\
         stop_seconds = 5\n\
         health = {{ path = \"/health\", interval_seconds = 1, retries = 3 }}\n\
         \n\
         [projects.harbour.services.pilot]\n\
         wave = 1\n\
         \n\
         [projects.harbour.services.pilot.local]\n\
         count = 2\n\
         port = 8080\n\
         stop_seconds = 5\n\
         health = {{ path = \"/health\", interval_seconds = 1, retries = 3 }}\n\
         \n\
         # What version 2.0.0 needs, and production was not told.\n\
         [projects.harbour.services.pilot.environments.staging]\n\
         variables = {{ TIDES_URL = \"http://tides.staging.example\" }}\n\
         \n\
         [projects.harbour.environments]\n\
         staging = {place}\n\
         production = {place}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_others_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::of(folder.path(), &[]);
        let theirs = folder.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        std::fs::write(theirs.join("thesis"), "x").unwrap();
        let refused = Home::take(Some(&theirs), &environment).unwrap_err();
        assert_eq!(refused.code, Code::Configuration);
        assert!(theirs.join("thesis").exists());

        let home = Home::take(None, &environment).unwrap();
        std::fs::write(home.path().join("left"), "x").unwrap();
        let second = Home::take(None, &environment).unwrap_err();
        assert_eq!(second.code, Code::Conflict, "one at a time");
        drop(home);
        let home = Home::take(None, &environment).unwrap();
        assert!(!home.path().join("left").exists());
    }

    #[test]
    fn the_configuration_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::of(folder.path(), &[]);
        let home = Home::take(None, &environment).unwrap();
        for in_containers in [true, false] {
            home.configure("127.0.0.1:7".parse().unwrap(), in_containers).unwrap();
            let flags = crate::config::Flags { listen: None, data: None };
            let config = crate::config::Config::load(Some(&home.config()), &environment, &flags);
            let config = config.unwrap();
            assert_eq!(config.projects["harbour"].services.len(), 2);
            assert_eq!(config.store_file.unwrap().parent(), Some(home.path()));
            assert_eq!(config.blobs.parent(), Some(home.path()));
        }
    }
}
