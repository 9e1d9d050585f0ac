//! Tar entries, well formed and otherwise: the writer that hostile layers are made with.
//!
//! POSIX.1-2001 (`ustar` with PAX records). Every field can be set to what no sane tool would write.

use std::io::{self, Write};

/// The size of a header and of a block of content.
pub const BLOCK: usize = 512;

/// One entry: its header and its content.
#[derive(Debug, Clone)]
pub struct Entry {
    path: Vec<u8>,
    link: Vec<u8>,
    kind: u8,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: u64,
    size: Option<Vec<u8>>,
    pax: Vec<(String, Vec<u8>)>,
    content: Vec<u8>,
    tweak: Option<fn(&mut [u8; BLOCK])>,
    checksum: bool,
}

impl Entry {
    /// An entry of the type flag `kind` at `path`.
    pub fn new(kind: u8, path: impl AsRef<[u8]>) -> Self {
        Self {
            path: path.as_ref().to_vec(),
            link: Vec::new(),
            kind,
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 0,
            size: None,
            pax: Vec::new(),
            content: Vec::new(),
            tweak: None,
            checksum: true,
        }
    }

    /// A regular file.
    pub fn file(path: impl AsRef<[u8]>, content: impl Into<Vec<u8>>) -> Self {
        Self { content: content.into(), ..Self::new(b'0', path) }
    }

    /// A directory; `path` should end with a slash.
    pub fn dir(path: impl AsRef<[u8]>) -> Self {
        Self::new(b'5', path).mode(0o755)
    }

    /// A symbolic link to `target`.
    pub fn symlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self::new(b'2', path).mode(0o777).link(target)
    }

    /// A hard link to `target`, an earlier entry.
    pub fn hard_link(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self::new(b'1', path).link(target)
    }

    /// The whiteout that removes the last part of `path`.
    pub fn whiteout(path: &str) -> Self {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |(f, n)| (f, n));
        let slash = if folder.is_empty() { "" } else { "/" };
        Self::file(format!("{folder}{slash}.wh.{name}"), "")
    }

    /// The opaque whiteout of the directory `path`.
    pub fn opaque(path: &str) -> Self {
        Self::file(format!("{}/.wh..wh..opq", path.trim_end_matches('/')), "")
    }

    /// Sets the permission bits.
    pub fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// Sets the owner.
    pub fn owner(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }

    /// Sets the time of the last change, in seconds since 1970.
    pub fn mtime(self, mtime: u64) -> Self {
        Self { mtime, ..self }
    }

    /// Sets the link target.
    pub fn link(self, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..self }
    }

    /// Sets the content.
    pub fn content(self, content: impl Into<Vec<u8>>) -> Self {
        Self { content: content.into(), ..self }
    }

    /// Writes `field` (at most 12 bytes) for the size, whatever the content's length is.
    pub fn size_field(self, field: impl AsRef<[u8]>) -> Self {
        Self { size: Some(field.as_ref().to_vec()), ..self }
    }

    /// Adds a PAX record before the entry.
    pub fn pax(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.pax.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Changes the header's bytes just before the checksum is made.
    pub fn tweak(self, tweak: fn(&mut [u8; BLOCK])) -> Self {
        Self { tweak: Some(tweak), ..self }
    }

    /// Writes a wrong checksum.
    pub fn wrong_checksum(self) -> Self {
        Self { checksum: false, ..self }
    }

    /// Writes the entry: PAX records if it has or needs any, header, content, padding.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        self.write_extensions(out)?;
        let mut header = [0_u8; BLOCK];
        put(&mut header[..100], &self.path);
        octal(&mut header[100..108], u64::from(self.mode));
        octal(&mut header[108..116], u64::from(self.uid));
        octal(&mut header[116..124], u64::from(self.gid));
        match &self.size {
            Some(field) => put(&mut header[124..136], field),
            None => octal(&mut header[124..136], self.content.len() as u64),
        }
        octal(&mut header[136..148], self.mtime);
        header[156] = self.kind;
        put(&mut header[157..257], &self.link);
        put(&mut header[257..265], b"ustar\x0000");
        if let Some(tweak) = self.tweak {
            tweak(&mut header);
        }
        header[148..156].fill(b' ');
        let sum = header.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let sum = if self.checksum { sum } else { sum + 1 };
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.write_all(&header)?;
        out.write_all(&self.content)?;
        out.write_all(&[0; BLOCK][..padding(self.content.len())])
    }

    fn write_extensions(&self, out: &mut impl Write) -> io::Result<()> {
        let mut records = Vec::new();
        for (key, value) in &self.pax {
            record(&mut records, key, value);
        }
        let has = |key: &str| self.pax.iter().any(|(known, _)| known == key);
        if self.path.len() > 100 && !has("path") {
            record(&mut records, "path", &self.path);
        }
        if self.link.len() > 100 && !has("linkpath") {
            record(&mut records, "linkpath", &self.link);
        }
        if records.is_empty() {
            return Ok(());
        }
        Self::new(b'x', "PaxHeader").content(records).write(out)
    }
}

/// Writes the two empty blocks that end an archive.
pub fn finish(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// The whole archive of `entries`.
pub fn archive<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory does not fail.
    let _ = entries.into_iter().try_for_each(|entry| entry.write(&mut bytes));
    let _ = finish(&mut bytes);
    bytes
}

fn put(field: &mut [u8], value: &[u8]) {
    let length = value.len().min(field.len());
    field[..length].copy_from_slice(&value[..length]);
}

fn octal(field: &mut [u8], value: u64) {
    let width = field.len() - 1;
    put(field, format!("{value:0width$o}\0").as_bytes());
}

fn padding(length: usize) -> usize {
    (BLOCK - length % BLOCK) % BLOCK
}

/// Appends `LENGTH KEY=VALUE\n`, where the length counts its own digits too.
fn record(records: &mut Vec<u8>, key: &str, value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    records.extend_from_slice(format!("{length} {key}=").as_bytes());
    records.extend_from_slice(value);
    records.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_systems_tar_reads_what_we_write() {
        let long = format!("deep/{}/file", "x".repeat(200));
        let bytes = archive(&[
            Entry::dir("etc/"),
            Entry::file("etc/hosts", "127.0.0.1 localhost\n").mode(0o600),
            Entry::symlink("etc/link", "hosts"),
            Entry::hard_link("etc/hard", "etc/hosts"),
            Entry::file(&long, "deep"),
            Entry::whiteout("usr/bin/gone"),
            Entry::opaque("var/"),
        ]);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.tar");
        std::fs::write(&path, bytes).unwrap();
        let listing = crate::process::output(Command::new("tar").arg("-tvf").arg(&path)).unwrap();
        for expected in [
            "-rw------- 0/0              20 1970",
            "etc/link -> hosts",
            "etc/hard link to etc/hosts",
            &long,
            "usr/bin/.wh.gone",
            "var/.wh..wh..opq",
        ] {
            assert!(listing.contains(expected), "no `{expected}` in\n{listing}");
        }
    }

    #[test]
    fn a_records_length_counts_its_own_digits() {
        for length in [1, 88, 89, 90, 91, 980, 990, 995] {
            let mut bytes = Vec::new();
            record(&mut bytes, "path", &vec![b'a'; length]);
            let text = String::from_utf8(bytes).unwrap();
            let said: usize = text.split_once(' ').unwrap().0.parse().unwrap();
            assert_eq!(said, text.len());
        }
    }
}
