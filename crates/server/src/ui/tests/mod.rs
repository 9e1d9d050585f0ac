//! The pages, asked in process over a filled SQLite store.

mod assets;
mod bed;
mod contrast;
mod drive;
mod fleet;
mod hostile;
mod live;
mod pages;
mod plans;
mod releases;
mod rollouts;
mod shop;
mod story;
mod track;
mod yard;
