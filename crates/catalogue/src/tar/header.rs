//! One header block, field by field (POSIX ustar, and where GNU's and star's differ).

use super::BLOCK;
use super::number::number;
use super::sparse::{Fragment, fragment};
use crate::layer::TarProblem;

/// A header block as it is in the archive.
pub(super) struct Header([u8; BLOCK]);

/// Who wrote the header, which decides what its tail means.
#[derive(PartialEq, Eq)]
enum Dialect {
    Old,
    Posix,
    Star,
    Gnu,
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

impl Header {
    pub(super) fn new() -> Self {
        Self([0; BLOCK])
    }

    pub(super) fn block(&mut self) -> &mut [u8; BLOCK] {
        &mut self.0
    }

    /// Whether this is the mark of the archive's end.
    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the sum of its bytes, with blanks in the place of the sum, is the one it states.
    /// Some old tools summed signed bytes, and that is as good.
    pub(super) fn check(&self) -> Result<(), TarProblem> {
        let stated = number(&self.0[148..156]).ok_or(TarProblem::Checksum)?;
        let blanks = 8 * i64::from(b' ');
        let (before, after) = (&self.0[..148], &self.0[156..]);
        let unsigned =
            |bytes: &[u8]| i64::from(bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>());
        if unsigned(before) + unsigned(after) + blanks == stated {
            return Ok(());
        }
        let signed = |bytes: &[u8]| {
            i64::from(bytes.iter().map(|byte| i32::from(byte.cast_signed())).sum::<i32>())
        };
        let sum = signed(before) + signed(after) + blanks;
        if sum == stated { Ok(()) } else { Err(TarProblem::Checksum) }
    }

    fn dialect(&self) -> Dialect {
        match &self.0[257..265] {
            b"ustar  \0" => Dialect::Gnu,
            [b'u', b's', b't', b'a', b'r', 0, ..] if &self.0[508..] == b"tar\0" => Dialect::Star,
            [b'u', b's', b't', b'a', b'r', 0, ..] => Dialect::Posix,
            _ => Dialect::Old,
        }
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0[156]
    }

    /// Writes the name to `name`, the prefix before it.
    pub(super) fn name(&self, name: &mut Vec<u8>) {
        name.clear();
        let prefix = match self.dialect() {
            Dialect::Posix => until_nul(&self.0[345..500]),
            Dialect::Star => until_nul(&self.0[345..476]),
            Dialect::Gnu | Dialect::Old => &[],
        };
        if !prefix.is_empty() {
            name.extend_from_slice(prefix);
            name.push(b'/');
        }
        name.extend_from_slice(until_nul(&self.0[..100]));
    }

    pub(super) fn link(&self) -> &[u8] {
        until_nul(&self.0[157..257])
    }

    fn field(&self, from: usize, to: usize, name: &'static str) -> Result<i64, TarProblem> {
        number(&self.0[from..to]).ok_or(TarProblem::Number(name))
    }

    /// Permissions, without the bits of the type that some tools leave in.
    pub(super) fn mode(&self) -> Result<u32, TarProblem> {
        let mode = self.field(100, 108, "mode")? & 0o7777;
        u32::try_from(mode).map_err(|_| TarProblem::Number("mode"))
    }

    pub(super) fn size(&self) -> Result<u64, TarProblem> {
        let size = self.field(124, 136, "size")?;
        u64::try_from(size).map_err(|_| TarProblem::NegativeSize)
    }

    /// The size of a sparse file of GNU's old format, with its holes.
    pub(super) fn real_size(&self) -> Result<u64, TarProblem> {
        let size = self.field(483, 495, "real size")?;
        u64::try_from(size).map_err(|_| TarProblem::NegativeSize)
    }

    /// The map's beginning of a sparse file of GNU's old format, and whether it goes on in the next
    /// block.
    pub(super) fn sparse_map(&self, map: &mut Vec<Fragment>) -> Result<bool, TarProblem> {
        if self.dialect() != Dialect::Gnu {
            return Err(TarProblem::Sparse("the header is not GNU's"));
        }
        fragments(&self.0[386..482], map)?;
        Ok(self.0[482] != 0)
    }
}

/// Reads the fragments of GNU's old format up to the first empty one.
pub(super) fn fragments(field: &[u8], map: &mut Vec<Fragment>) -> Result<(), TarProblem> {
    for pair in field.chunks_exact(24) {
        if pair[0] == 0 {
            break;
        }
        map.push(fragment(number(&pair[..12]), number(&pair[12..]))?);
    }
    Ok(())
}
