//! Releases of projects, and what became of applying them to environments.

mod freeze;
mod lease;
mod quarantine;
mod record;
mod recorded;
mod revision;
mod rollout;
mod standing;
mod step;
mod table;

pub use freeze::Freeze;
pub use lease::{Held, PlaceLease, Taking};
pub use quarantine::Quarantine;
pub use record::{Release, ReleaseImage};
pub use recorded::RecordedService;
pub use revision::Built;
pub use rollout::{Rollout, RolloutFilter, RolloutState};
pub use standing::Standing;
pub use step::{RolloutStep, StepState};
pub use table::{TableWrite, Told};
