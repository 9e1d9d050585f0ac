//! What goes into the layer: paths in the image, sorted, and where their bytes are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use portolan_model::{Limits, path};

use super::{AppendError, Source};

/// One entry of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File { from: PathBuf, executable: bool },
    Symlink { target: Vec<u8> },
}

/// Entries by their path in the image, in the order of their bytes.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) nodes: BTreeMap<Vec<u8>, Node>,
    limits: &'a Limits,
}

impl<'a> Tree<'a> {
    /// The tree of `sources`; a later one wins over an earlier one. Where `with_parents` is set,
    /// the directories above each entry are entries too. They are left out on a base: there they
    /// may be links (`/bin`), or have a mode of their own (`/tmp`), which an entry would replace.
    pub(super) fn of(
        sources: &[Source],
        with_parents: bool,
        limits: &'a Limits,
    ) -> Result<Self, AppendError> {
        let mut tree = Self { nodes: BTreeMap::new(), limits };
        for source in sources {
            let metadata = source.from.metadata().map_err(AppendError::read(&source.from))?;
            let to = path::normalise(&source.to).into_bytes();
            if metadata.is_dir() {
                tree.directory(&source.from, &to)?;
            } else {
                let below = source.to.is_empty() || source.to.ends_with('/');
                let name = source.from.file_name().unwrap_or_default().as_bytes();
                let to = if below || to.is_empty() { join(&to, name) } else { to };
                tree.file(&source.from, to, &metadata)?;
            }
        }
        if with_parents {
            tree.parents()?;
        }
        tree.check()?;
        Ok(tree)
    }

    /// Enters what is in the directory `from`, however deep, below `to`. Not by recursion: a
    /// directory may be deeper than a stack.
    fn directory(&mut self, from: &Path, to: &[u8]) -> Result<(), AppendError> {
        let mut open = vec![(from.to_owned(), to.to_owned())];
        while let Some((from, to)) = open.pop() {
            for entry in from.read_dir().map_err(AppendError::read(&from))? {
                let entry = entry.map_err(AppendError::read(&from))?;
                let (path, name) = (entry.path(), entry.file_name());
                let metadata = entry.metadata().map_err(AppendError::read(&path))?;
                let to = join(&to, name.as_bytes());
                if metadata.is_dir() {
                    self.enter(&path, to.clone(), Node::Directory)?;
                    open.push((path, to));
                } else if metadata.is_symlink() {
                    let target = path.read_link().map_err(AppendError::read(&path))?;
                    let target = target.into_os_string().into_vec();
                    self.enter(&path, to, Node::Symlink { target })?;
                } else {
                    self.file(&path, to, &metadata)?;
                }
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        from: &Path,
        to: Vec<u8>,
        metadata: &std::fs::Metadata,
    ) -> Result<(), AppendError> {
        if !metadata.is_file() {
            return Err(AppendError::Kind { path: from.to_owned() });
        }
        let executable = metadata.permissions().mode() & 0o111 != 0;
        self.enter(from, to, Node::File { from: from.to_owned(), executable })
    }

    fn enter(&mut self, from: &Path, to: Vec<u8>, node: Node) -> Result<(), AppendError> {
        let name = to.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        if name.starts_with(b".wh.") {
            return Err(AppendError::Whiteout { path: from.to_owned() });
        }
        let longest = self.limits.path_bytes;
        if to.len() as u64 > longest {
            let what = format!("the path {} in the image", OsStr::from_bytes(&to).display());
            return Err(AppendError::Limit { what, limit: longest, name: "path_bytes" });
        }
        self.nodes.insert(to, node);
        let most = self.limits.layer_entries;
        if self.nodes.len() as u64 > most {
            let what = "the number of files".to_owned();
            return Err(AppendError::Limit { what, limit: most, name: "layer_entries" });
        }
        Ok(())
    }

    fn parents(&mut self) -> Result<(), AppendError> {
        let paths: Vec<Vec<u8>> = self.nodes.keys().cloned().collect();
        for path in paths {
            for parent in above(&path) {
                if !self.nodes.contains_key(parent) {
                    self.enter(Path::new(""), parent.to_owned(), Node::Directory)?;
                }
            }
        }
        Ok(())
    }

    /// Refuses a file or a link that something else is below.
    fn check(&self) -> Result<(), AppendError> {
        for path in self.nodes.keys() {
            for parent in above(path) {
                if self.nodes.get(parent).is_some_and(|node| *node != Node::Directory) {
                    let path = String::from_utf8_lossy(parent).into_owned();
                    return Err(AppendError::Conflict { path });
                }
            }
        }
        Ok(())
    }
}

fn join(to: &[u8], name: &[u8]) -> Vec<u8> {
    if to.is_empty() { name.to_vec() } else { [to, b"/", name].concat() }
}

/// The directories above `path`, the highest first; not the root.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(sources: &[(&Path, &str)], with_parents: bool) -> Result<Vec<String>, AppendError> {
        let sources: Vec<Source> = sources
            .iter()
            .map(|(from, to)| Source { from: from.to_path_buf(), to: (*to).to_owned() })
            .collect();
        let limits = Limits::default();
        let tree = Tree::of(&sources, with_parents, &limits)?;
        Ok(tree.nodes.into_keys().map(|path| String::from_utf8(path).unwrap()).collect())
    }

    #[test]
    fn files_and_directories_land_where_they_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app");
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink("/nowhere", dir.path().join("link")).unwrap();
        assert_eq!(tree(&[(&file, "/bin/run")], false).unwrap(), ["bin/run"]);
        assert_eq!(tree(&[(&file, "/bin/")], true).unwrap(), ["bin", "bin/app"]);
        assert_eq!(tree(&[(&file, "/")], false).unwrap(), ["app"]);
        let below = tree(&[(dir.path(), "/srv/../opt")], false).unwrap();
        assert_eq!(below, ["opt/app", "opt/link"]);
    }

    #[test]
    fn what_no_layer_can_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app");
        std::fs::write(&file, "x").unwrap();
        let error = tree(&[(&file, "/a"), (&file, "/a/b")], false).unwrap_err();
        assert!(matches!(error, AppendError::Conflict { .. }), "{error}");
        let error = tree(&[(&file, &"x/".repeat(3000))], false).unwrap_err();
        assert!(matches!(error, AppendError::Limit { .. }), "{error}");
        let error = tree(&[(&file, "/.wh.app")], false).unwrap_err();
        assert!(matches!(error, AppendError::Whiteout { .. }), "{error}");
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
        let error = tree(&[(dir.path(), "/")], false).unwrap_err();
        assert!(matches!(error, AppendError::Kind { .. }), "{error}");
        let error = tree(&[(&dir.path().join("none"), "/")], false).unwrap_err();
        assert!(matches!(error, AppendError::Read { .. }), "{error}");
    }
}
