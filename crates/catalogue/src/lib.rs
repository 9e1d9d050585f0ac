//! What is inside an image: the scanner of layers, the catalogue of images that scans make, and the
//! backfill of what a registry already holds.
//!
//! Floor 3. A layer is read as a stream, once, in bounded memory; nothing is unpacked to disk.

mod artifacts;
pub mod backfill;
mod catalogue;
pub mod content;
mod error;
mod found;
mod image;
mod labels;
pub mod layer;
mod layers;
mod readings;
pub mod rules;
mod tar;

pub use backfill::BackfillProgress;
pub use catalogue::{Catalogue, ScanOptions};
pub use content::{Content, ContentError, Listing, RepositoryPage, ServedManifest};
pub use error::CatalogueError;
pub use image::Scanned;
pub use labels::LabelNames;
pub use layer::{Entry, EntrySink, LayerInput, LayerSummary, ScanError, Scanner};
pub use rules::{Rule, Rules};
