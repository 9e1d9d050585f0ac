//! The text whose SHA-256 is the hash of the inputs, and how it is read again.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _, Write as _};

use portolan_model::{Digest, Hasher};

use super::MOST_KEYS;
use crate::git::{Mode, Record};
use crate::name::Project;

/// What the text begins with: another way to write it is another domain.
const DOMAIN: &[u8] = b"portolan assets inputs v1";
/// Bytes of a listing at most, unpacked.
pub(crate) const MOST_BYTES: u64 = 256 << 20;
/// Of one field.
const MOST_FIELD: usize = 64 * 1024;
/// Bytes that are gathered before they are hashed.
const CHUNK: usize = 64 * 1024;

/// Hashes, and packs where that was asked for.
pub(super) struct Writer {
    hasher: Hasher,
    packed: Option<zstd::stream::write::Encoder<'static, Vec<u8>>>,
    buffer: Vec<u8>,
    failed: io::Result<()>,
}

impl Writer {
    pub(super) fn new(packed: bool) -> io::Result<Self> {
        let encoder = || zstd::stream::write::Encoder::new(Vec::new(), 3);
        let packed = packed.then(encoder).transpose()?;
        let buffer = Vec::with_capacity(CHUNK + MOST_FIELD);
        Ok(Self { hasher: Hasher::new(), packed, buffer, failed: Ok(()) })
    }

    pub(super) fn head(&mut self, project: &Project, keys: &BTreeMap<String, String>) {
        self.field(DOMAIN);
        self.field(project.as_str().as_bytes());
        self.field(&(keys.len() as u64).to_be_bytes());
        for (name, value) in keys {
            self.field(name.as_bytes());
            self.field(value.as_bytes());
        }
    }

    pub(super) fn record(&mut self, record: &Record) {
        self.field(&record.path);
        self.field(record.mode.digits().as_bytes());
        self.field(if record.object.len() == 20 { b"sha1" } else { b"sha256" });
        self.field(&record.object);
    }

    fn field(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.update(&self.buffer);
        if let (Some(packed), Ok(())) = (&mut self.packed, &self.failed) {
            self.failed = packed.write_all(&self.buffer);
        }
        self.buffer.clear();
    }

    pub(super) fn finish(mut self) -> io::Result<(Digest, Option<Vec<u8>>)> {
        self.flush();
        self.failed?;
        let packed = self.packed.map(zstd::stream::write::Encoder::finish).transpose()?;
        Ok((self.hasher.finish(), packed))
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("hasher", &self.hasher).finish_non_exhaustive()
    }
}

/// What went into a hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The project.
    pub project: String,
    /// The user's keys.
    pub keys: BTreeMap<String, String>,
    /// The files, in the order of their paths.
    pub files: Vec<Record>,
}

/// Why a listing is none.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// It cannot be unpacked.
    #[error("could not unpack the list of the inputs")]
    Unpack(#[source] io::Error),
    /// It is not the one whose hash is known.
    #[error("the list of the inputs has the hash {found}, not {wanted}")]
    Hash {
        /// That of these bytes.
        found: Digest,
        /// That of the inputs.
        wanted: Digest,
    },
    /// It is not what this version writes.
    #[error("the list of the inputs is damaged: {0}")]
    Damaged(&'static str),
}

impl Listing {
    /// The listing that `packed` is, which must be the one of `hash`.
    pub fn unpack(packed: &[u8], hash: &Digest) -> Result<Self, ListingError> {
        let mut text = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(packed).map_err(ListingError::Unpack)?;
        decoder.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(ListingError::Unpack)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(ListingError::Damaged("it is longer than any"));
        }
        let found = Digest::of(&text);
        if found != *hash {
            return Err(ListingError::Hash { found, wanted: *hash });
        }
        read(&text)
    }
}

