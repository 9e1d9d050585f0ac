//! What can be set about the engine.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Which engine, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program: a name that is looked for in `PATH`, or a path. None: podman, else docker.
    pub program: Option<PathBuf>,
    /// Environment variables for the program, besides those of this process: `CONTAINERS_CONF`,
    /// `DOCKER_HOST`.
    pub environment: Vec<(OsString, OsString)>,
    /// Whose containers these are. Two installations on one machine never see each other's.
    /// Letters, digits, `_`, `.` and `-`; at most 128.
    pub instance: String,
    /// An existing folder for files that live as long as one command: credentials of a registry,
    /// readable by the owner alone.
    pub scratch: PathBuf,
    /// How long one command may take, besides what it is told to wait.
    pub patience: Duration,
    /// How long the pull of one image may take.
    pub pull_patience: Duration,
}

impl Settings {
    /// Whatever engine is there, one minute for a command and a quarter of an hour for a pull.
    pub fn new(instance: impl Into<String>, scratch: impl Into<PathBuf>) -> Self {
        Self {
            program: None,
            environment: Vec::new(),
            instance: instance.into(),
            scratch: scratch.into(),
            patience: Duration::from_mins(1),
            pull_patience: Duration::from_mins(15),
        }
    }
}

/// Which engine it is. A `docker` that is podman in disguise is podman.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// podman, 4.0 or newer.
    Podman,
    /// docker, 20.10 or newer.
    Docker,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        })
    }
}
