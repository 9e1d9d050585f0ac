//! gzip (RFC 1952), any number of members.
//!
//! Headers and sums are read here and only deflate by the library: its own way to sum is ten times
//! slower than `crc32fast`, and one decoder serves all members.

use std::io::Read;

use crc32fast::Hasher as Crc;
use flate2::{Decompress, FlushDecompress, Status};

use super::source::Source;
use super::{Compression, ScanError};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_SUM: u8 = 0x02;
const EXTRA: u8 = 0x04;
const NAME: u8 = 0x08;
const COMMENT: u8 = 0x10;
const RESERVED: u8 = 0xe0;

/// A decoder between two calls.
pub(super) struct Gzip {
    inflate: Decompress,
    sum: Crc,
    size: u32,
    in_member: bool,
}

pub(super) fn is_gzip(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

fn damaged<R: Read>(source: &Source<R>, reason: impl Into<String>) -> ScanError {
    let at = source.consumed();
    ScanError::Damaged { compression: Compression::Gzip, at, reason: reason.into() }
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { inflate: Decompress::new(false), sum: Crc::new(), size: 0, in_member: false }
    }

    /// Writes the next bytes to `output` and answers how many; none at the end of the stream.
    ///
    /// What follows the last member must be zeros, which tape tools leave and GNU gzip and Python
    /// pass over in silence. Anything else is an error, as it is for Go's reader, with which
    /// container engines unpack.
    pub(super) fn decode<R: Read>(
        &mut self,
        source: &mut Source<R>,
        output: &mut [u8],
    ) -> Result<usize, ScanError> {
        let mut written = 0;
        while written < output.len() {
            if !self.in_member && !self.begin_member(source)? {
                break;
            }
            let input = source.fill()?;
            if input.is_empty() {
                return Err(damaged(source, "it ends in the middle of a member"));
            }
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let free = &mut output[written..];
            let status = self.inflate.decompress(input, free, FlushDecompress::None);
            let taken = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(0);
            self.sum.update(&free[..given]);
            // The size at a member's end is the one modulo 2^32 (RFC 1952, 2.3.1).
            self.size = self.size.wrapping_add(u32::try_from(given).unwrap_or(u32::MAX));
            source.consume(taken);
            written += given;
            match status {
                Ok(Status::StreamEnd) => self.end_member(source)?,
                Ok(_) if taken == 0 && given == 0 => {
                    return Err(damaged(source, "the decoder cannot go on"));
                }
                Ok(_) => {}
                Err(error) => return Err(damaged(source, error.to_string())),
            }
        }
        Ok(written)
    }

    /// Compares what a member says of itself at its end.
    fn end_member<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), ScanError> {
        let said = Header::of(source).array::<8>()?;
        let sum = u32::from_le_bytes([said[0], said[1], said[2], said[3]]);
        let size = u32::from_le_bytes([said[4], said[5], said[6], said[7]]);
        if (sum, size) != (self.sum.clone().finalize(), self.size) {
            return Err(damaged(source, "the sum or the size at a member's end does not fit"));
        }
        self.in_member = false;
        Ok(())
    }

    /// Whether another member begins here; its header is read.
    fn begin_member<R: Read>(&mut self, source: &mut Source<R>) -> Result<bool, ScanError> {
        if is_gzip(source.peek(MAGIC.len())?) {
            Header::of(source).read()?;
            self.inflate.reset(false);
            self.sum.reset();
            self.size = 0;
            self.in_member = true;
            return Ok(true);
        }
        loop {
            let rest = source.fill()?;
            if rest.is_empty() {
                return Ok(false);
            }
            if rest.iter().any(|byte| *byte != 0) {
                let what = "what follows the last member is neither gzip nor zeros";
                return Err(damaged(source, what));
            }
            let bytes = rest.len();
            source.consume(bytes);
        }
    }
}

/// Reads a member's header byte by byte, summing it up. Names and comments may be as long as they
/// like: nothing of them is kept.
struct Header<'a, R> {
    source: &'a mut Source<R>,
    sum: Crc,
}

impl<'a, R: Read> Header<'a, R> {
    fn of(source: &'a mut Source<R>) -> Self {
        Self { source, sum: Crc::new() }
    }

    fn byte(&mut self) -> Result<u8, ScanError> {
        let Some(byte) = self.source.fill()?.first().copied() else {
            return Err(damaged(self.source, "it ends in the middle of a member"));
        };
        self.source.consume(1);
        self.sum.update(&[byte]);
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ScanError> {
        let mut array = [0; N];
        for byte in &mut array {
            *byte = self.byte()?;
        }
        Ok(array)
    }

    fn read(mut self) -> Result<(), ScanError> {
        let [.., method, flags, _, _, _, _, _, _] = self.array::<10>()?;
        if method != DEFLATE || flags & RESERVED != 0 {
            return Err(damaged(self.source, "a member's header asks for what is not known"));
        }
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(self.array()?) {
                self.byte()?;
            }
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                while self.byte()? != 0 {}
            }
        }
        if flags & HEADER_SUM != 0 {
            let sum = self.sum.clone().finalize() & 0xffff;
            if sum != u32::from(u16::from_le_bytes(self.array()?)) {
                return Err(damaged(self.source, "the sum of a member's header does not fit"));
            }
        }
        Ok(())
    }
}
