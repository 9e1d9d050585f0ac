//! Repositories, their tags, and images.

mod history;
mod list;
mod name;
mod tags;

pub(super) use history::history;
pub(super) use list::list;
pub(super) use name::Named;
pub(super) use tags::tags;
