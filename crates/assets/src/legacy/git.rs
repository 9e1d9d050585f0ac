//! The commit of a repository, found where the original finds it: at the path itself, and never in
//! a folder above it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::LegacyError;

/// How long git may take to tell a commit.
const PATIENCE: Duration = Duration::from_mins(1);
/// What git says that is repeated, in characters.
const MOST_SAID: usize = 300;

/// How git is run, and what it is told of this process's environment.
#[derive(Debug, Clone)]
pub struct Git {
    /// The program: a name, or a path.
    pub program: PathBuf,
    /// `GIT_DIR`, which counts where `GIT_REPO_PATH` is set to nothing.
    pub git_dir: Option<String>,
    /// `HOME`, for a path that begins with `~`.
    pub home: Option<String>,
    /// The working directory, which counts where neither says anything.
    pub directory: PathBuf,
}

impl Git {
    /// The 40 digits of the commit that `HEAD` of the repository at `path` is.
    pub(super) async fn commit(&self, path: &str) -> Result<String, LegacyError> {
        let wrong = |what: &str| LegacyError::Git { path: path.to_owned(), what: what.to_owned() };
        let place = self.place(path);
        if !place.exists() {
            return Err(wrong("there is nothing at that path"));
        }
        let folder = [place.join(".git"), place].into_iter().find(|it| is_repository(it));
        let folder = folder.ok_or_else(|| {
            wrong("it is no repository: name the folder in which `.git` is, and none below it")
        })?;
        let mut command = Command::new(&self.program);
        let mut of = std::ffi::OsString::from("--git-dir=");
        of.push(&folder);
        // The owner of a checkout in a container is often somebody else, and nothing is run here
        // that the repository could name.
        command.args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"]).arg(of);
        command.args(["rev-parse", "--is-bare-repository", "HEAD^{commit}"]);
        command.env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).kill_on_drop(true);
        let ran = tokio::time::timeout(PATIENCE, command.output()).await;
        let ran = ran.map_err(|_| wrong("git took more than a minute"))?;
        let ran = ran.map_err(|error| {
            let program = self.program.display();
            wrong(&format!("{program} could not be run ({error}): install git"))
        })?;
        let said = String::from_utf8_lossy(&ran.stdout);
        let mut lines = said.lines();
        if lines.next() == Some("true") {
            return Err(LegacyError::Bare(path.to_owned()));
        }
        let commit = lines.next().filter(|_| ran.status.success()).unwrap_or_default();
        match (commit.len(), commit.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            (40, true) => Ok(commit.to_owned()),
            (64, true) => Err(wrong(
                "its names of commits are SHA-256, which s3-asset-manager has no keys for: use \
                 `portolan assets`",
            )),
            _ => {
                let said = String::from_utf8_lossy(&ran.stderr);
                let said = said.trim().replace('\n', " ");
                Err(wrong(&said.chars().take(MOST_SAID).collect::<String>()))
            }
        }
    }

    /// The path, with what stands for another one.
    fn place(&self, path: &str) -> PathBuf {
        let path = match path {
            "" => self.git_dir.as_deref().unwrap_or_default(),
            path => path,
        };
        if path.is_empty() {
            return self.directory.clone();
        }
        match (path.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                Path::new(home).join(rest.trim_start_matches('/'))
            }
            _ => path.into(),
        }
    }
}

/// Whether this is what `.git` is: a repository's folder, or a file that leads to one.
fn is_repository(path: &Path) -> bool {
    let link = path.is_file() && path.file_name().is_some_and(|name| name == ".git");
    let whole = path.join("objects").is_dir() && path.join("refs").is_dir();
    let worktree = path.join("commondir").is_file() && path.join("gitdir").is_file();
    link || ((whole || worktree) && path.join("HEAD").symlink_metadata().is_ok())
}
