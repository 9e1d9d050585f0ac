//! Entries on their way to the sink.

use std::collections::HashSet;

use super::entry::sink_error;
use super::{Content, Entry, EntrySink, ScanError};

/// Entries of one batch, at most.
const ENTRIES: usize = 1000;
/// Bytes of names and contents of one batch, at most, unless a single entry has more.
const BYTES: usize = 2 << 20;

/// Gathers entries and hands them on in batches of bounded size.
pub(super) struct Batch<'a> {
    sink: &'a mut dyn EntrySink,
    entries: Vec<Entry>,
    bytes: usize,
}

fn weight(entry: &Entry) -> usize {
    let content = if let Content::Kept(content) = &entry.content { content.len() } else { 0 };
    let raw = entry.raw_path.as_ref().map_or(0, Vec::len);
    entry.path.len() + entry.link.as_ref().map_or(0, String::len) + raw + content
}

impl<'a> Batch<'a> {
    pub(super) fn new(sink: &'a mut dyn EntrySink) -> Self {
        Self { sink, entries: Vec::new(), bytes: 0 }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), ScanError> {
        let weight = weight(&entry);
        if self.entries.len() == ENTRIES || self.bytes + weight > BYTES {
            self.flush()?;
        }
        self.bytes += weight;
        self.entries.push(entry);
        Ok(())
    }

    /// Hands on what is gathered; of two entries with one path, the later one.
    pub(super) fn flush(&mut self) -> Result<(), ScanError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let mut entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        let mut seen = HashSet::with_capacity(entries.len());
        let last: Vec<bool> =
            entries.iter().rev().map(|entry| seen.insert(entry.path.as_str())).collect();
        if last.contains(&false) {
            let mut last = last.into_iter().rev();
            entries.retain(|_| last.next().unwrap_or(true));
        }
        self.sink.take(entries).map_err(sink_error)
    }
}
