//! How Portolan runs a service by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a service is run by podman or docker on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalRun {
    /// How many tasks.
    pub count: u32,
    /// Variables that it gets.
    pub variables: BTreeMap<String, String>,
    /// The port that it listens on inside; a free one of the machine leads there.
    pub port: Option<u16>,
    /// MiB of memory that each task may use; no limit where none is told.
    pub memory_mib: Option<u64>,
    /// The command in place of the image's.
    pub command: Vec<String>,
    /// How it is known to be well; it is well while it runs where nothing is told.
    pub health: Option<LocalHealth>,
    /// Seconds that it has to end when it is told to.
    pub stop_seconds: u32,
}

/// How a task is known to be well: a path that answers, or a command that ends with 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalHealth {
    /// A path on its port that answers with a status below 400.
    pub path: Option<String>,
    /// A command inside.
    pub command: Vec<String>,
    /// Seconds between two looks.
    pub interval_seconds: u32,
    /// Seconds for an answer.
    pub timeout_seconds: u32,
    /// Looks in a row that may fail.
    pub retries: u32,
    /// Seconds after the start in which a failure does not count.
    pub start_seconds: u32,
}

impl Default for LocalRun {
    fn default() -> Self {
        Self {
            count: 1,
            variables: BTreeMap::new(),
            port: None,
            memory_mib: None,
            command: Vec::new(),
            health: None,
            stop_seconds: 10,
        }
    }
}

impl Default for LocalHealth {
    fn default() -> Self {
        Self {
            path: None,
            command: Vec::new(),
            interval_seconds: 2,
            timeout_seconds: 2,
            retries: 5,
            start_seconds: 10,
        }
    }
}
