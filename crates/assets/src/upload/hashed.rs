//! A file's digest, from one reading.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use portolan_model::{Digest, Hasher};

use crate::error::AssetsError;
use crate::tree::{RANGE, TreeHash, WholeHasher};

/// What was read of a file.
pub(super) enum Content {
    /// All of it, with its digest.
    Small(Digest, Vec<u8>),
    /// Its digest, the hash of its ranges where it has several, and what the file was then.
    Large(Digest, Option<TreeHash>, Stamp),
}

/// By what a file is known to be the same: a file that was written to has another stamp.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// That of the file at `path`.
    pub(super) fn of(path: &Path) -> Result<Self, AssetsError> {
        let known = path.metadata().map_err(AssetsError::io("look at", path))?;
        Ok(Self::from(&known))
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl From<&Metadata> for Stamp {
    fn from(known: &Metadata) -> Self {
        Self {
            inode: known.ino(),
            size: known.size(),
            modified: (known.mtime(), known.mtime_nsec()),
            changed: (known.ctime(), known.ctime_nsec()),
        }
    }
}

/// Reads the file at `path`; with `whole`, keeps its bytes.
pub(super) fn read(path: &Path, whole: bool) -> Result<Content, AssetsError> {
    let io = || AssetsError::io("read", path);
    let mut file = File::open(path).map_err(io())?;
    if whole {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io())?;
        return Ok(Content::Small(Digest::of(&bytes), bytes));
    }
    let stamp = Stamp::from(&file.metadata().map_err(io())?);
    let (mut hasher, mut buffer) = (Hasher::new(), vec![0; 256 * 1024]);
    let mut tree = (stamp.size > RANGE).then(WholeHasher::default);
    loop {
        let length = file.read(&mut buffer).map_err(io())?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        if let Some(tree) = &mut tree {
            tree.update(&buffer[..length]);
        }
    }
    if hasher.length() != stamp.size || Stamp::of(path)? != stamp {
        let why = "it was changed while it was read: store it when the build has ended".to_owned();
        return Err(AssetsError::File { path: path.to_owned(), why });
    }
    Ok(Content::Large(hasher.finish(), tree.map(|tree| tree.finish()), stamp))
}
