//! What becomes of tasks, as a test scripts it.

use std::time::Duration;

use super::FakeEcs;

/// What becomes of a task's container, and so of the task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It runs until it is stopped.
    Runs,
    /// Its process ends with `code`, this long after it began.
    Exits {
        /// The exit code.
        code: i32,
        /// How long it ran.
        after: Duration,
    },
    /// It is killed for want of memory, this long after it began.
    OutOfMemory {
        /// How long it ran.
        after: Duration,
    },
    /// It runs, and its health check never passes.
    NeverHealthy,
    /// Its image cannot be pulled.
    CannotPull,
    /// A secret that it names is not there.
    NoSecret,
    /// It never leaves `PENDING`.
    StaysPending,
}

impl FakeEcs {
    /// Lets `fate` befall the containers of `what`: the digest of an image, an image as a task
    /// definition names it, or, of tasks that are run once, their command joined by blanks.
    pub fn fate(&self, what: &str, fate: Fate) {
        self.lock().fates.insert(what.to_owned(), fate);
    }

    /// Lets the containers of the image of `digest` write `lines` to their log when they begin.
    pub fn says(&self, digest: &str, lines: &[&str]) {
        let lines = lines.iter().map(|&line| line.to_owned()).collect();
        self.lock().sayings.insert(digest.to_owned(), lines);
    }
}
