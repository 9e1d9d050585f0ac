//! What the tests share: scanning bytes, a store in a folder of its own, a clock that moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use portolan_catalogue::{
    Catalogue, Entry, LayerInput, LayerSummary, ScanError, ScanOptions, Scanner,
};
use portolan_model::{Clock, Ids, Limits, Timestamp};
use portolan_store::{Store, StoreOptions};
use portolan_testkit::Layer;

/// What is known of a layer that was made here.
pub(crate) fn input(layer: &Layer) -> LayerInput {
    let size = layer.bytes.len() as u64;
    LayerInput { digest: layer.digest(), size, diff_id: Some(layer.diff_id) }
}

/// Scans a layer with `limits`; of entries with one path, all.
pub(crate) fn scan_with(
    layer: &Layer,
    limits: Limits,
) -> Result<(Vec<Entry>, LayerSummary), ScanError> {
    let mut entries = Vec::new();
    let mut sink = |batch: Vec<Entry>| entries.extend(batch);
    let scanner = Scanner::new(ScanOptions::default().rules, limits);
    let summary = scanner.scan_layer(&layer.bytes[..], &input(layer), &mut sink)?;
    Ok((entries, summary))
}

pub(crate) fn scan(layer: &Layer) -> Result<Vec<Entry>, ScanError> {
    scan_with(layer, Limits::default()).map(|(entries, _)| entries)
}

/// A clock that goes on by a second whenever it is asked.
#[derive(Debug)]
pub(crate) struct Ticks(AtomicI64);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1000, Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// A catalogue over a new store.
pub(crate) struct World {
    pub(crate) catalogue: Catalogue,
    folder: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(ScanOptions::default()).await
    }

    /// On PostgreSQL, in a database that is gone when the second of the two is dropped.
    pub(crate) async fn postgres() -> (Self, portolan_testkit::postgres::Database) {
        let database = tokio::task::spawn_blocking(portolan_testkit::postgres::database);
        let database = database.await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let catalogue = open(&database.url(), ScanOptions::default(), 1_700_000_000_000).await;
        (Self { catalogue, folder }, database)
    }

    pub(crate) async fn with(options: ScanOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = open(&url(&folder), options, 1_700_000_000_000).await;
        Self { catalogue, folder }
    }

    /// The same store under a new catalogue, as after a restart.
    pub(crate) async fn restart(self, options: ScanOptions) -> Self {
        let now = self.store().now().millis();
        let catalogue = open(&url(&self.folder), options, now).await;
        Self { catalogue, folder: self.folder }
    }

    pub(crate) fn store(&self) -> &Store {
        self.catalogue.store()
    }
}

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("store.db").display())
}

async fn open(url: &str, options: ScanOptions, now: i64) -> Catalogue {
    let clock = Arc::new(Ticks(AtomicI64::new(now)));
    // Identities go on growing after a restart.
    let first = u64::try_from(now).unwrap();
    let ids = Arc::new(Sequence(AtomicU64::new(first)));
    let store = Store::open(&StoreOptions::new(url), clock, ids).await.unwrap();
    Catalogue::new(store, options, Limits::default())
}
