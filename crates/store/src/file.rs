//! Entries of layers, and the files of an image that come of them.

use std::collections::BTreeMap;

use portolan_model::{Digest, FileKind};

use crate::layer::LayerScan;
use crate::row::{Row, Value, corrupt, sql};
use crate::{Store, StoreError};

/// Images that one statement asks about at most.
const CHUNK: usize = 500;

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRecord {
    /// The path, normalised; bytes that cannot be shown (not UTF-8, control characters) are
    /// written `\xNN`. A mark has the path of its own entry (`a/.wh.b`).
    pub path: String,
    /// The path's bytes, where [`path`](Self::path) is not the same.
    pub raw_path: Option<Vec<u8>>,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, with set-uid, set-gid and sticky.
    pub mode: u32,
    /// Bytes of a regular file.
    pub size: u64,
    /// The digest of a regular file's contents.
    pub digest: Option<Digest>,
    /// What a link points to: as written (symbolic), or normalised (hard).
    pub link: Option<String>,
    /// Whether the contents are kept.
    pub kept: bool,
    /// Why the contents are not kept though a rule wants them.
    pub note: Option<String>,
}

/// A file of an image: the entry of the topmost layer that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFile {
    /// The entry.
    pub file: FileRecord,
    /// The layer that it is in.
    pub layer: Digest,
}

/// Which files of an image are wanted.
#[derive(Debug, Clone, Default)]
pub struct FileFilter {
    /// Only paths that contain this text, in any case.
    pub contains: Option<String>,
    /// Only files whose contents are kept.
    pub kept: bool,
    /// Only paths after this one, in byte order: the last of the previous page.
    pub after: Option<String>,
}

impl FileRecord {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let kind = row.int("kind")?;
        Ok(Self {
            path: row.text("path")?,
            raw_path: row.opt_bytes("raw_path")?,
            kind: FileKind::from_number(kind).ok_or_else(|| corrupt("kind", &kind))?,
            mode: u32::try_from(row.int("mode")?).map_err(|error| corrupt("mode", &error))?,
            size: row.count("size")?,
            digest: row.opt_digest("digest")?,
            link: row.opt_text("link")?,
            kept: row.bool("kept")?,
            note: row.opt_text("note")?,
        })
    }
}

/// `text` as a LIKE pattern that finds it anywhere.
fn anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// A mark of one layer about those below it.
struct Cover {
    position: i64,
    path: String,
    opaque: bool,
}

impl Cover {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            position: row.int("position")?,
            path: row.text("path")?,
            opaque: row.bool("opaque")?,
        })
    }

    fn hides(&self, position: i64, path: &str) -> bool {
        if self.position <= position {
            return false;
        }
        let below = self.path.is_empty()
            || path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        below || (!self.opaque && path == self.path)
    }
}

impl Store {
    /// One entry of a layer; none where the layer has not been read or has no such path.
    pub async fn layer_file(
        &self,
        layer: &Digest,
        path: &str,
    ) -> Result<Option<FileRecord>, StoreError> {
        let select = sql("SELECT f.* FROM layer JOIN layer_file AS f ON f.scan = layer.scan \
             WHERE layer.digest = $1 AND f.path = $2")
        .bind(layer)
        .bind(path);
        self.first(select).await?.as_ref().map(FileRecord::read).transpose()
    }

