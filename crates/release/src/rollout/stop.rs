//! Why a rollout stops before its end.

use portolan_model::{RolloutId, Timestamp};
use portolan_store::StoreError;

use crate::target::TargetError;

/// Why a rollout could not be brought to an end. It can be run again.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is none.
    #[error("there is no rollout {0}")]
    None(RolloutId),
    /// A second person has not agreed.
    #[error("rollout {0} waits until a second person approves it")]
    Waiting(RolloutId),
    /// Another is changing the environment.
    #[error("rollout {by} is changing the environment ({owner}, until {until})")]
    Held {
        /// Which.
        by: RolloutId,
        /// Which process does it.
        owner: String,
        /// Until when that is believed to live.
        until: Timestamp,
    },
    /// Somebody else took the environment, as this process gave no sign for too long.
    #[error("the lease of the environment was lost to another process, which goes on")]
    Lost,
    /// What was recorded cannot be read: another version wrote it.
    #[error("the {what} of the rollout cannot be read")]
    Unreadable {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The project, or its environment, is not configured any more.
    #[error("the environment {environment} of project {project} is not configured")]
    Unknown {
        /// The project.
        project: String,
        /// The environment.
        environment: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where services run or images are could not be read before anything was changed.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl RunError {
    /// Whether running it again later may bring it to its end.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Held { .. } | Self::Lost => true,
            Self::Store(error) => error.is_transient(),
            Self::Target(error) => error.transient,
            _ => false,
        }
    }
}

/// Why no further step is made.
#[derive(Debug)]
pub(super) enum Stop {
    /// A step failed, for this reason.
    Failed(String),
    /// It cannot go on here.
    Error(RunError),
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}
