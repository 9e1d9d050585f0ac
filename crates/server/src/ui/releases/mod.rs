//! Releases: which there are, how they stand in each environment, what bringing one somewhere would
//! do, and how that goes on.

mod back;
mod backs;
mod board;
mod cell;
mod changes;
mod one;
mod plan;
mod prepare;
mod rollout;
mod wish;
mod words;

pub(super) use back::back;
pub(super) use backs::Backs;
pub(super) use board::board;
pub(super) use one::{one, quarantine, shown_url};
pub(super) use plan::{order, show as plan};
pub(super) use prepare::prepare;
pub(super) use rollout::{approve, refuse, rollout};
