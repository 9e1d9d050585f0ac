//! The working tree as a tree of git, without a trace in the repository.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Git, GitError};

/// What would be committed if everything that is not ignored were: a tree whose new objects are in
/// a directory of their own, which is gone with this.
#[derive(Debug)]
pub struct WorkingTree {
    git: Git,
    tree: String,
    _scratch: TempDir,
}

impl Git {
    /// The working tree as it is now. A submodule is the commit that is checked out in it.
    ///
    /// Git does it itself, with a copy of the index and a directory for new objects: so a clean
    /// tree is the commit's, whatever filters and line ends `.gitattributes` asks for.
    pub fn working_tree(&self) -> Result<WorkingTree, GitError> {
        let doing = "look at the working tree";
        let path = |what: &str| {
            let arguments = ["rev-parse", "--path-format=absolute", "--git-path", what];
            self.ask(doing, arguments).map(PathBuf::from)
        };
        let top = PathBuf::from(self.ask(doing, ["rev-parse", "--show-toplevel"])?);
        let (index, objects) = (path("index")?, path("objects")?);
        let scratch = TempDir::with_prefix("portolan-").map_err(|source| GitError::Io {
            doing: "make a temporary directory".to_owned(),
            source,
        })?;
        let (own_index, own_objects) =
            (scratch.path().join("index"), scratch.path().join("objects"));
        let io = |doing: String| move |source: io::Error| GitError::Io { doing, source };
        copy(&index, &own_index).map_err(io(format!("copy {}", index.display())))?;
        std::fs::create_dir(&own_objects).map_err(io(format!("make {}", own_objects.display())))?;
        let git = Self { directory: top, variables: Vec::new() }.with(vec![
            ("GIT_INDEX_FILE", own_index),
            ("GIT_OBJECT_DIRECTORY", own_objects),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", quoted(&objects)),
        ]);
        git.ask(doing, ["-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", "."])?;
        let tree = git.ask(doing, ["write-tree"])?;
        Ok(WorkingTree { git, tree, _scratch: scratch })
    }
}

impl WorkingTree {
    /// The repository, with the objects that are only here.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// The tree's name, for [`Git::files`].
    pub fn tree(&self) -> &str {
        &self.tree
    }
}

/// Copies the index with its time: git takes a file for unchanged that is older than the index.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = match File::open(from) {
        Ok(source) => source,
        // Nothing was added yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut copy = File::create_new(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(source.metadata()?.modified()?)
}

/// A path as it stands in a list with colons.
fn quoted(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    if !text.contains([':', '"', '\n']) {
        return path.to_owned();
    }
    let mut quoted = OsString::from("\"");
    quoted.push(text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    quoted.push("\"");
    PathBuf::from(quoted)
}
