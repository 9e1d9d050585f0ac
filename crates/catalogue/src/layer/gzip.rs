//! gzip (RFC 1952), any number of members.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::source::Source;
use super::{Compression, ScanError};

const WINDOW_BITS: u8 = 15;
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A decoder between two calls.
pub(super) struct Gzip {
    /// None between members.
    member: Option<Decompress>,
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
        Self { member: Some(Decompress::new_gzip(WINDOW_BITS)) }
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
            if self.member.is_none() && !self.begin_member(source)? {
                break;
            }
            let Some(member) = &mut self.member else { break };
            let input = source.fill()?;
            if input.is_empty() {
                return Err(damaged(source, "it ends in the middle of a member"));
            }
            let (before_in, before_out) = (member.total_in(), member.total_out());
            let status = member.decompress(input, &mut output[written..], FlushDecompress::None);
            let taken = usize::try_from(member.total_in() - before_in).unwrap_or(usize::MAX);
            let given = usize::try_from(member.total_out() - before_out).unwrap_or(usize::MAX);
            source.consume(taken);
            written += given;
            match status {
                Ok(Status::StreamEnd) => self.member = None,
                Ok(_) if taken == 0 && given == 0 => {
                    return Err(damaged(source, "the decoder cannot go on"));
                }
                Ok(_) => {}
                Err(error) => return Err(damaged(source, error.to_string())),
            }
        }
        Ok(written)
    }

    /// Whether another member begins here.
    fn begin_member<R: Read>(&mut self, source: &mut Source<R>) -> Result<bool, ScanError> {
        let start = source.peek(MAGIC.len())?;
        if is_gzip(start) {
            self.member = Some(Decompress::new_gzip(WINDOW_BITS));
            return Ok(true);
        }
        loop {
            let rest = source.fill()?;
            if rest.is_empty() {
                return Ok(false);
            }
            if rest.iter().any(|byte| *byte != 0) {
                return Err(damaged(
                    source,
                    "what follows the last member is neither gzip nor zeros",
                ));
            }
            let bytes = rest.len();
            source.consume(bytes);
        }
    }
}
