//! Who runs services: what can be read there, and what can be done.

pub(crate) mod definition;
pub mod ecs;
pub mod local;
pub mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use futures::future::BoxFuture;
use portolan_model::Digest;
use serde::{Deserialize, Serialize};

/// A service as it is where it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What it is called there.
    pub id: String,
    /// Who changes it: only what says [`Controller::Own`] can be changed.
    pub controller: Controller,
    /// The definition of its tasks; none where it was never deployed.
    pub definition: Option<String>,
    /// Its newest deployment; none where it was never deployed.
    pub deployment: Option<String>,
    /// Tasks that shall run.
    pub desired: u64,
    /// Its containers, as the definition has them.
    pub containers: Vec<SeenContainer>,
}

/// Who changes a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    /// Whoever runs it: it can be changed.
    Own,
    /// Something else, of this name.
    Other(String),
}

/// A container of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenContainer {
    /// Its name.
    pub name: String,
    /// The image that the definition names.
    pub image: String,
    /// The images that tasks run. Empty where none runs, or that is not known.
    pub runs: BTreeSet<Digest>,
}

/// What was found of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It is there.
    One(Box<Seen>),
    /// It is not.
    None,
    /// These are all called so.
    Several(Vec<String>),
}

/// A definition that is wanted: that of a service, with other images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Define {
    /// The service.
    pub service: String,
    /// What it is called there.
    pub id: String,
    /// The definition that it has.
    pub from: Option<String>,
    /// The image of each container that changes.
    pub images: BTreeMap<String, String>,
}

/// A deployment that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The service.
    pub service: String,
    /// What it is called there.
    pub id: String,
    /// The definition of its new tasks; the one that it has, anew, where there is none.
    pub definition: Option<String>,
    /// Whether it goes back to what ran before: what still runs of that may be kept as it is.
    pub back: bool,
}

/// A deployment that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The service.
    pub service: String,
    /// What it is called there.
    pub id: String,
    /// The deployment.
    pub deployment: String,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Look {
    /// Under way.
    Going {
        /// Tasks that shall run.
        desired: u64,
        /// Tasks that run.
        running: u64,
        /// Tasks that failed.
        failed: u64,
    },
    /// Complete.
    Complete,
    /// It failed, and will not come up.
    Failed {
        /// Why.
        reason: String,
    },
    /// Another deployment took its place.
    Replaced {
        /// Which.
        by: String,
    },
    /// The service is being removed, or is not there.
    Gone,
}

/// Why a deployment failed, as far as it can be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The last that was said of the service, newest first.
    pub events: Vec<String>,
    /// Tasks of the deployment that stopped.
    pub tasks: Vec<StoppedTask>,
}

/// A task that stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedTask {
    /// Its name.
    pub id: String,
    /// Why it stopped.
    pub reason: Option<String>,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a task that stopped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// What its process ended with.
    pub exit_code: Option<i64>,
    /// Why it stopped.
    pub reason: Option<String>,
    /// The last lines that it wrote.
    pub log: Vec<String>,
}

/// A command to be run once, in a task made as a definition says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The service.
    pub service: String,
    /// What it is called there.
    pub id: String,
    /// The definition of the task.
    pub definition: Option<String>,
    /// The container whose command is replaced; the first where none is told.
    pub container: Option<String>,
    /// The command.
    pub command: Vec<String>,
    /// For how many seconds it may run.
    pub seconds: u32,
    /// Who asks: where a run with this token was begun before, that one is followed, and none is
    /// begun. At most 36 letters, digits and `-`.
    pub token: String,
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// What its process ended with; none where it never ran, or had to be stopped.
    pub exit_code: Option<i64>,
    /// Why it ended, where that is told.
    pub reason: Option<String>,
    /// The last lines that it wrote.
    pub log: Vec<String>,
}

/// Why something could not be done where services run.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}")]
pub struct TargetError {
    /// What was being done, to what.
    pub doing: String,
    /// Whether doing it again a little later may go through.
    pub transient: bool,
    /// What happened.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl TargetError {
    /// `source` came of doing `doing`.
    pub fn new(
        doing: impl Into<String>,
        transient: bool,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { doing: doing.into(), transient, source: source.into() }
    }
}

/// What comes of asking a [`Target`] for something.
pub type Asked<'a, T> = BoxFuture<'a, Result<T, TargetError>>;

/// Who runs the services of one environment of one project.
///
/// Calls may be repeated: whoever applies a plan may die between a call and writing down that it
/// was made.
pub trait Target: Send + Sync + fmt::Debug {
    /// These services as they are. Every one of them is in the answer.
    fn read<'a>(&'a self, services: &'a BTreeSet<String>) -> Asked<'a, BTreeMap<String, Found>>;

    /// Makes a definition and does not use it yet; what it is called. All that is not named stays
    /// as it is.
    fn define<'a>(&'a self, define: &'a Define) -> Asked<'a, String>;

    /// Starts a deployment; which.
    fn start<'a>(&'a self, start: &'a Start) -> Asked<'a, Started>;

    /// How these deployments stand, in their order.
    fn look<'a>(&'a self, started: &'a [Started]) -> Asked<'a, Vec<Look>>;

    /// Why a deployment failed.
    fn explain<'a>(&'a self, started: &'a Started) -> Asked<'a, Explanation>;

    /// Whether somebody else tells how deployments end there. Where nobody does, a rollout tells it.
    fn is_heard(&self) -> bool {
        true
    }

    /// What whoever agrees to a change should know of this place.
    fn note(&self) -> Option<String> {
        None
    }

    /// Runs a command once, and waits until it has ended or its time is over.
    fn run_once<'a>(&'a self, once: &'a Once) -> Asked<'a, Ended>;
}
