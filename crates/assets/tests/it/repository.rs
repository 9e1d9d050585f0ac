//! A repository of git, made for a test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use portolan_assets::git::Git;
use portolan_model::CommitId;
use tempfile::TempDir;

/// A repository with a working tree.
pub(crate) struct Repository {
    dir: TempDir,
}

impl Repository {
    /// An empty one, whose objects are of `format` (`sha1` or `sha256`).
    pub(crate) fn new(format: &str) -> Self {
        let made = Self { dir: tempfile::tempdir().unwrap() };
        made.git(&["init", "--quiet", "--initial-branch=main", "--object-format", format, "."]);
        made
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.path()).args(["-c", "protocol.file.allow=always"]);
        command.args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "ann");
            command.env(format!("GIT_{who}_EMAIL"), "ann@example.com");
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        output
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let place = self.at(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }

    /// Commits everything.
    pub(crate) fn commit(&self) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "more"]);
        self.opened().commit("HEAD").unwrap()
    }

    pub(crate) fn opened(&self) -> Git {
        Git::at(self.path())
    }
}
