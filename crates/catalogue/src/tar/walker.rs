//! From header to header through an archive.

use std::io::Read;

use super::BLOCK;
use super::header::Header;
use super::member::{Member, MemberType};
use super::pax::{Extended, Sparse};
use crate::layer::{RawLayer, ScanError, TarProblem};

/// Walks the archive in a layer's uncompressed bytes.
pub(crate) struct Walker<'a, R> {
    pub(super) raw: RawLayer<'a, R>,
    /// Bytes of the current entry's data that were not read yet.
    pub(super) left: u64,
    /// Bytes after the data up to the next block.
    pub(super) padding: u64,
    global: Extended,
    ended: bool,
}

/// The headers that come before an entry's own.
#[derive(Default)]
struct Before {
    own: Extended,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

fn padding(bytes: u64) -> u64 {
    bytes.wrapping_neg() % BLOCK as u64
}

impl<'a, R: Read> Walker<'a, R> {
    pub(crate) fn new(raw: RawLayer<'a, R>) -> Self {
        Self { raw, left: 0, padding: 0, global: Extended::default(), ended: false }
    }

    /// The layer, to verify it.
    pub(crate) fn into_raw(self) -> RawLayer<'a, R> {
        self.raw
    }

    /// The layer that is walked.
    pub(crate) fn raw(&mut self) -> &mut RawLayer<'a, R> {
        &mut self.raw
    }

    pub(super) fn wrong(&self, problem: TarProblem) -> ScanError {
        ScanError::Tar { at: self.raw.offset(), problem }
    }

    /// Reads up to the next entry's data and says in `member` what it is. False at the archive's
    /// end: a block of zeros, or the end of the bytes between two entries.
    pub(crate) fn next(&mut self, member: &mut Member) -> Result<bool, ScanError> {
        let mut before = Before::default();
        let mut header = Header::new();
        while !self.ended {
            self.skip_data()?;
            if !self.read_block(header.block())? || header.is_zero() {
                self.ended = true;
                break;
            }
            header.check().map_err(|problem| self.wrong(problem))?;
            match header.type_flag() {
                b'x' | b'X' => {
                    let body = self.read_extension(&header)?;
                    before.own = Extended::default();
                    before.own.read(&body).map_err(|problem| self.wrong(problem))?;
                }
                b'g' => {
                    let body = self.read_extension(&header)?;
                    self.global.read(&body).map_err(|problem| self.wrong(problem))?;
                    // Of a map, it makes no sense to say it of every file.
                    self.global.sparse = Sparse::default();
                }
                b'L' => before.name = Some(self.read_long_name(&header)?),
                b'K' => before.link = Some(self.read_long_name(&header)?),
                // The archive's own name is no entry.
                b'V' => {
                    let size = header.size().map_err(|problem| self.wrong(problem))?;
                    self.begin_data(size);
                }
                flag => {
                    self.describe(flag, &header, before, member)?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn begin_data(&mut self, stored: u64) {
        self.left = stored;
        self.padding = padding(stored);
    }

    fn describe(
        &mut self,
        flag: u8,
        header: &Header,
        mut before: Before,
        member: &mut Member,
    ) -> Result<(), ScanError> {
        self.read_fields(header, &before.own, member).map_err(|problem| self.wrong(problem))?;
        if let Some(path) = before.own.path.or(&self.global.path) {
            member.name.clone_from(path);
        }
        if let Some(name) = before.own.sparse.name.take() {
            member.name = name;
        }
        if let Some(link) = before.own.link.or(&self.global.link) {
            member.link.clone_from(link);
        }
        // GNU's long names are an entry's own as well; where a hostile archive has both, Go takes
        // GNU's.
        if let Some(name) = before.name {
            member.name = name;
        }
        if let Some(link) = before.link {
            member.link = link;
        }
        member.kind = MemberType::of(flag, &member.name);
        self.check_name(member.name.len() as u64)?;
        self.check_name(member.link.len() as u64)?;
        member.sparse = None;
        if !member.kind.has_data() {
            (member.size, member.stored) = (0, 0);
        }
        self.begin_data(member.stored);
        if member.kind.has_data() {
            self.read_sparse(flag, header, before.own, member)?;
        }
        Ok(())
    }

    fn read_fields(
        &self,
        header: &Header,
        own: &Extended,
        member: &mut Member,
    ) -> Result<(), TarProblem> {
        let global = &self.global;
        header.name(&mut member.name);
        member.link.clear();
        member.link.extend_from_slice(header.link());
        member.mode = header.mode()?;
        // The extended header's size wins over the block's, which cannot say more than 8 GiB
        // minus one in octal; whoever takes the block's loses his place in the archive.
        member.stored = match own.size.or(&global.size) {
            Some(size) => *size,
            None => header.size()?,
        };
        member.size = member.stored;
        Ok(())
    }

    fn check_name(&self, bytes: u64) -> Result<(), ScanError> {
        let limit = self.raw.limits().path_bytes;
        if bytes > limit { Err(self.wrong(TarProblem::Name { bytes, limit })) } else { Ok(()) }
    }

    pub(super) fn check_extension(&self, bytes: u64) -> Result<(), ScanError> {
        let limit = self.raw.limits().pax_bytes;
        if bytes > limit {
            return Err(self.wrong(TarProblem::ExtendedSize { bytes, limit }));
        }
        Ok(())
    }

    /// Reads the data of a header that speaks of the next entry.
    fn read_extension(&mut self, header: &Header) -> Result<Vec<u8>, ScanError> {
        let size = header.size().map_err(|problem| self.wrong(problem))?;
        self.check_extension(size)?;
        self.begin_data(size);
        let mut body = Vec::new();
        while self.left > 0 {
            self.chunk(self.left, |bytes| body.extend_from_slice(bytes))?;
        }
        Ok(body)
    }

    /// Reads a name of GNU's, which ends at its first NUL.
    fn read_long_name(&mut self, header: &Header) -> Result<Vec<u8>, ScanError> {
        let mut name = self.read_extension(header)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        self.check_name(end as u64)?;
        Ok(name)
    }
}
