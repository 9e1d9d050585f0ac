//! A layer is read once for a scanner and a set of rules, whichever images have it.

use std::io::Read;
use std::sync::Arc;

use futures::FutureExt as _;
use portolan_model::{Digest, RepositoryName, failpoint};
use portolan_oci::Descriptor;
use portolan_store::{FileRecord, LayerResult, LayerScan, Store, StoreError};
use tokio::sync::mpsc;

use crate::content::Content;
use crate::layer::Content as Kept;
use crate::{Catalogue, CatalogueError, Entry, EntrySink, LayerInput, LayerSummary, ScanError};

/// Hands batches from the thread that reads to the task that writes, which holds the reader back
/// when it is slower.
struct Channel(mpsc::Sender<Vec<Entry>>);

impl EntrySink for Channel {
    fn take(&mut self, batch: Vec<Entry>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.blocking_send(batch).map_err(|_| "nobody takes the entries any more".into())
    }
}

/// A row, and the content to keep where there is one.
fn record(entry: Entry) -> (FileRecord, Option<(Digest, Vec<u8>)>) {
    let (content, note) = match entry.content {
        Kept::Kept(bytes) => (entry.digest.map(|digest| (digest, bytes)), None),
        Kept::NotAsked => (None, None),
        Kept::FileTooLarge => (None, Some("larger than limits.kept_file_bytes")),
        Kept::LayerTooLarge => (None, Some("over limits.kept_layer_bytes")),
    };
    let file = FileRecord {
        path: entry.path,
        raw_path: entry.raw_path,
        kind: entry.kind,
        mode: entry.mode,
        size: entry.size,
        digest: entry.digest,
        link: entry.link,
        kept: content.is_some(),
        note: note.map(str::to_owned),
    };
    (file, content)
}

async fn put_batch(store: &Store, scan: LayerScan, batch: Vec<Entry>) -> Result<(), StoreError> {
    let (files, contents): (Vec<_>, Vec<_>) = batch.into_iter().map(record).unzip();
    store
        .write(move |tx| {
            async move {
                for (digest, bytes) in contents.into_iter().flatten() {
                    tx.put_content(&digest, bytes).await?;
                }
                tx.put_layer_files(scan, &files).await
            }
            .boxed()
        })
        .await?;
    failpoint::hit("scan.after-batch");
    Ok(())
}

impl Catalogue {
    /// Makes sure that a layer has been read, and answers with what was found.
    pub(crate) async fn ensure_layer(
        &self,
        content: &dyn Content,
        repository: &RepositoryName,
        descriptor: &Descriptor,
        diff_id: Option<Digest>,
    ) -> Result<LayerResult, CatalogueError> {
        let (shared, digest) = (&self.shared, descriptor.digest);
        let _turn = shared.readings.turn(digest).await;
        if let Some(layer) = shared.store.layer(&digest).await?
            && layer.result.scan_key == shared.layer_key
            && layer.result.compressed_bytes == descriptor.size
        {
            return match diff_id {
                Some(expected) if expected != layer.result.diff_id => {
                    let source = ScanError::DiffId { expected, actual: layer.result.diff_id };
                    Err(CatalogueError::Layer { digest, source })
                }
                _ => Ok(layer.result),
            };
        }
        // The semaphore is never closed.
        let _permit = shared.permits.acquire().await.ok();
        let blob = content.blob(repository, descriptor).await?;
        let blob = blob.ok_or(CatalogueError::BlobMissing(digest))?;
        let now = shared.store.now();
        let scan = shared
            .store
            .write(move |tx| async move { tx.begin_layer_scan(&digest, now).await }.boxed())
            .await?;
        let input = LayerInput { digest, size: descriptor.size, diff_id };
        match self.read_layer(scan, input, blob).await {
            Ok(result) => Ok(result),
            Err(error) => {
                shared.store.write(move |tx| tx.remove_scan(scan).boxed()).await?;
                Err(error)
            }
        }
    }

    async fn read_layer(
        &self,
        scan: LayerScan,
        input: LayerInput,
        blob: Box<dyn Read + Send>,
    ) -> Result<LayerResult, CatalogueError> {
        let shared = &self.shared;
        let digest = input.digest;
        let compressed_bytes = input.size;
        let summary = self.stream_layer(scan, input, blob).await?;
        let result = LayerResult {
            digest,
            scan_key: shared.layer_key,
            diff_id: summary.diff_id,
            compressed_bytes,
            raw_bytes: summary.raw_bytes,
            entries: summary.entries,
        };
        let now = shared.store.now();
        failpoint::hit("scan.before-layer-commit");
        shared
            .store
            .write(move |tx| async move { tx.finish_layer(scan, &result, now).await }.boxed())
            .await?;
        failpoint::hit("scan.after-layer-commit");
        Ok(result)
    }

    /// Reads the layer on a thread of its own, and writes its entries as they come.
    async fn stream_layer(
        &self,
        scan: LayerScan,
        input: LayerInput,
        blob: Box<dyn Read + Send>,
    ) -> Result<LayerSummary, CatalogueError> {
        let digest = input.digest;
        let (send, mut receive) = mpsc::channel(1);
        let scanner = Arc::clone(&self.shared.scanner);
        let thread = tokio::task::spawn_blocking(move || {
            scanner.scan_layer(blob, &input, &mut Channel(send))
        });
        let mut written = Ok(());
        while let Some(batch) = receive.recv().await {
            written = put_batch(&self.shared.store, scan, batch).await;
            if written.is_err() {
                break;
            }
        }
        // A reader that still sends is told to stop.
        drop(receive);
        let summary = thread.await.map_err(|_| CatalogueError::Thread(digest))?;
        written?;
        summary.map_err(|source| CatalogueError::Layer { digest, source })
    }
}
