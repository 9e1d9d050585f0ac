//! How weco-deploy ends without having done what it was asked.

use std::error::Error;

use portolan_release::project::ProjectError;
use portolan_release::weco::WecoError;

use crate::error::Failure;

/// How it ends.
#[derive(Debug)]
pub(super) enum End {
    /// With 1 and `Failed:`, a line that says why.
    Failed(String),
    /// With 1, and everything was said.
    Said,
    /// With 1 and `Aborted!`: somebody said no, or nobody answered.
    Aborted(Option<&'static str>),
    /// With 2: it was not told what it must be.
    Usage(String),
    /// With what a program ended with that had to do its part.
    Child(u8),
    /// It was interrupted from the keyboard.
    Interrupted,
}

/// What a part of it answers.
pub(super) type Done<T = ()> = Result<T, End>;

impl From<WecoError> for End {
    fn from(error: WecoError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<ProjectError> for End {
    fn from(error: ProjectError) -> Self {
        let mut text = error.to_string();
        if let Some(source) = error.source() {
            text = format!("{text}: {source}");
        }
        Self::Failed(text)
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.in_one_line().0)
    }
}
