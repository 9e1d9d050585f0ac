//! Files by pattern, as Python's [`glob.glob(…, recursive=True)`](https://docs.python.org/3/library/glob.html)
//! finds them: the same paths, as often, from the same file system.
//!
//! A `**` that is a whole segment goes into every directory that is not hidden, and through links
//! to directories too, until the system says that there are too many. Two of them may find a file
//! twice. Directories that cannot be read have nothing in them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::LegacyError;
use super::fnmatch::{Segment, code_points};

/// Names that are looked at for one pattern at most: two links that lead to their own directory
/// have more paths than can be counted.
const MOST: usize = 10_000_000;

/// The paths that `pattern` finds, in Python's order of texts.
pub(super) fn glob(pattern: &str) -> Result<Vec<PathBuf>, LegacyError> {
    let mut walk = Walk { looked: 0, pattern };
    let mut found = walk.paths(pattern.as_bytes(), false)?;
    // By code point, which is by byte but for what is no UTF-8.
    if found.iter().all(|path| std::str::from_utf8(path).is_ok()) {
        found.sort_unstable();
    } else {
        found.sort_by_cached_key(|path| code_points(path));
    }
    Ok(found.into_iter().map(|path| PathBuf::from(OsStr::from_bytes(&path))).collect())
}

struct Walk<'a> {
    looked: usize,
    pattern: &'a str,
}

impl Walk<'_> {
    /// The paths that match, or the directories among them.
    fn paths(&mut self, pattern: &[u8], only_folders: bool) -> Result<Vec<Vec<u8>>, LegacyError> {
        let (folder, last) = split(pattern);
        if !has_magic(pattern) {
            let there = if last.is_empty() { is_folder(folder) } else { exists(pattern) };
            return Ok(if there { vec![pattern.to_vec()] } else { Vec::new() });
        }
        let folders = if folder.is_empty() {
            vec![Vec::new()]
        } else if folder != pattern && has_magic(folder) {
            self.paths(folder, true)?
        } else {
            vec![folder.to_vec()]
        };
        let mut found = Vec::new();
        if last == b"**" {
            for folder in &folders {
                if folder.is_empty() || is_folder(folder) {
                    found.push(join(folder, b""));
                }
                self.below(folder, only_folders, &mut found)?;
            }
        } else if has_magic(last) {
            let segment = Segment::new(last);
            for folder in &folders {
                for name in self.names(folder, only_folders)? {
                    // A leading dot is matched by a dot alone.
                    let hidden = name.starts_with(b".") && !last.starts_with(b".");
                    if !hidden && segment.matches(&name) {
                        found.push(join(folder, &name));
                    }
                }
            }
        } else {
            for folder in folders {
                let path = join(&folder, last);
                let there = if last.is_empty() { is_folder(&folder) } else { exists(&path) };
                if there {
                    found.push(path);
                }
            }
        }
        Ok(found)
    }

    /// Everything below `folder` that is not hidden.
    fn below(
        &mut self,
        folder: &[u8],
        only_folders: bool,
        found: &mut Vec<Vec<u8>>,
    ) -> Result<(), LegacyError> {
        let mut left = vec![folder.to_vec()];
        while let Some(folder) = left.pop() {
            for (name, is_folder) in self.entries(&folder)? {
                if name.starts_with(b".") || (only_folders && !is_folder) {
                    continue;
                }
                let path = join(&folder, &name);
                if is_folder {
                    left.push(path.clone());
                }
                found.push(path);
            }
        }
        Ok(())
    }

    fn names(&mut self, folder: &[u8], only_folders: bool) -> Result<Vec<Vec<u8>>, LegacyError> {
        let entries = self.entries(folder)?.into_iter();
        let wanted = entries.filter(|(_, is_folder)| *is_folder || !only_folders);
        Ok(wanted.map(|(name, _)| name).collect())
    }

    /// The names in a directory, and whether each is a directory or leads to one.
    fn entries(&mut self, folder: &[u8]) -> Result<Vec<(Vec<u8>, bool)>, LegacyError> {
        let folder = if folder.is_empty() { b"." } else { folder };
        let Ok(entries) = fs::read_dir(path(folder)) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for entry in entries.map_while(Result::ok) {
            self.looked += 1;
            if self.looked > MOST {
                let doing = format!("find the files of `{}`", self.pattern);
                return Err(LegacyError::TooMuch { doing, limit: MOST, of: "names" });
            }
            let is_folder = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
                Ok(kind) => kind.is_dir(),
                Err(_) => false,
            };
            all.push((entry.file_name().as_bytes().to_vec(), is_folder));
        }
        Ok(all)
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn is_folder(bytes: &[u8]) -> bool {
    path(bytes).is_dir()
}

fn exists(bytes: &[u8]) -> bool {
    path(bytes).symlink_metadata().is_ok()
}

fn has_magic(pattern: &[u8]) -> bool {
    pattern.iter().any(|byte| b"*?[".contains(byte))
}

/// What is before the last slash, and what is behind it, as `os.path.split` has them.
fn split(pattern: &[u8]) -> (&[u8], &[u8]) {
    let Some(slash) = pattern.iter().rposition(|byte| *byte == b'/') else {
        return (b"", pattern);
    };
    let (head, last) = pattern.split_at(slash + 1);
    match head.iter().rposition(|byte| *byte != b'/') {
        Some(end) => (&head[..=end], last),
        None => (head, last),
    }
}

/// A name in a folder, as `os.path.join` has it.
fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !folder.is_empty() && !folder.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
