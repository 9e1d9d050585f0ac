//! What is inside an image: the scanner of layers, the artifacts that scans make, and the backfill
//! of what a registry already holds.
//!
//! Floor 3. A layer is read as a stream, once, in bounded memory; nothing is unpacked to disk.

pub mod layer;
pub mod rules;
mod tar;

pub use layer::{Content, Entry, EntrySink, LayerInput, LayerSummary, ScanError, Scanner};
pub use rules::{Rule, Rules};
