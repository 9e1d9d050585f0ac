//! Reads a layer as a stream: verify, inflate, walk, digest and pick, all in one pass.
//!
//! Everything here is blocking and needs neither a store nor a network: bytes come from any
//! [`std::io::Read`], entries go to an [`EntrySink`] in batches.

mod batch;
mod contents;
mod entry;
mod error;
mod gzip;
mod name;
mod raw;
mod scanner;
mod source;
mod turn;
mod zstd;

pub use entry::{Content, Entry, EntrySink, whiteout_target};
pub use error::{Compression, ScanError, TarProblem};
pub(crate) use raw::RawLayer;
pub use scanner::{LayerInput, LayerSummary, Scanner};