fn read(text: &[u8]) -> Result<Listing, ListingError> {
    let mut rest = text;
    let mut field = || -> Result<&[u8], ListingError> {
        let short = ListingError::Damaged("it ends within a field");
        let Some((length, after)) = rest.split_first_chunk::<8>() else { return Err(short) };
        let length = usize::try_from(u64::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if length > MOST_FIELD || length > after.len() {
            return Err(short);
        }
        let (field, after) = after.split_at(length);
        rest = after;
        Ok(field)
    };
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| ListingError::Damaged("a name is no text"))
    };
    if field()? != DOMAIN {
        return Err(ListingError::Damaged("it is of another kind"));
    }
    let project = text(field()?)?;
    let count = field()?.try_into().map(u64::from_be_bytes);
    let count = count.map_err(|_| ListingError::Damaged("it does not tell how many keys"))?;
    if count > MOST_KEYS as u64 {
        return Err(ListingError::Damaged("it has too many keys"));
    }
    let mut listing = Listing { project, ..Listing::default() };
    for _ in 0..count {
        let name = text(field()?)?;
        listing.keys.insert(name, text(field()?)?);
    }
    let mut path = match field() {
        Ok(path) => path.to_vec(),
        Err(_) => return Ok(listing),
    };
    loop {
        let mode = Mode::of(field()?).ok_or(ListingError::Damaged("a file has no mode"))?;
        let length = match field()? {
            b"sha1" => 20,
            b"sha256" => 32,
            _ => return Err(ListingError::Damaged("an object is of an unknown kind")),
        };
        let object = field()?.to_vec();
        if object.len() != length {
            return Err(ListingError::Damaged("an object has the wrong length"));
        }
        listing.files.push(Record { path, mode, object });
        path = match field() {
            Ok(path) => path.to_vec(),
            Err(_) => return Ok(listing),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, byte: u8, length: usize) -> Record {
        Record { path: path.into(), mode: Mode::File, object: vec![byte; length] }
    }

    fn written(keys: &[(&str, &str)], files: &[Record]) -> (Digest, Vec<u8>) {
        let mut writer = Writer::new(true).unwrap();
        let keys = keys.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        writer.head(&"shop".parse().unwrap(), &keys);
        for file in files {
            writer.record(file);
        }
        let (hash, packed) = writer.finish().unwrap();
        (hash, packed.unwrap())
    }

    #[test]
    fn a_listing_is_read_as_it_was_written() {
        for files in [vec![], vec![record("a", 1, 20), record("b\tc", 2, 32)]] {
            let (hash, packed) = written(&[("toolchain", "1.95"), ("x", "")], &files);
            let read = Listing::unpack(&packed, &hash).unwrap();
            assert_eq!((read.project.as_str(), read.keys.len()), ("shop", 2));
            assert_eq!(read.files, files);
            let other = Digest::of(b"other");
            assert!(matches!(Listing::unpack(&packed, &other), Err(ListingError::Hash { .. })));
        }
    }

    #[test]
    fn what_moves_between_fields_is_another_hash() {
        let hashes = [
            written(&[], &[record("ab", 1, 20)]).0,
            written(&[], &[record("a", 1, 20)]).0,
            written(&[("a", "b")], &[]).0,
            written(&[("ab", "")], &[]).0,
            written(&[("", "ab")], &[]).0,
            written(&[], &[Record { mode: Mode::Executable, ..record("a", 1, 20) }]).0,
            written(&[], &[record("a", 1, 32)]).0,
        ];
        let different: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(different.len(), hashes.len());
    }

    #[test]
    fn damage_is_an_error() {
        let (_, packed) = written(&[("k", "v")], &[record("a", 1, 20)]);
        let text = zstd::decode_all(packed.as_slice()).unwrap();
        for length in 0..text.len() - 1 {
            let cut = &text[..length];
            let whole = read(cut);
            // Without its files it is a listing of nothing, which no hash was ever made of.
            assert!(whole.is_err() || whole.unwrap().files.is_empty(), "{length}");
        }
        assert!(Listing::unpack(b"none", &Digest::of(b"")).is_err());
    }
}
