//! One function for each command. What they share is beside them.

pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod generated;
pub(crate) mod image;
pub(crate) mod registry;
pub(crate) mod up;
