//! What is run once around the change of a service: migrations, warm-ups.

use serde::{Deserialize, Serialize};

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before its service is changed.
    Before,
    /// After its service is changed and well.
    After,
}

/// A command that is run once, in a task of its own made as the service's new ones are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// What it is called, once in its service.
    pub name: String,
    /// When it runs.
    pub moment: Moment,
    /// The container whose command is replaced; the first of the service's where none is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// For how many seconds it may run.
    pub seconds: u32,
}
