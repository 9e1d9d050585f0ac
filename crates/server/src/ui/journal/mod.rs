//! The journal: what the outside world said, and what became of it.

mod list;
mod one;
mod row;

pub(super) use list::list;
pub(super) use one::{one, replay};
