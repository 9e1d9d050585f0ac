//! Layers and their readings. A layer is read once for a scanner and a set of rules.
//!
//! Entries are written while the layer is read, in short transactions, under a reading of their
//! own; [`Tx::finish_layer`] makes that reading the layer's in one commit. A reading that was
//! killed half-way is never seen, and is removed later.

use std::collections::HashMap;

use portolan_model::{Digest, Timestamp};

use crate::file::FileRecord;
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError, Tx};

/// Rows in one INSERT. The work of binding grows with the square of a statement's values, so many
/// small statements of one change cost less than a few large ones.
const ROWS: usize = 24;

/// One reading of a layer, under way or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerScan(pub(crate) i64);

/// What a reading of a layer found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerResult {
    /// The digest of the layer as it is stored.
    pub digest: Digest,
    /// The scanner and the rules that read it.
    pub scan_key: Digest,
    /// The digest of the uncompressed bytes.
    pub diff_id: Digest,
    /// Bytes as it is stored.
    pub compressed_bytes: u64,
    /// Bytes uncompressed.
    pub raw_bytes: u64,
    /// Entries.
    pub entries: u64,
}

/// A layer that has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// The reading that counts.
    pub scan: LayerScan,
    /// What it found.
    pub result: LayerResult,
    /// When.
    pub scanned_at: Timestamp,
}

impl Layer {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            scan: LayerScan(row.int("scan")?),
            result: LayerResult {
                digest: row.digest("digest")?,
                scan_key: row.digest("scan_key")?,
                diff_id: row.digest("diff_id")?,
                compressed_bytes: row.count("compressed_bytes")?,
                raw_bytes: row.count("raw_bytes")?,
                entries: row.count("entries")?,
            },
            scanned_at: row.time("scanned_at")?,
        })
    }
}

impl Tx {
    /// Begins a reading of a layer.
    pub async fn begin_layer_scan(
        &mut self,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<LayerScan, StoreError> {
        let insert =
            sql("INSERT INTO layer_scan (digest, started_at) VALUES ($1, $2) RETURNING id")
                .bind(digest)
                .bind(now);
        let row = self.first(insert).await?;
        row.map_or(Err(StoreError::Closed), |row| row.int("id").map(LayerScan))
    }

    /// Adds entries to a reading. Of two with one path, the later one counts, as it does when a
    /// layer is unpacked.
    pub async fn put_layer_files(
        &mut self,
        scan: LayerScan,
        files: &[FileRecord],
    ) -> Result<(), StoreError> {
        for rows in files.chunks(ROWS) {
            // One statement may not touch a row twice.
            let mut last = HashMap::with_capacity(rows.len());
            for file in rows {
                last.insert(file.path.as_str(), file);
            }
            let mut insert = sql("INSERT INTO layer_file \
                 (scan, path, raw_path, kind, mode, size, digest, link, kept, note) VALUES ");
            let mut separator = "";
            let mut text = String::with_capacity(rows.len() * 24);
            let mut values = Vec::with_capacity(rows.len() * 10);
            for file in rows {
                if !last.get(file.path.as_str()).is_some_and(|kept| std::ptr::eq(*kept, file)) {
                    continue;
                }
                text.push_str(separator);
                text.push_str("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
                separator = ", ";
                values.extend([
                    Value::from(scan.0),
                    file.path.as_str().into(),
                    file.raw_path.clone().into(),
                    i64::from(file.kind as u8).into(),
                    file.mode.into(),
                    file.size.into(),
                    file.digest.into(),
                    file.link.as_deref().into(),
                    file.kept.into(),
                    file.note.as_deref().into(),
                ]);
            }
            insert.push(&text, values);
            insert.push(
                " ON CONFLICT (scan, path) DO UPDATE SET raw_path = excluded.raw_path, \
                 kind = excluded.kind, mode = excluded.mode, size = excluded.size, \
                 digest = excluded.digest, link = excluded.link, kept = excluded.kept, \
                 note = excluded.note",
                [],
            );
            self.run(insert).await?;
        }
        Ok(())
    }

    /// Makes a reading the layer's: hard links take over what they point to, and older readings go.
    pub async fn finish_layer(
        &mut self,
        scan: LayerScan,
        result: &LayerResult,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let links = sql("UPDATE layer_file SET \
             digest = (SELECT f.digest FROM layer_file AS f \
               WHERE f.scan = layer_file.scan AND f.path = layer_file.link AND f.kind = 0), \
             size = COALESCE((SELECT f.size FROM layer_file AS f \
               WHERE f.scan = layer_file.scan AND f.path = layer_file.link AND f.kind = 0), size) \
             WHERE scan = $1 AND kind = 3 AND digest IS NULL")
        .bind(scan.0);
        self.run(links).await?;
        let upsert = sql("INSERT INTO layer (digest, scan, scan_key, diff_id, compressed_bytes, \
             raw_bytes, entries, scanned_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (digest) DO UPDATE SET scan = excluded.scan, \
             scan_key = excluded.scan_key, diff_id = excluded.diff_id, \
             compressed_bytes = excluded.compressed_bytes, raw_bytes = excluded.raw_bytes, \
             entries = excluded.entries, scanned_at = excluded.scanned_at")
        .bind(result.digest)
        .bind(scan.0)
        .bind(result.scan_key)
        .bind(result.diff_id)
        .bind(result.compressed_bytes)
        .bind(result.raw_bytes)
        .bind(result.entries)
        .bind(now);
        self.run(upsert).await?;
        let older = sql("DELETE FROM layer_scan WHERE digest = $1 AND id <> $2")
            .bind(result.digest)
            .bind(scan.0);
        self.run(older).await.map(|_| ())
    }

    /// Removes readings that were begun before `before` and never finished; how many.
    pub async fn remove_dead_scans(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM layer_scan WHERE started_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM layer WHERE layer.scan = layer_scan.id)")
        .bind(before);
        self.run(delete).await
    }

    /// Removes one reading that failed, unless it is the layer's.
    pub async fn remove_scan(&mut self, scan: LayerScan) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM layer_scan WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM layer WHERE layer.scan = layer_scan.id)")
        .bind(scan.0);
        self.run(delete).await.map(|_| ())
    }
}

impl Store {
    /// A layer that has been read.
    pub async fn layer(&self, digest: &Digest) -> Result<Option<Layer>, StoreError> {
        let select = sql("SELECT * FROM layer WHERE digest = $1").bind(digest);
        self.first(select).await?.as_ref().map(Layer::read).transpose()
    }
}
