//! Entries on their way to the sink.

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

    /// Hands on what is gathered.
    pub(super) fn flush(&mut self) -> Result<(), ScanError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        self.sink.take(std::mem::take(&mut self.entries)).map_err(ScanError::Sink)
    }
}
