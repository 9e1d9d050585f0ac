//! The bytes between two headers.

use std::io::Read;

use super::BLOCK;
use super::member::Member;
use super::walker::Walker;
use crate::layer::{ScanError, TarProblem};

/// What holes are read as, a piece at a time.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl<R: Read> Walker<'_, R> {
    /// Hands the content of the entry that was just described to `take`, piece by piece, holes as
    /// zeros. Without this call, the next entry's header passes over it.
    pub(crate) fn read_data(
        &mut self,
        member: &Member,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ScanError> {
        let Some(map) = &member.sparse else {
            return self.read_stored(self.left, &mut take);
        };
        let mut at = 0;
        for fragment in map {
            zeros(fragment.offset - at, &mut take);
            self.read_stored(fragment.length, &mut take)?;
            at = fragment.offset + fragment.length;
        }
        zeros(member.size - at, &mut take);
        Ok(())
    }

    fn read_stored(&mut self, bytes: u64, take: &mut impl FnMut(&[u8])) -> Result<(), ScanError> {
        let end = self.left - bytes;
        while self.left > end {
            self.chunk(self.left - end, &mut *take)?;
        }
        Ok(())
    }

    /// Hands over the next bytes of the data, at most `limit`.
    pub(super) fn chunk(&mut self, limit: u64, take: impl FnOnce(&[u8])) -> Result<(), ScanError> {
        let chunk = self.raw.fill()?;
        if chunk.is_empty() {
            return Err(self.wrong(TarProblem::Truncated));
        }
        let bytes = usize::try_from(limit).unwrap_or(usize::MAX).min(chunk.len());
        take(&chunk[..bytes]);
        self.raw.consume(bytes);
        self.left -= bytes as u64;
        Ok(())
    }

    /// Passes over what is left of the data, and what fills its last block.
    pub(super) fn skip_data(&mut self) -> Result<(), ScanError> {
        self.left += self.padding;
        self.padding = 0;
        self.read_stored(self.left, &mut |_| {})
    }

    /// Reads one block. False where the bytes end before it; in the middle of it is an error.
    pub(super) fn read_block(&mut self, block: &mut [u8; BLOCK]) -> Result<bool, ScanError> {
        let mut filled = 0;
        while filled < BLOCK {
            let chunk = self.raw.fill()?;
            if chunk.is_empty() {
                if filled == 0 {
                    return Ok(false);
                }
                return Err(self.wrong(TarProblem::Truncated));
            }
            let bytes = chunk.len().min(BLOCK - filled);
            block[filled..filled + bytes].copy_from_slice(&chunk[..bytes]);
            self.raw.consume(bytes);
            filled += bytes;
        }
        Ok(true)
    }
}

fn zeros(bytes: u64, take: &mut impl FnMut(&[u8])) {
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        take(&ZEROS[..piece]);
        left -= piece as u64;
    }
}
