//! As much of an ELF file as is needed to run it elsewhere: where its loader is, what it is called, and
//! where what is loaded ends.
//!
//! Source: [the ELF format](https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html), 64 bits,
//! little endian, which is what Linux has on the machines that containers run on.

/// Bytes of the file's header.
const HEADER: usize = 64;
/// Bytes of one entry of the program header.
const SEGMENT: usize = 56;
/// Segments, and entries of the dynamic section, at most.
const MOST: usize = 4096;
/// The longest name of a loader or library, in bytes.
const NAME: usize = 4096;

/// Kinds of segments: loaded, dynamic, the loader's name.
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const LOADER: u32 = 3;

/// Kinds of entries of the dynamic section: its end, the table of texts, the library's own name.
const END: u64 = 0;
const TEXTS: u64 = 5;
const OWN_NAME: u64 = 14;

/// What an ELF file says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elf {
    /// The path of the program that loads it; none where it needs none.
    pub(super) loader: Option<String>,
    /// The name by which other files need it; none of a program.
    pub(super) name: Option<String>,
    /// Where the last byte ends that is loaded: what follows is for debuggers.
    pub(super) end: usize,
}

/// A segment.
struct Segment {
    kind: u32,
    offset: usize,
    address: u64,
    size: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

fn size_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64_at(bytes, at)?).ok()
}

/// The text at `at`, up to the zero that ends it.
fn text_at(bytes: &[u8], at: usize) -> Option<String> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().take(NAME).position(|byte| *byte == 0)?;
    String::from_utf8(rest[..end].to_vec()).ok().filter(|text| !text.is_empty())
}

impl Elf {
    /// Reads a file; none where it is no ELF file of this kind.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        // Its mark, 64 bits, little endian.
        if bytes.get(..6)? != [0x7f, b'E', b'L', b'F', 2, 1] {
            return None;
        }
        let (table, count) = (size_at(bytes, 32)?, usize::from(u16_at(bytes, 56)?));
        if usize::from(u16_at(bytes, 54)?) != SEGMENT || count > MOST {
            return None;
        }
        let mut segments = Vec::with_capacity(count);
        for number in 0..count {
            let at = table.checked_add(number * SEGMENT)?;
            segments.push(Segment {
                kind: u32_at(bytes, at)?,
                offset: size_at(bytes, at + 8)?,
                address: u64_at(bytes, at + 16)?,
                size: size_at(bytes, at + 32)?,
            });
        }
        let of = |kind| segments.iter().find(|segment| segment.kind == kind);
        let table_end = table.checked_add(count * SEGMENT)?;
        let ends = segments.iter().map(|segment| segment.offset.saturating_add(segment.size));
        let end = ends.max()?.max(table_end).max(HEADER);
        let loader = of(LOADER).and_then(|segment| text_at(bytes, segment.offset));
        let name = of(DYNAMIC).and_then(|dynamic| own_name(bytes, dynamic, &segments));
        (end <= bytes.len()).then_some(Self { loader, name, end })
    }

    /// The file without what is not loaded: it runs as before, and is much smaller where it was built
    /// with names for debuggers.
    pub(super) fn loaded(&self, bytes: &[u8]) -> Vec<u8> {
        let mut kept = bytes.get(..self.end).unwrap_or(bytes).to_vec();
        // Where the table of sections is, how many it has, and which holds their names: there is none
        // any more.
        for (at, size) in [(40, 8), (60, 2), (62, 2)] {
            if let Some(field) = kept.get_mut(at..at + size) {
                field.fill(0);
            }
        }
        kept
    }
}

/// The name that a library gives itself.
fn own_name(bytes: &[u8], dynamic: &Segment, segments: &[Segment]) -> Option<String> {
    let (mut texts, mut name) = (None, None);
    for number in 0..(dynamic.size / 16).min(MOST) {
        let at = dynamic.offset.checked_add(number * 16)?;
        let (kind, value) = (u64_at(bytes, at)?, u64_at(bytes, at + 8)?);
        match kind {
            END => break,
            TEXTS => texts = Some(value),
            OWN_NAME => name = usize::try_from(value).ok(),
            _ => {}
        }
    }
    let (texts, name) = (texts?, name?);
    // The table is told by the address that it is loaded at.
    let holds = |it: &&Segment| {
        it.kind == LOAD
            && texts >= it.address
            && usize::try_from(texts - it.address).is_ok_and(|inside| inside < it.size)
    };
    let segment = segments.iter().find(holds)?;
    let inside = usize::try_from(texts - segment.address).ok()?;
    text_at(bytes, segment.offset.checked_add(inside)?.checked_add(name)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn what_is_no_elf_file_is_none() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01", &[0x7f; 200]] {
            assert_eq!(Elf::read(bytes), None);
        }
        // A header that promises more than there is.
        let mut bytes = vec![0; 200];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[54] = 56;
        bytes[56] = 0xff;
        assert_eq!(Elf::read(&bytes), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_runs_without_what_is_not_loaded() {
        let path = std::env::current_exe().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let elf = Elf::read(&bytes).unwrap();
        assert_eq!(elf.name, None);
        let kept = elf.loaded(&bytes);
        assert!(kept.len() < bytes.len());
        assert_eq!(Elf::read(&kept).unwrap(), elf);
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, kept).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let listed = Command::new(&program).args(["--list", "elf"]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains("a_program_runs_without_what_is_not_loaded"), "{listed}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn libraries_tell_their_names() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mapped = |name: &str| {
            maps.lines()
                .filter_map(|line| line.split_whitespace().nth(5))
                .find(|path| path.rsplit('/').next().is_some_and(|file| file.starts_with(name)))
        };
        let Some(path) = mapped("libc.so") else { return };
        let elf = Elf::read(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(elf.name.as_deref(), Some("libc.so.6"));
    }
}
