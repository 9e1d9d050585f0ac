//! The table of weco-deploy beside the store: what others prepared there is taken in, and what is
//! done here is written there, so that both tools see the same releases.
//!
//! The store is what counts. What is to be written waits in it until it is through; a table that
//! cannot be reached keeps nobody from preparing and deploying.

mod read;
mod shape;
mod write;

use portolan_store::StoreError;

use crate::target::TargetError;
use crate::weco::WecoError;

pub(crate) use read::Looks;
pub use shape::Taken;
pub use write::JOB;
pub(crate) use write::{queue, waits};

/// Why a table could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Images of a release, or the table, could not be reached.
    #[error("{}: {}", .0, .0.source)]
    Target(#[from] TargetError),
    /// What the table holds, or that it could not be asked.
    #[error(transparent)]
    Table(#[from] WecoError),
}

impl TableError {
    /// Whether trying it again will never help: what was to be written is refused for what it is.
    fn is_final(&self) -> bool {
        let Self::Table(WecoError::Aws(error)) = self else { return false };
        error.code() == Some("ValidationException")
    }
}
