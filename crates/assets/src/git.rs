//! What git says of a repository: which commit is meant, and which files are in it.
//!
//! Everything goes through the `git` binary. Nothing of a repository runs: no hook, no file system
//! monitor; and nothing in it is written, also where the working tree is looked at.

mod tree;
mod working;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portolan_model::CommitId;

pub use tree::{Mode, Record};
pub use working::WorkingTree;

/// Bytes of an answer that is one line.
const MOST_BYTES: usize = 1 << 20;
/// Characters of what git says that are repeated.
const MOST_SAID: usize = 300;

/// A repository: a checkout, a directory in one, or a bare one.
#[derive(Debug, Clone)]
pub struct Git {
    directory: PathBuf,
    /// Variables for every call.
    variables: Vec<(&'static str, PathBuf)>,
}

/// Why git did not tell.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It cannot be started.
    #[error("could not start git: install it, or put it into PATH")]
    Start(#[source] io::Error),
    /// It says no.
    #[error("could not {doing} in {}: git says: {said}", directory.display())]
    Said {
        /// What was asked for.
        doing: String,
        /// Where.
        directory: PathBuf,
        /// Its words, in one line.
        said: String,
    },
    /// There is no such commit.
    #[error(
        "there is no commit `{revision}` in {}: fetch it (a shallow clone has few), or name another",
        directory.display()
    )]
    NoCommit {
        /// What was asked for.
        revision: String,
        /// Where.
        directory: PathBuf,
    },
    /// It answers what git does not answer.
    #[error("could not {doing}: git answered {what}")]
    Answer {
        /// What was asked for.
        doing: &'static str,
        /// What is wrong.
        what: String,
    },
    /// A file beside it cannot be read or written.
    #[error("could not {doing}")]
    Io {
        /// What was being done, to what.
        doing: String,
        /// Why not.
        source: io::Error,
    },
}

impl Git {
    /// The repository at, or above, `directory`.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), variables: Vec::new() }
    }

    fn with(&self, variables: Vec<(&'static str, PathBuf)>) -> Self {
        Self { directory: self.directory.clone(), variables }
    }

    fn command<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Command {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.directory);
        // Nothing is written to the repository and nothing of it runs, so whose it is does not
        // matter; in containers it often is somebody else's.
        for setting in ["safe.directory=*", "core.fsmonitor=false", "core.hooksPath=/dev/null"] {
            command.arg("-c").arg(setting);
        }
        command.args(arguments);
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What git answers to `arguments`, without the end of the line.
    fn ask<I: AsRef<OsStr>>(
        &self,
        doing: &str,
        arguments: impl IntoIterator<Item = I>,
    ) -> Result<String, GitError> {
        let told = self.command(arguments).output().map_err(GitError::Start)?;
        if !told.status.success() {
            return Err(self.said(doing, &told.stderr));
        }
        let text = String::from_utf8_lossy(&told.stdout[..told.stdout.len().min(MOST_BYTES)]);
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn said(&self, doing: &str, stderr: &[u8]) -> GitError {
        let said = String::from_utf8_lossy(stderr).trim().replace('\n', "; ");
        GitError::Said {
            doing: doing.to_owned(),
            directory: self.directory.clone(),
            said: said.chars().take(MOST_SAID).collect(),
        }
    }

    /// Git's own version, as in `2.39.5`.
    pub fn version(&self) -> Result<String, GitError> {
        let told = self.ask("ask for its version", ["version"])?;
        Ok(told.strip_prefix("git version ").unwrap_or(&told).chars().take(40).collect())
    }

    /// The commit that `revision` names: `HEAD`, a branch, a tag, the digits of a commit.
    pub fn commit(&self, revision: &str) -> Result<CommitId, GitError> {
        let none = || GitError::NoCommit {
            revision: revision.chars().take(100).collect(),
            directory: self.directory.clone(),
        };
        if revision.starts_with('-') || revision.contains(char::is_control) {
            return Err(none());
        }
        let asked = format!("{revision}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &asked];
        let told = self.command(arguments).output().map_err(GitError::Start)?;
        if told.status.success() {
            return String::from_utf8_lossy(&told.stdout).trim().parse().map_err(|_| none());
        }
        // Without words it is no commit; with words there is no repository at all.
        if told.stderr.is_empty() {
            Err(none())
        } else {
            Err(self.said("name a commit", &told.stderr))
        }
    }

    /// The commits before `commit` on its own branch, the nearest first; `most` of them at most.
    pub fn ancestors(&self, commit: &CommitId, most: usize) -> Result<Vec<CommitId>, GitError> {
        let (count, skip) = (format!("--max-count={most}"), "--skip=1");
        let walk = ["rev-list", "--first-parent", skip, &count, commit.as_str(), "--"];
        let told = self.ask("list the commits before this one", walk)?;
        let read = |line: &str| {
            let what = "something else than commits".to_owned();
            let doing = "list the commits before this one";
            line.parse().map_err(|_| GitError::Answer { doing, what })
        };
        told.lines().map(read).collect()
    }
}
