//! The code hash: MD5 over the content of files, and over nothing else.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use md5::{Digest as _, Md5};
use rustix::io::Errno;

use super::LegacyError;
use super::glob::glob;

/// Bytes that are read before they are handed to who hashes: many files, or a piece of one.
const PIECE: usize = 4 << 20;
/// Pieces on their way.
const AHEAD: usize = 2;

/// The hash of what a filter finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeHash {
    /// The MD5, in hexadecimal digits.
    pub hex: String,
    /// The patterns of the filter and how many files each found, in their order. Between two blanks
    /// there is an empty one.
    pub patterns: Vec<(String, usize)>,
}

/// The hash of the files below `repository` that `filter` finds: patterns with a blank between
/// them. Files count as often as they are found. It reads files, and holds up its thread.
pub fn code_hash(repository: &str, filter: &str) -> Result<CodeHash, LegacyError> {
    let mut files = Vec::new();
    let mut patterns = Vec::new();
    for pattern in filter.split(' ') {
        let before = files.len();
        for path in glob(&format!("{repository}/{pattern}"))? {
            if is_file(&path)? {
                files.push(path);
            }
        }
        patterns.push((pattern.to_owned(), files.len() - before));
    }
    Ok(CodeHash { hex: hash(&files)?, patterns })
}

/// Whether there is a file, be it through links.
fn is_file(path: &Path) -> Result<bool, LegacyError> {
    match path.metadata() {
        Ok(found) => Ok(found.is_file()),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
                || error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) =>
        {
            Ok(false)
        }
        Err(error) => Err(LegacyError::io(format!("look at {}", path.display()), error)),
    }
}

/// The MD5 of the content of `files`, one behind the other. One thread reads while another hashes.
fn hash(files: &[PathBuf]) -> Result<String, LegacyError> {
    thread::scope(|scope| {
        let (full, pieces) = mpsc::sync_channel::<Vec<u8>>(AHEAD);
        let (used, empty) = mpsc::channel::<Vec<u8>>();
        let reading = scope.spawn(move || read(files, &full, &empty));
        let mut hash = Md5::new();
        for mut piece in pieces {
            hash.update(&piece);
            piece.clear();
            // The reader may be through.
            let _ = used.send(piece);
        }
        match reading.join() {
            Ok(read) => read?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        Ok(hex::encode(hash.finalize()))
    })
}

fn read(
    files: &[PathBuf],
    full: &mpsc::SyncSender<Vec<u8>>,
    empty: &mpsc::Receiver<Vec<u8>>,
) -> Result<(), LegacyError> {
    let mut piece: Vec<u8> = Vec::with_capacity(PIECE);
    for path in files {
        let failed = |error| LegacyError::io(format!("read {}", path.display()), error);
        let mut file = File::open(path).map_err(failed)?;
        loop {
            let start = piece.len();
            let room = PIECE - start;
            let count = file.by_ref().take(room as u64).read_to_end(&mut piece);
            if count.map_err(failed)? < room {
                break;
            }
            let next = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
            // Who hashes is there as long as we are.
            let _ = full.send(std::mem::replace(&mut piece, next));
        }
    }
    let _ = full.send(piece);
    Ok(())
}