    /// Entries of a layer in byte order of their paths, marks included, after `after`.
    pub async fn layer_files(
        &self,
        layer: &Digest,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<FileRecord>, StoreError> {
        let Some(layer) = self.layer(layer).await? else { return Ok(Vec::new()) };
        let filter = FileFilter { after: after.map(str::to_owned), ..FileFilter::default() };
        self.scan_files(layer.scan, &filter, limit).await
    }

    async fn scan_files(
        &self,
        scan: LayerScan,
        filter: &FileFilter,
        limit: u64,
    ) -> Result<Vec<FileRecord>, StoreError> {
        let mut select = sql("SELECT * FROM layer_file WHERE scan = $1").bind(scan.0);
        if let Some(after) = &filter.after {
            select.push(" AND path > ?", [Value::from(after.as_str())]);
        }
        if let Some(text) = &filter.contains {
            select.push(" AND lower(path) LIKE ? ESCAPE '\\'", [Value::from(anywhere(text))]);
        }
        if filter.kept {
            select.push(" AND kept", []);
        }
        select.push(" ORDER BY path LIMIT ?", [Value::from(limit)]);
        self.all(select).await?.iter().map(FileRecord::read).collect()
    }

    async fn covers(&self, image: &Digest) -> Result<Vec<Cover>, StoreError> {
        let select =
            sql("SELECT position, path, opaque FROM image_cover WHERE image = $1").bind(image);
        self.all(select).await?.iter().map(Cover::read).collect()
    }

    /// Images that show an entry at exactly `path` to a container: the topmost layer that has it is
    /// not hidden by one above. In byte order.
    pub async fn images_showing(&self, path: &str) -> Result<Vec<Digest>, StoreError> {
        let select = sql("SELECT l.image, l.position, f.kind FROM layer_file AS f \
             JOIN layer_scan AS s ON s.id = f.scan \
             JOIN layer ON layer.digest = s.digest AND layer.scan = f.scan \
             JOIN image_layer AS l ON l.layer = layer.digest WHERE f.path = $1")
        .bind(path);
        let mut tops: BTreeMap<Digest, i64> = BTreeMap::new();
        for row in self.all(select).await? {
            let kind = row.int("kind")?;
            let kind = FileKind::from_number(kind).ok_or_else(|| corrupt("kind", &kind))?;
            if !kind.is_mark() {
                let position = row.int("position")?;
                let top = tops.entry(row.digest("image")?).or_insert(position);
                *top = position.max(*top);
            }
        }
        // What may hide it is about the path or a folder above it, and so has one of few paths.
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let about: Vec<Value> = folders.chain(["", path]).map(Value::from).collect();
        let images: Vec<Digest> = tops.keys().copied().collect();
        for chunk in images.chunks(CHUNK) {
            let marks = |count: usize| vec!["?"; count].join(", ");
            let mut select = sql("SELECT image, position, path, opaque FROM image_cover WHERE");
            select.push(
                &format!(" image IN ({}) AND path IN ({})", marks(chunk.len()), marks(about.len())),
                chunk.iter().map(Value::from).chain(about.iter().cloned()),
            );
            for row in self.all(select).await? {
                let image = row.digest("image")?;
                let cover = Cover::read(&row)?;
                if tops.get(&image).is_some_and(|position| cover.hides(*position, path)) {
                    tops.remove(&image);
                }
            }
        }
        Ok(tops.into_keys().collect())
    }

    /// Files of an image as a container of it sees them, in byte order of their paths: of each path
    /// the topmost layer's entry, without what a layer above removed. At most `limit`.
    pub async fn image_files(
        &self,
        image: &Digest,
        filter: &FileFilter,
        limit: u64,
    ) -> Result<Vec<ImageFile>, StoreError> {
        let select = sql("SELECT l.position, l.layer, layer.scan FROM image_layer AS l \
             JOIN layer ON layer.digest = l.layer WHERE l.image = $1 ORDER BY l.position")
        .bind(image);
        let mut layers = Vec::new();
        for row in self.all(select).await? {
            layers.push((row.int("position")?, row.digest("layer")?, LayerScan(row.int("scan")?)));
        }
        let covers = self.covers(image).await?;
        let mut found: Vec<ImageFile> = Vec::new();
        let mut filter = filter.clone();
        // Each round takes the next part of every layer, and is sure of the paths up to the first
        // place where a layer's part ended.
        loop {
            let wanted = limit.saturating_sub(found.len() as u64);
            if wanted == 0 {
                return Ok(found);
            }
            let chunk = wanted + 1;
            let mut top: BTreeMap<String, (i64, ImageFile)> = BTreeMap::new();
            let mut sure_up_to: Option<String> = None;
            for (position, layer, scan) in &layers {
                let files = self.scan_files(*scan, &filter, chunk).await?;
                if files.len() as u64 == chunk {
                    let end = files.last().map(|file| file.path.clone());
                    sure_up_to = match (sure_up_to, end) {
                        (Some(one), Some(other)) => Some(one.min(other)),
                        (one, other) => one.or(other),
                    };
                }
                for file in files {
                    if !file.kind.is_mark() {
                        // Layers come lowest first, so the last to write is the topmost.
                        let path = file.path.clone();
                        top.insert(path, (*position, ImageFile { file, layer: *layer }));
                    }
                }
            }
            for (path, (position, file)) in top {
                if sure_up_to.as_ref().is_some_and(|sure| path > *sure) {
                    break;
                }
                if !covers.iter().any(|cover| cover.hides(position, &path)) {
                    found.push(file);
                }
            }
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            match sure_up_to {
                Some(sure) => filter.after = Some(sure),
                None => return Ok(found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_hide_what_is_below_them() {
        let cover = |path: &str, opaque| Cover { position: 2, path: path.into(), opaque };
        assert!(cover("a/b", false).hides(1, "a/b"));
        assert!(cover("a/b", false).hides(0, "a/b/c"));
        assert!(!cover("a/b", false).hides(2, "a/b"), "a mark is about lower layers");
        assert!(!cover("a/b", false).hides(1, "a/bc"));
        assert!(cover("a", true).hides(1, "a/b"));
        assert!(!cover("a", true).hides(1, "a"), "an opaque directory itself stays");
        assert!(cover("", true).hides(1, "x"));
    }

    #[test]
    fn what_is_searched_for_is_no_pattern() {
        assert_eq!(anywhere("A_b%\\"), "%a\\_b\\%\\\\%");
    }
}
