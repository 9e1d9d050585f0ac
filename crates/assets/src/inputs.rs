//! What goes into a build, as one hash: files of a commit and the user's own keys.
//!
//! The hash is the SHA-256 of the **listing**: a text that names the project, the keys, and then
//! each file with its path, mode and object, every part with its length before it, so that no two
//! listings are the same text. The patterns are not in it: what they took is.

mod listing;

use std::collections::BTreeMap;

use portolan_model::Digest;

pub use listing::{Listing, ListingError};

use crate::git::{Git, GitError};
use crate::name::Project;
use crate::pattern::Patterns;
use listing::Writer;

/// Files that go into one hash at most.
pub const MOST_FILES: u64 = 2_000_000;
/// Keys at most.
const MOST_KEYS: usize = 100;
/// Bytes of a key's name, and of its value.
const MOST_KEY_BYTES: usize = 4096;
/// Bytes of a packed listing at most.
pub(crate) const MOST_PACKED_BYTES: u64 = 128 << 20;
/// Names that are looked through for the one that was meant.
const MOST_NAMES: usize = 20_000;

/// The inputs of a build.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The hash.
    pub hash: Digest,
    /// How many files are in it.
    pub count: u64,
    /// The keys.
    pub keys: BTreeMap<String, String>,
    /// The patterns that chose the files.
    pub patterns: Vec<String>,
    /// The listing, packed with zstd, where it was asked for.
    pub listing: Option<Vec<u8>>,
}

/// Where files are listed.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The repository.
    pub git: &'a Git,
    /// A commit, or a tree.
    pub tree: &'a str,
}

/// Why there is no hash of the inputs.
#[derive(Debug, thiserror::Error)]
pub enum InputsError {
    /// Git does not tell.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A pattern matches no file.
    #[error(
        "the pattern `{pattern}` matches no file of this commit{}: a hash of nothing would serve \
         one build to every commit",
        near(nearest)
    )]
    NothingMatches {
        /// The pattern.
        pattern: String,
        /// Names that are like it.
        nearest: Vec<String>,
    },
    /// The patterns that take out leave nothing.
    #[error("the patterns take out all that they take in; nothing is left to hash")]
    NothingLeft,
    /// A key cannot be used.
    #[error("the key `{name}` cannot be used: {reason}")]
    Key {
        /// Its name.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// There are too many files.
    #[error("more than {MOST_FILES} files would go into the hash: choose fewer with patterns")]
    Many,
    /// The listing cannot be packed.
    #[error("could not pack the list of the inputs")]
    Pack(#[source] std::io::Error),
}

fn near(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" (did you mean `{}`?)", names.join("`, `"))
}

/// Checks keys as they are given, `name=value`.
pub fn key(text: &str) -> Result<(String, String), InputsError> {
    let refused = |name: &str, reason: &str| InputsError::Key {
        name: name.chars().take(100).collect(),
        reason: reason.to_owned(),
    };
    let Some((name, value)) = text.split_once('=') else {
        return Err(refused(text, "write it as in toolchain=1.95"));
    };
    check_key(name, value)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn check_key(name: &str, value: &str) -> Result<(), InputsError> {
    let refused =
        |reason: String| InputsError::Key { name: name.chars().take(100).collect(), reason };
    if name.is_empty() || name.contains(|c: char| c.is_control() || c == '=') {
        return Err(refused("its name is empty, or has `=` or control characters".to_owned()));
    }
    if name.len() > MOST_KEY_BYTES || value.len() > MOST_KEY_BYTES {
        return Err(refused(format!("it has more than {MOST_KEY_BYTES} bytes")));
    }
    Ok(())
}

impl Inputs {
    /// The hash of what `patterns` take of `source`, for `project`, with the user's `keys`. With
    /// `listed`, what went in is kept too. Blocks while git lists.
    pub fn read(
        source: Source<'_>,
        project: &Project,
        patterns: &Patterns,
        keys: &BTreeMap<String, String>,
        listed: bool,
    ) -> Result<Self, InputsError> {
        for (name, value) in keys {
            check_key(name, value)?;
        }
        if keys.len() > MOST_KEYS {
            let name = keys.keys().next_back().cloned().unwrap_or_default();
            let reason = format!("there are more than {MOST_KEYS}");
            return Err(InputsError::Key { name, reason });
        }
        let mut writer = Writer::new(listed).map_err(InputsError::Pack)?;
        writer.head(project, keys);
        let mut look = patterns.look();
        let mut count = 0_u64;
        source.git.files(source.tree, |record| {
            let link = record.mode == crate::git::Mode::Submodule;
            if look.takes(&record.path, link) {
                count += 1;
                if count <= MOST_FILES {
                    writer.record(record);
                }
            }
        })?;
        if count > MOST_FILES {
            return Err(InputsError::Many);
        }
        if let Some(pattern) = look.unmet() {
            let pattern = pattern.to_owned();
            let nearest = nearest(source, &pattern)?;
            return Err(InputsError::NothingMatches { pattern, nearest });
        }
        if count == 0 {
            return Err(InputsError::NothingLeft);
        }
        let (hash, listing) = writer.finish().map_err(InputsError::Pack)?;
        let patterns = patterns.given().to_vec();
        Ok(Self { hash, count, keys: keys.clone(), patterns, listing })
    }
}

/// The names of files and directories that are most like `pattern`.
fn nearest(source: Source<'_>, pattern: &str) -> Result<Vec<String>, GitError> {
    let meant = pattern.split(['*', '?', '[', '{']).next().unwrap_or_default();
    let meant = meant.trim_end_matches('/').to_lowercase();
    if meant.is_empty() {
        return Ok(Vec::new());
    }
    let mut names = std::collections::BTreeSet::new();
    source.git.files(source.tree, |record| {
        if names.len() >= MOST_NAMES {
            return;
        }
        let Ok(path) = std::str::from_utf8(&record.path) else { return };
        let directories = path.match_indices('/').map(|(at, _)| &path[..at]);
        for name in directories.chain([path]) {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    })?;
    let slips = |name: &str| strsim::damerau_levenshtein(&meant, &name.to_lowercase());
    let mut near: Vec<_> = names.iter().map(|name| (slips(name), name)).collect();
    near.retain(|(slips, name)| *slips <= 1 + name.len() / 3);
    near.sort();
    Ok(near.into_iter().take(3).map(|(_, name)| name.clone()).collect())
}
