//! The uncompressed bytes of a layer, digested and limited as they appear.

use std::io::Read;
use std::sync::Mutex;

use portolan_model::{Digest, Hasher, Limits};

use super::gzip::{Gzip, is_gzip};
use super::source::Source;
use super::turn::Turn;
use super::zstd::{Zstd, is_zstd};
use super::{Compression, LayerInput, ScanError};

const BUFFER: usize = 256 * 1024;
/// The ratio of compression is not judged before this many bytes.
const RATIO_FROM: u64 = 1 << 20;

enum Decoder {
    Plain,
    Gzip(Gzip),
    Zstd(Zstd),
}

/// A layer's uncompressed bytes, handed out as slices of one buffer.
pub(crate) struct RawLayer<'a, R> {
    source: Source<R>,
    decoder: Decoder,
    /// Empty for a plain layer, whose bytes are handed out of the source's buffer.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    hasher: Hasher,
    /// Bytes that files have but the stream has not: holes of sparse files.
    expanded: u64,
    limits: &'a Limits,
    pub(super) turn: Turn<'a>,
}

/// What is known of a layer after its last byte.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) diff_id: Digest,
    pub(super) raw_bytes: u64,
    pub(super) compression: Compression,
}

impl<'a, R: Read> RawLayer<'a, R> {
    /// Starts to read; how the layer is compressed is told by its first bytes.
    pub(super) fn open(
        reader: R,
        size: u64,
        limits: &'a Limits,
        heavy: &'a Mutex<()>,
    ) -> Result<Self, ScanError> {
        let mut source = Source::new(reader, size);
        let start = source.peek(6)?;
        let decoder = if is_gzip(start) {
            Decoder::Gzip(Gzip::new())
        } else if is_zstd(start) {
            Decoder::Zstd(Zstd::new(limits.zstd_window_bytes)?)
        } else if start.starts_with(b"BZh") {
            return Err(ScanError::Unsupported("bzip2"));
        } else if start.starts_with(b"\xfd7zXZ\0") {
            return Err(ScanError::Unsupported("xz"));
        } else {
            Decoder::Plain
        };
        let buffer = if matches!(decoder, Decoder::Plain) { 0 } else { BUFFER };
        let buffer = vec![0; buffer].into_boxed_slice();
        let (hasher, turn) = (Hasher::new(), Turn::new(heavy));
        Ok(Self { source, decoder, buffer, start: 0, end: 0, hasher, expanded: 0, limits, turn })
    }

    /// The limits that the layer is read under.
    pub(crate) fn limits(&self) -> &'a Limits {
        self.limits
    }

    /// How many bytes were handed out.
    pub(crate) fn offset(&self) -> u64 {
        match self.decoder {
            Decoder::Plain => self.source.consumed(),
            _ => self.hasher.length() - (self.end - self.start) as u64,
        }
    }

    /// The next bytes; none at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], ScanError> {
        if matches!(self.decoder, Decoder::Plain) {
            self.source.fill()?;
            self.check(self.source.read(), self.source.read())?;
            return Ok(self.source.filled());
        }
        if self.start == self.end {
            self.start = 0;
            self.end = self.decode()?;
            self.hasher.update(&self.buffer[..self.end]);
            self.check(self.hasher.length(), self.source.consumed())?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn decode(&mut self) -> Result<usize, ScanError> {
        match &mut self.decoder {
            Decoder::Plain => Ok(0),
            Decoder::Gzip(gzip) => gzip.decode(&mut self.source, &mut self.buffer),
            Decoder::Zstd(zstd) => zstd.decode(&mut self.source, &mut self.turn, &mut self.buffer),
        }
    }

    /// Marks the first `bytes` of what [`Self::fill`] gave as used.
    pub(crate) fn consume(&mut self, bytes: usize) {
        if matches!(self.decoder, Decoder::Plain) {
            self.source.consume(bytes);
        } else {
            self.start = (self.start + bytes).min(self.end);
        }
    }

    fn check(&self, raw: u64, compressed: u64) -> Result<(), ScanError> {
        let limit = self.limits.layer_raw_bytes;
        if raw > limit {
            return Err(ScanError::RawSize { limit });
        }
        let limit = self.limits.compression_ratio;
        if raw.saturating_sub(RATIO_FROM) > compressed.saturating_mul(limit) {
            return Err(ScanError::Ratio { compressed, raw, limit });
        }
        Ok(())
    }

    /// Whether the holes of one more sparse file, `bytes` long, may be read as zeros. They count as
    /// uncompressed bytes of the whole blob do, so that a few blocks cannot cost hours.
    pub(crate) fn may_expand(&mut self, bytes: u64) -> bool {
        let expanded = self.expanded.saturating_add(bytes);
        let raw = self.offset().saturating_add(expanded);
        let may = self.check(raw, self.source.expected()).is_ok();
        if may {
            self.expanded = expanded;
        }
        may
    }

    /// Reads what is left after the archive's end and compares both digests.
    pub(super) fn finish(mut self, input: &LayerInput) -> Result<Verified, ScanError> {
        loop {
            let bytes = self.fill()?.len();
            if bytes == 0 {
                break;
            }
            self.consume(bytes);
        }
        let digest = self.verify_blob(input)?;
        let (diff_id, raw_bytes, compression) = match self.decoder {
            Decoder::Plain => (digest, self.source.read(), Compression::Plain),
            Decoder::Gzip(_) => {
                (self.hasher.clone().finish(), self.hasher.length(), Compression::Gzip)
            }
            Decoder::Zstd(_) => {
                (self.hasher.clone().finish(), self.hasher.length(), Compression::Zstd)
            }
        };
        match input.diff_id {
            Some(expected) if expected != diff_id => {
                Err(ScanError::DiffId { expected, actual: diff_id })
            }
            _ => Ok(Verified { diff_id, raw_bytes, compression }),
        }
    }

    /// Reads the blob to its end and compares its size and digest.
    pub(super) fn verify_blob(&mut self, input: &LayerInput) -> Result<Digest, ScanError> {
        let actual = self.source.finish()?;
        if actual == input.digest {
            Ok(actual)
        } else {
            Err(ScanError::Digest { expected: input.digest, actual })
        }
    }
}
