//! What git knows. Without git, or outside a checkout, there is nothing to tell, and that is no failure.

use std::process::{Command, Stdio};

use portolan_model::{CommitId, Timestamp};
use serde::Serialize;

/// Commits that are told of one revision at most.
const MOST: &str = "1000";

/// A commit, as it is told to a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    pub(crate) id: CommitId,
    pub(crate) parents: Vec<CommitId>,
    pub(crate) subject: String,
    pub(crate) author: String,
    pub(crate) committed_at: Timestamp,
}

/// git, which asks for no password and says nothing of what goes wrong.
pub(crate) fn git(arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.args(arguments).env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// A commit and those before it, newest first; nothing where this folder is in no checkout that has
/// it.
pub(crate) fn history(revision: &CommitId) -> Vec<Told> {
    let format = "--format=%H%x1f%P%x1f%ct%x1f%an%x1f%s";
    let walk = ["rev-list", "--max-count", MOST, format, revision.as_str(), "--"];
    let Ok(told) = git(&walk).output() else { return Vec::new() };
    if !told.status.success() {
        return Vec::new();
    }
    String::from_utf8_lossy(&told.stdout).lines().filter_map(read).collect()
}

/// A commit from its line; none of the lines between.
fn read(line: &str) -> Option<Told> {
    let mut parts = line.splitn(5, '\x1f');
    let id = parts.next()?.parse().ok()?;
    let parents =
        parts.next()?.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let seconds: i64 = parts.next()?.parse().ok()?;
    let committed_at = Timestamp::from_millis(seconds.checked_mul(1000)?);
    if !committed_at.is_tellable() {
        return None;
    }
    let author = parts.next()?.to_owned();
    Some(Told { id, parents, subject: parts.next()?.to_owned(), author, committed_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_commit() {
        let (one, two) = ("a".repeat(40), "b".repeat(40));
        let line = format!("{one}\x1f{two} {two}\x1f1700000000\x1fann\x1fSay\x1fmore");
        let told = read(&line).unwrap();
        assert_eq!((told.parents.len(), told.subject.as_str()), (2, "Say\x1fmore"));
        assert_eq!(told.committed_at.to_string(), "2023-11-14T22:13:20.000Z");
        assert_eq!(read(&format!("{one}\x1f\x1f0\x1fann\x1f")).unwrap().parents, []);
        for wrong in [format!("commit {one}"), String::new(), format!("{one}\x1fx\x1f0\x1f\x1f")] {
            assert_eq!(read(&wrong), None, "{wrong}");
        }
    }
}
