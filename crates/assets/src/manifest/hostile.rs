//! What a manifest may say: whoever writes to the bucket may have written anything.

use std::collections::BTreeSet;

use super::{Entry, MOST_BYTES, MOST_ENTRIES, Manifest};

/// Bytes of a path, or of a symlink's target, at most.
const MOST_PATH: usize = 4096;
/// Bytes of one part of a path at most, as file systems have it.
const MOST_PART: usize = 255;
/// Bytes of all files at most.
const MOST_SIZE: u64 = 1 << 50;

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is too large.
    #[error(
        "a manifest of {0} bytes is too large ({MOST_BYTES} at most): store fewer files, or pack them"
    )]
    Large(usize),
    /// It names too many files, or none.
    #[error("a set has 1 to {MOST_ENTRIES} files, not {0}")]
    Count(usize),
    /// It is of another project, scope or commit than it was found under.
    #[error("it says that it is of {0}: somebody copied it to where it does not belong")]
    Elsewhere(String),
    /// A path leads out, or is none.
    #[error("`{path}` is no path of a file in a set: {why}")]
    Path {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two files have one path.
    #[error("`{0}` is there twice, or stands before what comes before it")]
    Order(String),
    /// A file is below another file.
    #[error("`{0}` is below something that is no directory")]
    Below(String),
    /// A symlink leads out of the set.
    #[error("the symlink `{path}` leads out of the set, to `{target}`")]
    Target {
        /// The symlink.
        path: String,
        /// What it leads to.
        target: String,
    },
    /// Bytes lie in a scope that is not read.
    #[error("some of its bytes lie in the scope `{0}`, which this run does not read")]
    Scope(String),
    /// Sizes make no sense.
    #[error("its files have more bytes than any bucket")]
    Size,
}

/// Checks what does not depend on where it was found.
pub(super) fn check(manifest: &Manifest) -> Result<(), Wrong> {
    let count = manifest.entries.len();
    if count == 0 || count > MOST_ENTRIES {
        return Err(Wrong::Count(count));
    }
    let (mut last, mut size) = ("", 0_u64);
    let mut leaves = BTreeSet::new();
    for entry in &manifest.entries {
        let path = entry.path();
        path_is_sane(path)?;
        if path <= last {
            return Err(Wrong::Order(shown(path)));
        }
        last = path;
        leaves.insert(path);
        if let Entry::Symlink { target, .. } = entry {
            target_is_sane(path, target)?;
        }
        size = size.checked_add(entry.size()).filter(|sum| *sum <= MOST_SIZE).ok_or(Wrong::Size)?;
    }
    for path in &leaves {
        for (at, _) in path.match_indices('/') {
            if leaves.contains(&path[..at]) {
                return Err(Wrong::Below(shown(path)));
            }
        }
    }
    Ok(())
}

fn shown(text: &str) -> String {
    text.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Whether `path` is relative and stays where it is.
pub(crate) fn path_is_sane(path: &str) -> Result<(), Wrong> {
    let wrong = |why| Err(Wrong::Path { path: shown(path), why });
    if path.is_empty() || path.len() > MOST_PATH {
        return wrong("it is empty, or longer than any");
    }
    if path.starts_with('/') {
        return wrong("it is absolute");
    }
    if path.chars().any(char::is_control) {
        return wrong("it has control characters");
    }
    if path.split('/').any(|part| part.is_empty() || part.len() > MOST_PART) {
        return wrong("one of its parts is empty, or longer than a file's name");
    }
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return wrong("it has a part `.` or `..`");
    }
    Ok(())
}

/// Whether a symlink at `path` to `target` stays in the set, step by step.
pub(crate) fn target_is_sane(path: &str, target: &str) -> Result<(), Wrong> {
    let wrong = || Wrong::Target { path: shown(path), target: shown(target) };
    let bad = |text: &str| text.is_empty() || text.len() > MOST_PATH || text.starts_with('/');
    if bad(target) || target.chars().any(char::is_control) {
        return Err(wrong());
    }
    let mut depth = path.matches('/').count();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.checked_sub(1).ok_or_else(wrong)?,
            _ => depth += 1,
        }
    }
    Ok(())
}
