//! How a plan is applied.

use serde::{Deserialize, Serialize};

use crate::plan::Scope;

/// How a plan is applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Options {
    /// Which part of the release.
    pub scope: Scope,
    /// What becomes of what was done when the rest cannot be.
    pub on_failure: OnFailure,
    /// For how many seconds the services of one wave may take to come up.
    pub seconds: u32,
    /// For how many seconds to wait for somebody else who is changing the environment.
    pub wait_seconds: u32,
    /// Why it is applied.
    pub reason: Reason,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            on_failure: OnFailure::default(),
            seconds: 1800,
            wait_seconds: 0,
            reason: Reason::default(),
        }
    }
}

/// What becomes of what was done when the rest cannot be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It is undone.
    #[default]
    Rollback,
    /// It is left.
    Leave,
}

/// Why a plan is applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Something is wanted there.
    #[default]
    Deploy,
    /// What was there before is wanted back.
    Rollback,
}
