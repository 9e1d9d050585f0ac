//! How things are written on a page: sizes, ages, digests, states, and text from outside.

mod age;
mod chip;
mod count;
mod digest;
mod text;

pub(super) use age::{When, duration};
pub(super) use chip::{Chip, Shape};
pub(super) use count::{bytes, count, counted};
pub(super) use digest::{Copy, DigestLink, IdLink, tail};
pub(super) use text::Visible;
