//! The tar archive inside a layer: ustar, GNU and PAX, by a parser of our own, because hard limits
//! on names, headers and maps must hold before memory is asked for.
//!
//! Where tools differ, what Go's `archive/tar` does decides, since that is what container engines
//! unpack with: a scanner that reads an archive in another way than the engine shows files that
//! will not be there, and hides files that will.

mod data;
mod header;
mod maps;
mod member;
mod number;
mod pax;
mod sparse;
mod walker;

pub(crate) use member::{Member, MemberType};
pub(crate) use walker::Walker;

/// The unit of a tar archive.
const BLOCK: usize = 512;
