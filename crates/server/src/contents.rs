//! Contents of files: those that scans kept, and others straight from their layer.

use std::sync::Arc;

use portolan_catalogue::{Content as _, ContentError, LayerInput, Rules, ScanError, Scanner};
use portolan_model::{Digest, Limits};
use portolan_oci::Descriptor;
use portolan_store::{FileRecord, Page, StoreError};
use tokio::sync::Semaphore;

use crate::App;

/// Layers that are read for the sake of one file at a time.
const TURNS: usize = 2;
/// Images that may have the layer's bytes, of which so many are asked.
const PLACES: u64 = 20;

/// Opens files. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Opener {
    scanner: Arc<Scanner>,
    turns: Arc<Semaphore>,
}

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenFileError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The registry could not be read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The layer cannot be read, or the file is too large.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The thread that read died.
    #[error("the thread that read a layer died: this is a bug")]
    Thread,
}

impl Opener {
    pub(crate) fn new(limits: &Limits) -> Self {
        let scanner = Scanner::new(Rules::default(), limits.clone());
        Self { scanner: Arc::new(scanner), turns: Arc::new(Semaphore::new(TURNS)) }
    }
}

impl App {
    /// The contents of a file of `layer`, with their digest; none where it has none (a directory),
    /// or where no registry has the layer any more. What no scan kept is looked for in the layer,
    /// which may take as long as reading it.
    pub(crate) async fn file_contents(
        &self,
        layer: &Digest,
        file: &FileRecord,
    ) -> Result<Option<(Digest, Vec<u8>)>, OpenFileError> {
        let Some(digest) = file.digest else { return Ok(None) };
        if let Some(bytes) = self.store.content(&digest).await? {
            return Ok(Some((digest, bytes)));
        }
        let limit = self.settings.limits.kept_file_bytes;
        if file.size > limit {
            return Err(ScanError::TooLarge { size: file.size, limit }.into());
        }
        // The semaphore is never closed.
        let _turn = self.opener.turns.acquire().await.ok();
        let Some((reader, input)) = self.layer_bytes(layer).await? else { return Ok(None) };
        let (scanner, size) = (Arc::clone(&self.opener.scanner), file.size);
        let read = move || scanner.read_file(reader, &input, &digest, size);
        let read = tokio::task::spawn_blocking(read).await.map_err(|_| OpenFileError::Thread)??;
        Ok(read.map(|bytes| (digest, bytes)))
    }

    /// The bytes of a layer that has been read before, from wherever they still are.
    async fn layer_bytes(
        &self,
        layer: &Digest,
    ) -> Result<Option<(Box<dyn std::io::Read + Send>, LayerInput)>, OpenFileError> {
        let Some(known) = self.store.layer(layer).await? else { return Ok(None) };
        let size = known.result.compressed_bytes;
        let descriptor = Descriptor::new("application/octet-stream", *layer, size);
        let input = LayerInput { digest: *layer, size, diff_id: None };
        for place in self.store.images_with_layer(layer, Page::first(PLACES)).await?.items {
            if let Some(reader) = self.images.blob(&place.repository, &descriptor).await? {
                return Ok(Some((reader, input)));
            }
        }
        Ok(None)
    }
}
