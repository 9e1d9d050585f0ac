//! The files that a build left, as those of a set.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::AssetsError;
use crate::manifest::{MOST_ENTRIES, Permissions};

/// Directories within each other at most.
const MOST_DEPTH: usize = 128;

/// What is taken along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Take {
    /// Files and directories whose name begins with a dot.
    pub hidden: bool,
    /// Symlinks as symlinks. Otherwise the file that one leads to is stored in its place, and one
    /// that leads to a directory, out of the root or nowhere is an error.
    pub symlinks: bool,
    /// Who may do what with each file.
    pub modes: bool,
}

/// A file that becomes part of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// A file.
    File {
        /// Where it is.
        source: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// Who may do what with it.
        mode: Option<Permissions>,
    },
    /// A symlink.
    Symlink {
        /// What it leads to.
        target: String,
    },
}

/// The files of `roots`, by their path in the set: of a directory, everything below it, by the path
/// from there; of a file, its name. Blocks.
pub fn walk(roots: &[PathBuf], take: Take) -> Result<BTreeMap<String, Planned>, AssetsError> {
    let mut found = BTreeMap::new();
    for root in roots {
        let known = root.metadata().map_err(AssetsError::io("look at", root))?;
        if known.is_dir() {
            let whole = root.canonicalize().map_err(AssetsError::io("look at", root))?;
            let mut walk = Walk { root: whole, take, found: &mut found };
            walk.directory(root, "", 0)?;
        } else {
            let Some(name) = root.file_name().and_then(|name| name.to_str()) else {
                return Err(no(root, "its name is not UTF-8"));
            };
            let planned = file(root, &known, take)?;
            add(&mut found, name.to_owned(), planned, root)?;
        }
    }
    if found.is_empty() {
        return Err(AssetsError::Nothing(roots.first().cloned().unwrap_or_default()));
    }
    Ok(found)
}

struct Walk<'a> {
    /// Canonical.
    root: PathBuf,
    take: Take,
    found: &'a mut BTreeMap<String, Planned>,
}

impl Walk<'_> {
    fn directory(&mut self, at: &Path, path: &str, depth: usize) -> Result<(), AssetsError> {
        if depth > MOST_DEPTH {
            return Err(no(at, "it is too deep"));
        }
        let entries = std::fs::read_dir(at).map_err(AssetsError::io("list", at))?;
        for entry in entries {
            let entry = entry.map_err(AssetsError::io("list", at))?;
            let source = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(no(&source, "its name is not UTF-8"));
            };
            if name.starts_with('.') && !self.take.hidden {
                continue;
            }
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            let known = entry.metadata().map_err(AssetsError::io("look at", &source))?;
            if known.is_dir() {
                self.directory(&source, &path, depth + 1)?;
            } else if known.is_symlink() {
                let planned = self.symlink(&source, &path)?;
                add(self.found, path, planned, &source)?;
            } else {
                let planned = file(&source, &known, self.take)?;
                add(self.found, path, planned, &source)?;
            }
        }
        Ok(())
    }

    fn symlink(&self, source: &Path, path: &str) -> Result<Planned, AssetsError> {
        if self.take.symlinks {
            let target = source.read_link().map_err(AssetsError::io("read the symlink", source))?;
            let Some(target) = target.to_str() else {
                return Err(no(source, "what it leads to is not UTF-8"));
            };
            crate::manifest::target_is_sane(path, target)?;
            return Ok(Planned::Symlink { target: target.to_owned() });
        }
        let whole = source.canonicalize();
        let whole = whole.map_err(|_| no(source, "it is a symlink that leads nowhere"))?;
        if !whole.starts_with(&self.root) {
            return Err(no(source, "it is a symlink that leads out of the directory"));
        }
        let known = whole.metadata().map_err(AssetsError::io("look at", &whole))?;
        if known.is_dir() {
            return Err(no(source, "it is a symlink to a directory: give --symlinks to keep it"));
        }
        file(&whole, &known, self.take)
    }
}

fn file(source: &Path, known: &Metadata, take: Take) -> Result<Planned, AssetsError> {
    if !known.is_file() {
        return Err(no(source, "it is neither a file, nor a directory, nor a symlink"));
    }
    let mode = take.modes.then(|| Permissions::of(known.permissions().mode()));
    Ok(Planned::File { source: source.to_owned(), size: known.len(), mode })
}

fn add(
    found: &mut BTreeMap<String, Planned>,
    path: String,
    planned: Planned,
    source: &Path,
) -> Result<(), AssetsError> {
    crate::manifest::path_is_sane(&path)?;
    if found.len() >= MOST_ENTRIES {
        return Err(no(source, "a set has 100,000 files at most: pack some of them"));
    }
    if found.contains_key(&path) {
        return Err(no(source, "another file has the same path in the set"));
    }
    found.insert(path, planned);
    Ok(())
}

fn no(path: &Path, why: &str) -> AssetsError {
    AssetsError::File { path: path.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn paths(roots: &[PathBuf], take: Take) -> Result<Vec<String>, String> {
        let found = walk(roots, take).map_err(|error| error.to_string())?;
        Ok(found.into_keys().collect())
    }

    #[test]
    fn what_is_nested_is_kept_and_what_is_hidden_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("a/b/.git")).unwrap();
        for path in ["x.zip", "a/b/y.zip", ".env", "a/b/.git/z"] {
            std::fs::write(at(path), path).unwrap();
        }
        let root = [dir.path().to_owned()];
        assert_eq!(paths(&root, Take::default()).unwrap(), ["a/b/y.zip", "x.zip"]);
        let all = Take { hidden: true, ..Take::default() };
        assert_eq!(paths(&root, all).unwrap(), [".env", "a/b/.git/z", "a/b/y.zip", "x.zip"]);
        let two = [at("x.zip"), at("a")];
        assert_eq!(paths(&two, Take::default()).unwrap(), ["b/y.zip", "x.zip"]);
        let twice = [at("x.zip"), dir.path().to_owned()];
        assert!(paths(&twice, Take::default()).unwrap_err().contains("the same path"));
        std::fs::create_dir(at("empty")).unwrap();
        assert!(paths(&[at("empty")], Take::default()).unwrap_err().contains("nothing to store"));
    }

    #[test]
    fn a_symlink_is_followed_inside_kept_on_request_and_never_leads_out() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::write(at("a/file"), "text").unwrap();
        symlink("../file", at("a/b/link")).unwrap();
        let kept = Take { symlinks: true, ..Take::default() };
        let found = walk(&[at("a")], Take::default()).unwrap();
        assert!(matches!(&found["b/link"], Planned::File { size: 4, .. }));
        let found = walk(&[at("a")], kept).unwrap();
        assert_eq!(found["b/link"], Planned::Symlink { target: "../file".to_owned() });
        // From one directory further down it leads out.
        for take in [Take::default(), kept] {
            assert!(walk(&[at("a/b")], take).is_err());
        }
        symlink(".", at("a/loop")).unwrap();
        assert!(paths(&[at("a")], Take::default()).unwrap_err().contains("--symlinks"));
        assert!(walk(&[at("a")], kept).is_ok());
    }
}
