//! The limits of everything that arrives from outside. Each is configurable under `[limits]`.

use serde::{Deserialize, Serialize};

/// How much of what is taken in at most. Units are in the names: bytes unless said otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// A manifest or an image configuration.
    pub manifest_bytes: u64,
    /// Entries of one layer.
    pub layer_entries: u64,
    /// A path or a link target inside a layer.
    pub path_bytes: u64,
    /// One PAX extended header of a tar entry.
    pub pax_bytes: u64,
    /// One layer, uncompressed.
    pub layer_raw_bytes: u64,
    /// Uncompressed bytes for each compressed one, after the first MiB.
    pub compression_ratio: u64,
    /// The window that a zstd frame may ask its reader to keep.
    pub zstd_window_bytes: u64,
    /// One file whose contents are kept.
    pub kept_file_bytes: u64,
    /// All files of one layer whose contents are kept.
    pub kept_layer_bytes: u64,
    /// A request body that is not a blob.
    pub body_bytes: u64,
    /// Items of one page.
    pub page_items: u32,
    /// Platforms and other manifests of one index.
    pub index_manifests: u32,
    /// Layers of one image.
    pub image_layers: u32,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest_bytes: 4 * MIB,
            layer_entries: 5_000_000,
            path_bytes: 4 * KIB,
            pax_bytes: MIB,
            layer_raw_bytes: 64 * GIB,
            compression_ratio: 1000,
            zstd_window_bytes: 64 * MIB,
            kept_file_bytes: 16 * MIB,
            kept_layer_bytes: 256 * MIB,
            body_bytes: MIB,
            page_items: 1000,
            index_manifests: 1000,
            image_layers: 1000,
        }
    }
}
