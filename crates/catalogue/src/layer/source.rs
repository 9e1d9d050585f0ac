//! The compressed bytes: one buffer, digested and counted as they are read.

use std::io::{ErrorKind, Read};

use portolan_model::{Digest, Hasher};

use super::ScanError;

/// Large enough that a system call costs nothing beside the inflating, small enough to stay in the
/// second-level cache together with the output.
const BUFFER: usize = 256 * 1024;

/// Bytes of a blob, read through one buffer.
pub(super) struct Source<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    hasher: Hasher,
    expected: u64,
    ended: bool,
}

impl<R: Read> Source<R> {
    pub(super) fn new(reader: R, expected: u64) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Self { reader, buffer, start: 0, end: 0, hasher: Hasher::new(), expected, ended: false }
    }

    /// How many bytes there must be.
    pub(super) fn expected(&self) -> u64 {
        self.expected
    }

    /// How many bytes were read, consumed or not.
    pub(super) fn read(&self) -> u64 {
        self.hasher.length()
    }

    /// How many bytes were consumed.
    pub(super) fn consumed(&self) -> u64 {
        self.read() - (self.end - self.start) as u64
    }

    /// The next bytes; none at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], ScanError> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.read_more()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The bytes that the last [`Self::fill`] or [`Self::peek`] gave and that are not consumed.
    pub(super) fn filled(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The next bytes without consuming them, at least `wanted` of them where the blob has as many.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], ScanError> {
        if self.end - self.start < wanted && !self.ended {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < wanted && !self.ended {
                self.read_more()?;
            }
        }
        Ok(self.filled())
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    fn read_more(&mut self) -> Result<(), ScanError> {
        while !self.ended {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(bytes) => {
                    self.hasher.update(&self.buffer[self.end..self.end + bytes]);
                    self.end += bytes;
                    if self.read() > self.expected {
                        let (expected, actual) = (self.expected, self.read());
                        return Err(ScanError::Size { expected, actual });
                    }
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ScanError::Read(error)),
            }
        }
        Ok(())
    }

    /// Reads what is left, and answers with the digest of all bytes if the blob has the size that
    /// was expected.
    pub(super) fn finish(&mut self) -> Result<Digest, ScanError> {
        while !self.fill()?.is_empty() {
            self.start = self.end;
        }
        if self.read() != self.expected {
            return Err(ScanError::Size { expected: self.expected, actual: self.read() });
        }
        Ok(self.hasher.clone().finish())
    }
}
