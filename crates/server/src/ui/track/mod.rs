//! Services, environments and deployments: what ran where, one at a time.

mod deployment;
mod diff;
mod environment;
mod lanes;
mod line;
mod list;
mod service;
mod task;

pub(super) use deployment::deployment;
pub(super) use diff::diff;
pub(super) use environment::environment;
pub(super) use list::list;
pub(super) use service::service;
