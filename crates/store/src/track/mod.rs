//! What runs where: facts about tasks and deployments.
//!
//! A fact is what one event says. Facts merge by rules that commute and that a repetition does not
//! change: the earliest of two moments, the word of the higher version. So rows depend on which
//! events were heard, and not on their order; and what was so at any moment can be derived.

mod deployment;
mod fact;
mod list;
mod request;
mod resolve;
mod sweep;
mod task;
mod where_is;

pub use deployment::Deployment;
pub use fact::{DeploymentFact, RECORDED, RequestFact, TaskFact, TaskWord};
pub use list::{DeploymentFilter, TaskFilter};
pub use request::DeploymentRequest;
pub use sweep::Sweep;
pub use task::Task;
pub use where_is::{Origin, TaskTotals};

/// A moment that was not observed: the last that can be told.
pub(crate) const NEVER: i64 = i64::MAX;
