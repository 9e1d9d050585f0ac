//! Trees of files, filters, and the code hash that s3-asset-manager makes of each: what its glob
//! finds, in which order, and what goes into the hash.

mod table;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use anyhow::ensure;

use Entry::{Fifo, Link, Many, Program, Text};

pub use table::VECTORS;

/// The hash of nothing.
pub const NOTHING: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// What is at a path of a tree.
#[derive(Debug, Clone, Copy)]
pub enum Entry {
    /// A file.
    Text(&'static str),
    /// A file of so many equal bytes.
    Many(u8, usize),
    /// A file that can be run.
    Program(&'static str),
    /// A symbolic link to there.
    Link(&'static str),
    /// A named pipe: who opens it waits for ever.
    Fifo,
}

/// Paths, and what is there.
pub type Tree = &'static [(&'static [u8], Entry)];

/// A tree, a filter, and what comes of them.
#[derive(Debug, Clone, Copy)]
pub struct Vector {
    /// What it shows.
    pub name: &'static str,
    /// The files below the repository.
    pub tree: Tree,
    /// The filter.
    pub filter: &'static str,
    /// The hash.
    pub hash: &'static str,
}

impl Vector {
    /// Makes the tree below `root`, a folder that is there. Beside it there is `outside.txt`.
    pub fn make(&self, root: &Path) -> anyhow::Result<()> {
        if let Some(beside) = root.parent() {
            fs::write(beside.join("outside.txt"), "OUT\n")?;
        }
        for (path, entry) in self.tree {
            let path = root.join(OsStr::from_bytes(path));
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            match entry {
                Text(text) => fs::write(path, text)?,
                Many(byte, count) => fs::write(path, vec![*byte; *count])?,
                Program(text) => {
                    fs::write(&path, text)?;
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
                }
                Link(to) => symlink(to, path)?,
                Fifo => ensure!(Command::new("mkfifo").arg(path).status()?.success(), "mkfifo"),
            }
        }
        Ok(())
    }
}
