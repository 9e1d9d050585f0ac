//! The state files in the directory of packages, by which `check` tells `upload` what it found.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LegacyError;

/// What may lie between two files that were copied one after the other.
const CARRIED: Duration = Duration::from_mins(1);

/// The directory of packages. Its files are named as the original names them: behind its own text
/// and a slash.
#[derive(Debug, Clone)]
pub(super) struct Packages {
    pub(super) path: String,
}

/// A state file.
#[derive(Debug, Clone, Copy)]
pub(super) enum File {
    /// `.commit-hash`: the commit for which all is.
    Commit,
    /// `.code-hash`: the hash under which its packages are cached.
    Code,
    /// `.found`: it has packages.
    Found,
}

impl Packages {
    pub(super) fn file(&self, file: File) -> PathBuf {
        let name = match file {
            File::Commit => ".commit-hash",
            File::Code => ".code-hash",
            File::Found => ".found",
        };
        PathBuf::from(format!("{}/{name}", self.path))
    }

    pub(super) fn has(&self, file: File) -> bool {
        self.file(file).is_file()
    }

    /// Removes what an earlier run found, which says nothing of this one.
    pub(super) fn forget(&self) -> Result<(), LegacyError> {
        for file in [File::Found, File::Code] {
            let path = self.file(file);
            match fs::remove_file(&path) {
                Err(error)
                    if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
                {
                    return Err(LegacyError::io(format!("remove {}", path.display()), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes a file whole or not at all.
    pub(super) fn write(&self, file: File, text: &str) -> Result<(), LegacyError> {
        let path = self.file(file);
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(Path::new("/"));
            let mut builder = tempfile::Builder::new();
            // Hidden, so that it is no package where it is left behind.
            builder.prefix(".portolan-").permissions(Permissions::from_mode(0o666));
            let mut written = builder.tempfile_in(folder)?;
            written.write_all(text.as_bytes())?;
            written.persist(&path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|error| LegacyError::io(format!("write {}", path.display()), error))
    }

    /// A file's bytes, of which there are few.
    pub(super) fn read(&self, file: File) -> Result<Vec<u8>, LegacyError> {
        let path = self.file(file);
        let failed = |error| LegacyError::io(format!("read {}", path.display()), error);
        fs::read(&path).map_err(failed)
    }

    /// What `file` says: `digits` hexadecimal digits in lower case, as `check` writes them. Where
    /// `exact`, any text.
    pub(super) fn digits(
        &self,
        file: File,
        digits: usize,
        exact: bool,
    ) -> Result<String, LegacyError> {
        let bytes = self.read(file)?;
        let known = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let good = bytes.len() == digits && bytes.iter().all(known);
        match String::from_utf8(bytes) {
            Ok(text) if good || exact => Ok(text),
            text => {
                let text = text
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                Err(LegacyError::State {
                    file: self.file(file).display().to_string(),
                    expected: match file {
                        File::Commit => "the 40 digits of a commit",
                        File::Code | File::Found => "the 32 digits of a code hash",
                    },
                    found: text.escape_debug().take(80).collect(),
                })
            }
        }
    }

    /// Whether `.found` may have been told for the commit that `.commit-hash` has now: `check` writes
    /// that one first. Whoever carries the directory from one task to the next may have written both
    /// anew, in any order.
    pub(super) fn is_found_for_this_commit(&self) -> bool {
        let moment = |file| fs::metadata(self.file(file)).and_then(|file| file.modified());
        match (moment(File::Found), moment(File::Commit)) {
            (Ok(found), Ok(commit)) => found + CARRIED >= commit,
            _ => true,
        }
    }
}
