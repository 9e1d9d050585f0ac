//! Jobs: what is done in the background, how far it is, and what became of it.

mod list;
mod one;
mod progress;
mod subject;

pub(super) use list::list;
pub(super) use one::one;
