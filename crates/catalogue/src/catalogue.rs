//! The catalogue: a scanner, and the store that remembers what it found.

use std::sync::Arc;

use portolan_model::{Digest, Hasher, Limits};
use portolan_store::Store;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::labels::LabelNames;
use crate::readings::Readings;
use crate::{Rules, Scanner};

/// What is taken from images: the `[scan]` part of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// Whose contents are kept.
    pub rules: Rules,
    /// Which labels say what.
    pub labels: LabelNames,
    /// Layers that are read at the same time, in all scans together; at least 1. Each takes a
    /// thread and up to 30 MiB.
    pub parallel_layers: usize,
    /// Images that a backfill scans at the same time; at least 1.
    pub backfill_images: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            labels: LabelNames::default(),
            parallel_layers: 2,
            backfill_images: 4,
        }
    }
}

/// Scans images and remembers what it found. Cheap to clone.
#[derive(Clone)]
pub struct Catalogue {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) scanner: Arc<Scanner>,
    pub(crate) limits: Limits,
    pub(crate) options: ScanOptions,
    pub(crate) readings: Readings,
    pub(crate) permits: Semaphore,
    pub(crate) layer_key: Digest,
    pub(crate) image_key: Digest,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("store", &self.shared.store).finish_non_exhaustive()
    }
}

/// What tells one scan of an image from another: what is read of its layers, and which labels
/// count.
fn image_key(layer_key: &Digest, labels: &LabelNames) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(layer_key.as_bytes());
    for names in [&labels.service_name, &labels.source_url, &labels.revision] {
        hasher.update(&(names.len() as u64).to_be_bytes());
        for name in names {
            hasher.update(&(name.len() as u64).to_be_bytes());
            hasher.update(name.as_bytes());
        }
    }
    hasher.finish()
}

impl Catalogue {
    /// A catalogue that remembers in `store`.
    pub fn new(store: Store, options: ScanOptions, limits: Limits) -> Self {
        let layer_key = options.rules.key();
        Self {
            shared: Arc::new(Shared {
                store,
                scanner: Arc::new(Scanner::new(options.rules.clone(), limits.clone())),
                limits,
                readings: Readings::default(),
                permits: Semaphore::new(options.parallel_layers.clamp(1, 64)),
                image_key: image_key(&layer_key, &options.labels),
                layer_key,
                options,
            }),
        }
    }

    /// The store that it remembers in.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }
}
