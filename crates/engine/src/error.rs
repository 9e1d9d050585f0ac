//! Why the engine did not do what it was asked for.

use std::path::PathBuf;
use std::time::Duration;

/// Why the engine did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no engine: a normal answer on a machine that runs no containers.
    #[error(
        "no container engine here: found no {}; install podman (`apt-get install podman`) or \
         docker, or name the program",
        .looked_for.join(" and no ")
    )]
    NotFound {
        /// The programs that were looked for.
        looked_for: Vec<String>,
    },
    /// There is an engine, and it cannot be used.
    #[error("{program} is there and cannot be used: {message}")]
    Unusable {
        /// The program.
        program: String,
        /// What is wrong with it.
        message: String,
    },
    /// A name, reference or limit that is none. Nothing was asked of the engine.
    #[error("`{value}` cannot be {what}: {reason}")]
    Invalid {
        /// What it should have been.
        what: &'static str,
        /// What it is, cut off where it is long; never a variable's value.
        value: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The engine has another container of that name.
    #[error("the engine has a container named {name} already: remove it, or choose another name")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The image is not on this machine.
    #[error("the engine does not have the image {image}: pull it first")]
    NoImage {
        /// The image.
        image: String,
    },
    /// There is no such container, or no longer.
    #[error("the engine has no container {id}")]
    NoContainer {
        /// The container.
        id: String,
    },
    /// The program ended with an error.
    #[error("could not {doing}: {program} ended with {status}: {message}")]
    Failed {
        /// What was being done, as in "start the container a".
        doing: String,
        /// The program.
        program: String,
        /// Its exit code, or the signal that ended it.
        status: String,
        /// The end of what it said.
        message: String,
    },
    /// The program did not end in time, and was killed.
    #[error("could not {doing}: {program} did not end within {after:?}")]
    TimedOut {
        /// What was being done.
        doing: String,
        /// The program.
        program: String,
        /// How long it was given.
        after: Duration,
    },
    /// The program said more than is read.
    #[error("could not {doing}: {program} said more than {limit} bytes")]
    TooMuch {
        /// What was being done.
        doing: String,
        /// The program.
        program: String,
        /// The limit.
        limit: usize,
    },
    /// What the program said could not be understood.
    #[error("could not {doing}: the answer of {program} cannot be read: {reason}")]
    Unreadable {
        /// What was being done.
        doing: String,
        /// The program.
        program: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The program could not be run.
    #[error("could not {doing}: running {program} failed")]
    Io {
        /// What was being done.
        doing: String,
        /// The program.
        program: String,
        /// What happened.
        source: std::io::Error,
    },
    /// A file with credentials could not be written.
    #[error("could not write credentials for the engine in {folder}: check that it may be written")]
    Scratch {
        /// The folder for such files.
        folder: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// No port is free.
    #[error("no free port on 127.0.0.1")]
    NoPort(#[source] std::io::Error),
}
