//! This machine: what of Portolan's own runs on it, told to the journal like what runs anywhere else,
//! and looked after.
//!
//! Whoever changes something tells at once what came of it ([`Teller`]); [`Here::look`] finds what
//! changed by itself. Both compare what they see with what was said before, so that it does not matter
//! how often, and by how many, it is looked.

mod keep;
mod look;
mod task;
mod teller;

pub use look::{Here, LookError, Looked};
pub(crate) use task::{ONCE, SeenTask};
pub use teller::Teller;
