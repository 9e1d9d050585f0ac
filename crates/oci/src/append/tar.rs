//! Headers of tar entries, POSIX.1-2001: `ustar`, and PAX records for what does not fit into it.
//!
//! There is one way to write each entry, so that equal trees are equal archives.

/// Bytes of a block; everything in an archive is a multiple of it.
pub(super) const BLOCK: usize = 512;
/// The end of an archive.
pub(super) const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];
/// The longest size that 11 octal digits tell.
const MOST_OCTAL: u64 = 0o777_7777_7777;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Symlink,
    Directory,
    Pax,
}

impl Kind {
    fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::Symlink => b'2',
            Self::Directory => b'5',
            Self::Pax => b'x',
        }
    }
}

/// One entry, all of it that is not fixed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a [u8],
    pub(super) link: &'a [u8],
    pub(super) mode: u32,
    pub(super) size: u64,
    /// Seconds since 1970.
    pub(super) mtime: u64,
}

/// How many bytes fill the last block of `size` bytes.
pub(super) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % BLOCK as u64).unwrap_or_default();
    (BLOCK - over) % BLOCK
}

impl Entry<'_> {
    /// The blocks before the entry's bytes.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut records = Vec::new();
        if !fits(self.path) {
            record(&mut records, "path", self.path);
        }
        if !fits(self.link) {
            record(&mut records, "linkpath", self.link);
        }
        if self.size > MOST_OCTAL {
            record(&mut records, "size", self.size.to_string().as_bytes());
        }
        let mut out = Vec::with_capacity(BLOCK);
        if !records.is_empty() {
            let size = records.len() as u64;
            let pax = Entry {
                kind: Kind::Pax,
                path: b"PaxHeaders/entry",
                link: b"",
                mode: 0o644,
                size,
                mtime: self.mtime,
            };
            out.extend_from_slice(&pax.block());
            out.append(&mut records);
            out.resize(out.len() + padding(size), 0);
        }
        out.extend_from_slice(&self.block());
        out
    }

    fn block(&self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        // Readers of PAX take the record; others see as much of the name as fits.
        text(&mut block, 0, 100, self.path);
        octal(&mut block, 100, 8, u64::from(self.mode));
        octal(&mut block, 108, 8, 0);
        octal(&mut block, 116, 8, 0);
        octal(&mut block, 124, 12, self.size.min(MOST_OCTAL));
        octal(&mut block, 136, 12, self.mtime.min(MOST_OCTAL));
        block[156] = self.kind.flag();
        text(&mut block, 157, 100, self.link);
        text(&mut block, 257, 8, b"ustar\x0000");
        // The checksum is counted with its own field full of blanks.
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut block, 148, 7, sum);
        block
    }
}

fn fits(name: &[u8]) -> bool {
    name.len() <= 100 && name.is_ascii()
}

fn text(block: &mut [u8; BLOCK], at: usize, room: usize, bytes: &[u8]) {
    let length = bytes.len().min(room);
    block[at..at + length].copy_from_slice(&bytes[..length]);
}

/// A number in octal digits that fill `room` but for the NUL at its end.
fn octal(block: &mut [u8; BLOCK], at: usize, room: usize, number: u64) {
    let digits = format!("{number:0width$o}", width = room - 1);
    text(block, at, room - 1, digits.as_bytes());
    block[at + room - 1] = 0;
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts itself.
fn record(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}=").as_bytes());
    out.extend_from_slice(value);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &[u8], size: u64) -> Entry<'_> {
        Entry { kind: Kind::File, path, link: b"", mode: 0o644, size, mtime: 0 }
    }

    #[test]
    fn what_fits_is_one_block() {
        let header = entry(b"etc/hello", 5).header();
        assert_eq!(header.len(), BLOCK);
        assert_eq!(&header[..9], b"etc/hello");
        assert_eq!(&header[124..136], b"00000000005\0");
        assert_eq!(&header[257..265], b"ustar\x0000");
        assert_eq!(entry(&[b'x'; 100], 5).header().len(), BLOCK);
    }

    #[test]
    fn long_names_other_letters_and_large_files_have_records() {
        let header = entry(&[b'x'; 101], 5).header();
        assert_eq!(header.len(), 3 * BLOCK);
        assert_eq!(&header[BLOCK..BLOCK + 11], b"111 path=xx");
        let header = entry("é".as_bytes(), 5).header();
        assert_eq!(&header[BLOCK..BLOCK + 11], "11 path=é\n".as_bytes());
        let large = 1 << 40;
        let header = entry(b"a", large).header();
        assert!(header[BLOCK..].starts_with(format!("22 size={large}\n").as_bytes()));
        assert_eq!(entry(b"a", MOST_OCTAL).header().len(), BLOCK);
    }

    #[test]
    fn a_records_length_counts_its_own_digits() {
        for length in 1..2000 {
            let mut out = Vec::new();
            record(&mut out, "path", &vec![b'x'; length]);
            let told = out.split(|byte| *byte == b' ').next().unwrap();
            let told: usize = std::str::from_utf8(told).unwrap().parse().unwrap();
            assert_eq!(told, out.len());
        }
    }
}
