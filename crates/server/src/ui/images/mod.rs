//! Repositories, their tags, and images.

mod contents;
mod file;
mod files;
mod history;
mod image;
mod layers;
mod list;
mod name;
mod run;
mod tags;

pub(super) use file::file;
pub(super) use files::kind_word;
pub(super) use history::history;
pub(super) use image::image;
pub(super) use list::list;
pub(super) use name::Named;
pub(super) use tags::tags;
