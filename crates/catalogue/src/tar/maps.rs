//! Where the map of a sparse file is found.

use std::io::Read;

use super::BLOCK;
use super::header::{Header, fragments};
use super::member::Member;
use super::pax::Extended;
use super::sparse::{self, Fragment, decimal, fragment};
use super::walker::Walker;
use crate::layer::{ScanError, TarProblem};

impl<R: Read> Walker<'_, R> {
    /// Reads the map of a sparse file, in whichever of GNU's four formats it is.
    pub(super) fn read_sparse(
        &mut self,
        flag: u8,
        header: &Header,
        own: Extended,
        member: &mut Member,
    ) -> Result<(), ScanError> {
        let map = if flag == b'S' {
            member.size = header.real_size().map_err(|problem| self.wrong(problem))?;
            self.read_old_map(header)?
        } else if own.sparse.is_some() {
            member.size = own
                .sparse
                .real_size
                .ok_or_else(|| self.wrong(TarProblem::Sparse("the real size is missing")))?;
            match own.sparse.map {
                Some(map) => map,
                None => self.read_map_in_data(member)?,
            }
        } else {
            return Ok(());
        };
        sparse::check(&map, member.size, member.stored).map_err(|problem| self.wrong(problem))?;
        member.sparse = Some(map);
        Ok(())
    }

    /// GNU's old format: the map begins in the header and goes on in blocks before the data, which
    /// the size does not count.
    fn read_old_map(&mut self, header: &Header) -> Result<Vec<Fragment>, ScanError> {
        let mut map = Vec::new();
        let mut more = header.sparse_map(&mut map).map_err(|problem| self.wrong(problem))?;
        let mut block = [0; BLOCK];
        let mut bytes = 0;
        while more {
            bytes += BLOCK as u64;
            self.check_extension(bytes)?;
            if !self.read_block(&mut block)? {
                return Err(self.wrong(TarProblem::Truncated));
            }
            fragments(&block[..504], &mut map).map_err(|problem| self.wrong(problem))?;
            more = block[504] != 0;
        }
        Ok(map)
    }

    /// Version 1.0: the map is text at the beginning of the data, padded to a block: how many
    /// parts, then each one's offset and length, a number on a line.
    fn read_map_in_data(&mut self, member: &mut Member) -> Result<Vec<Fragment>, ScanError> {
        const SHORT: TarProblem = TarProblem::Sparse("it is not in the file's data");
        let mut text = Vec::new();
        let mut map = Vec::new();
        let mut numbers = 0_u64;
        let mut wanted = 1_u64;
        let mut offset = None;
        let mut block = [0; BLOCK];
        while numbers < wanted {
            if self.left < BLOCK as u64 {
                return Err(self.wrong(SHORT));
            }
            self.check_extension(member.stored - self.left + BLOCK as u64)?;
            if !self.read_block(&mut block)? {
                return Err(self.wrong(TarProblem::Truncated));
            }
            self.left -= BLOCK as u64;
            for byte in block {
                if byte != b'\n' {
                    text.push(byte);
                    continue;
                }
                let value = decimal(&text);
                text.clear();
                if numbers == 0 {
                    let parts = value.and_then(|value| u64::try_from(value).ok());
                    wanted = parts
                        .and_then(|parts| parts.checked_mul(2)?.checked_add(1))
                        .ok_or_else(|| self.wrong(TarProblem::Sparse("it has no length")))?;
                } else if offset.is_none() {
                    offset = Some(value);
                } else {
                    let part = fragment(offset.take().flatten(), value);
                    map.push(part.map_err(|problem| self.wrong(problem))?);
                }
                numbers += 1;
                if numbers == wanted {
                    break;
                }
            }
        }
        member.stored = self.left;
        Ok(map)
    }
}
