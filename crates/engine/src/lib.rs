//! Containers on this machine, by podman or docker, whichever is there.
//!
//! Floor 2. The mechanism alone: one container is pulled, started, looked at, stopped, removed, and
//! one command is run to its end. What should run, in which order and what happens when it does not
//! is decided above. Nothing is remembered here either: whatever a container is for stands in its
//! labels (see [`labels`]), so that it is found again by whoever asks next.
//!
//! The engine is driven by its command line, which podman and docker share nearly to the letter:
//! argument lists that no shell ever sees, each with a deadline and a limit of what it may say.

mod arguments;
mod call;
mod check;
mod container;
mod detect;
mod engine;
mod error;
mod health;
mod id;
pub mod labels;
mod list;
mod once;
mod ports;
mod probe;
mod pull;
mod rlimits;
mod settings;
mod spec;

pub use container::{Container, State};
pub use engine::{Engine, Started};
pub use error::EngineError;
pub use health::{HealthReport, HealthStatus};
pub use id::ContainerId;
pub use labels::{Filter, Place};
pub use once::{Ending, Finished};
pub use ports::Published;
pub use pull::{Access, Credentials};
pub use settings::{Kind, Settings};
pub use spec::{Check, Health, Network, Port, Spec};
