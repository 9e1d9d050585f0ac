//! What a project's file says and nobody hears.

use std::fmt;

/// Something in a project's file that has no effect, or not the one that it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where: the project, and the keys that lead there.
    pub at: String,
    /// What is the matter.
    pub what: String,
}

impl Warning {
    pub(super) fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self { at: at.into(), what: what.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}
