//! What git knows of commits. Without git, or outside a checkout, there is nothing to tell, and that
//! is no failure.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::end::{Done, End};

/// The subjects of commits.
#[derive(Debug, Default)]
pub(super) struct Subjects {
    known: HashMap<String, String>,
    has_fetched: bool,
}

/// git, which trusts the checkout whoever owns it. That is said to this one call alone: nothing of
/// the machine's own configuration changes.
fn git(arguments: &[&str]) -> Command {
    crate::git::git(&[&["-c", "safe.directory=*"], arguments].concat())
}

impl Subjects {
    /// The first line of what was said of `commit`; empty where that is not known.
    pub(super) fn of(&mut self, commit: &str) -> String {
        if let Some(known) = self.known.get(commit) {
            return known.clone();
        }
        let mut subject = show(commit);
        if subject.is_none() && !self.has_fetched && is_commit(commit) {
            // One fetch brings all there are.
            self.has_fetched = true;
            if git(&["fetch", "--quiet", "origin"]).stdout(Stdio::null()).status().is_ok() {
                subject = show(commit);
            }
        }
        let subject = subject.unwrap_or_default();
        self.known.insert(commit.to_owned(), subject.clone());
        subject
    }
}

/// Whether `text` can be the beginning of a commit's name, and so is no option of git.
fn is_commit(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn show(commit: &str) -> Option<String> {
    if !is_commit(commit) {
        return None;
    }
    let told = git(&["show", "--no-patch", "--format=%s", commit]).output().ok()?;
    told.status.success().then(|| String::from_utf8_lossy(&told.stdout).trim().to_owned())
}

/// The top of the checkout.
pub(super) fn top() -> Done<PathBuf> {
    let mut command = git(&["rev-parse", "--show-toplevel"]);
    let told = command.stderr(Stdio::inherit()).output();
    let told = told.map_err(|error| End::Failed(format!("git could not be started: {error}")))?;
    if !told.status.success() {
        return Err(End::Child(u8::try_from(told.status.code().unwrap_or(1)).unwrap_or(1)));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&told.stdout).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_is_asked_for() {
        assert!(is_commit("0123abc"));
        for wrong in ["--output=x", "HEAD", "abc", "0123abg", ""] {
            assert!(!is_commit(wrong), "{wrong}");
            assert_eq!(Subjects::default().of(wrong), "");
        }
    }
}
