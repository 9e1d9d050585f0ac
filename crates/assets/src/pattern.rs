//! Which files of a commit go into the hash of its inputs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{Candidate, Glob, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

/// Patterns of one set at most.
const MOST: usize = 1000;
/// Bytes of one pattern at most.
const MOST_BYTES: usize = 4096;

/// Patterns over paths from the root of a repository.
///
/// A set: a file that two patterns match counts once, and what a `!pattern` matches is out whatever
/// stands before or after it. `*` and `?` stay within one directory, `**` does not; a file whose
/// name begins with a dot is a file like others. A name without `*`, `?`, `[` or `{`, and whatever
/// ends with `/`, takes everything below the directory of that name.
#[derive(Debug, Clone)]
pub struct Patterns {
    given: Vec<String>,
    included: Vec<Included>,
    takes: GlobSet,
    /// The pattern of `included` that each glob of `takes` is of.
    owners: Vec<usize>,
    leaves: GlobSet,
    /// What takes out a submodule, which is one entry: also `name/**`.
    leaves_link: GlobSet,
}

#[derive(Debug, Clone)]
struct Included {
    text: String,
    /// What each part of a path must match; none where that cannot be told part by part.
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Clone)]
enum Part {
    /// `**`.
    Any,
    One(GlobMatcher),
}

/// Why patterns cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// One of them is none.
    #[error("the pattern `{pattern}` cannot be used: {reason}")]
    Bad {
        /// The pattern, as it was given.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
    /// There are too many.
    #[error("{0} patterns are too many: give {MOST} at most")]
    Many(usize),
    /// None of them takes anything in.
    #[error("all patterns take out (`!`): give one that takes in, as in `**`")]
    OnlyOut,
}

impl Patterns {
    /// The patterns `given`; everything where none is given.
    pub fn new(given: &[String]) -> Result<Self, PatternError> {
        if given.len() > MOST {
            return Err(PatternError::Many(given.len()));
        }
        let given = if given.is_empty() { vec!["**".to_owned()] } else { given.to_vec() };
        let (mut takes, mut owners, mut included) = (GlobSetBuilder::new(), Vec::new(), Vec::new());
        let (mut leaves, mut leaves_link) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        for text in &given {
            let bad = |reason: String| PatternError::Bad {
                pattern: text.chars().take(200).collect(),
                reason,
            };
            let out = text.strip_prefix('!');
            let globs = globs(out.unwrap_or(text)).map_err(&bad)?;
            for text in &globs {
                let built = glob(text).map_err(&bad)?;
                if out.is_none() {
                    takes.add(built);
                    owners.push(included.len());
                    continue;
                }
                leaves_link.add(built.clone());
                leaves.add(built);
                if let Some(link) = text.strip_suffix("/**").filter(|link| !link.is_empty()) {
                    leaves_link.add(glob(link).map_err(&bad)?);
                }
            }
            if out.is_none() {
                let parts = parts(globs.last().map_or("", String::as_str)).map_err(&bad)?;
                included.push(Included { text: text.clone(), parts });
            }
        }
        if included.is_empty() {
            return Err(PatternError::OnlyOut);
        }
        let build = |set: GlobSetBuilder| {
            let refused = |error: globset::Error| PatternError::Bad {
                pattern: given.join(" ").chars().take(200).collect(),
                reason: error.kind().to_string(),
            };
            set.build().map_err(refused)
        };
        let (takes, leaves, leaves_link) = (build(takes)?, build(leaves)?, build(leaves_link)?);
        Ok(Self { given, included, takes, owners, leaves, leaves_link })
    }

    /// The patterns, as they were given.
    pub fn given(&self) -> &[String] {
        &self.given
    }

    /// Begins to look at the paths of one tree.
    pub(crate) fn look(&self) -> Look<'_> {
        Look { patterns: self, met: vec![false; self.included.len()], found: Vec::new() }
    }
}

/// One passing of the paths of a tree, which remembers which patterns matched anything.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    patterns: &'a Patterns,
    met: Vec<bool>,
    found: Vec<usize>,
}

impl Look<'_> {
    /// Whether the file (or, with `link`, the submodule) at `path` is taken in.
    pub(crate) fn takes(&mut self, path: &[u8], link: bool) -> bool {
        let patterns = self.patterns;
        let candidate = Candidate::new(Path::new(OsStr::from_bytes(path)));
        patterns.takes.matches_candidate_into(&candidate, &mut self.found);
        let mut taken = !self.found.is_empty();
        for at in &self.found {
            self.met[patterns.owners[*at]] = true;
        }
        if link {
            for (met, included) in self.met.iter_mut().zip(&patterns.included) {
                if included.reaches_below(path) {
                    (*met, taken) = (true, true);
                }
            }
        }
        let leaves = if link { &patterns.leaves_link } else { &patterns.leaves };
        taken && !leaves.is_match_candidate(&candidate)
    }

    /// The first pattern that matched nothing.
    pub(crate) fn unmet(&self) -> Option<&str> {
        let at = self.met.iter().position(|met| !met)?;
        Some(&self.patterns.included[at].text)
    }
}

impl Included {
    /// Whether it may match something below `path`. Where that cannot be told it may: a submodule
    /// too many makes a build too many, and one too few serves the wrong one.
    fn reaches_below(&self, path: &[u8]) -> bool {
        let Some(parts) = &self.parts else { return true };
        let path: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        below(parts, &path)
    }
}

fn below(parts: &[Part], path: &[&[u8]]) -> bool {
    let Some((name, rest)) = path.split_first() else { return !parts.is_empty() };
    match parts.split_first() {
        None => false,
        // What comes after `**` can come at any depth.
        Some((Part::Any, _)) => true,
        Some((Part::One(glob), after)) => {
            glob.is_match(Path::new(OsStr::from_bytes(name))) && below(after, rest)
        }
    }
}

fn glob(text: &str) -> Result<Glob, String> {
    let built = GlobBuilder::new(text).literal_separator(true).build();
    built.map_err(|error| error.kind().to_string())
}

fn is_plain(text: &str) -> bool {
    !text.contains(['*', '?', '[', ']', '{', '}', '\\'])
}

/// The globs that a pattern stands for: itself, and everything below where it names a directory.
fn globs(text: &str) -> Result<Vec<String>, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it has more than {MOST_BYTES} bytes"));
    }
    let text = text.strip_prefix("./").unwrap_or(text);
    if text.starts_with('/') {
        return Err("paths begin at the root of the repository, without `/`".to_owned());
    }
    if text.split('/').any(|part| part == "..") {
        return Err("`..` leads out of the repository".to_owned());
    }
    let bare = text.trim_end_matches('/');
    match bare {
        "" if text.is_empty() => Err("it is empty".to_owned()),
        "" | "." => Ok(vec!["**".to_owned()]),
        _ if bare.len() < text.len() => Ok(vec![format!("{bare}/**")]),
        _ if is_plain(bare) => Ok(vec![bare.to_owned(), format!("{bare}/**")]),
        _ => Ok(vec![bare.to_owned()]),
    }
}

/// What each part of a path must match. Braces and classes may hold a `/`: those are not split.
fn parts(text: &str) -> Result<Option<Vec<Part>>, String> {
    if text.contains(['{', '[', '\\']) {
        return Ok(None);
    }
    let part = |part: &str| {
        Ok(if part == "**" { Part::Any } else { Part::One(glob(part)?.compile_matcher()) })
    };
    text.split('/').map(part).collect::<Result<_, String>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(patterns: &[&str], paths: &[&str]) -> Vec<String> {
        let given: Vec<_> = patterns.iter().map(|text| (*text).to_owned()).collect();
        let patterns = Patterns::new(&given).unwrap();
        let mut look = patterns.look();
        let takes =
            |path: &&str| look.takes(path.trim_end_matches('@').as_bytes(), path.ends_with('@'));
        let found: Vec<_> = paths.iter().copied().filter(takes).map(str::to_owned).collect();
        found
    }

    const TREE: &[&str] = &[
        ".env",
        "README.md",
        "src/.hidden",
        "src/a.py",
        "src/b/c.py",
        "srcs/d.py",
        "sub@",
        "x/sub@",
    ];

    #[test]
    fn patterns_take_what_they_say() {
        for (patterns, paths) in [
            (&[][..], TREE),
            (&["."], TREE),
            (&["**"], TREE),
            (&["src"], &["src/.hidden", "src/a.py", "src/b/c.py"]),
            (&["./src/"], &["src/.hidden", "src/a.py", "src/b/c.py"]),
            (&["src/**", "src"], &["src/.hidden", "src/a.py", "src/b/c.py"]),
            (&["src/*"], &["src/.hidden", "src/a.py"]),
            (&["src/*.py", "!src/a*"], &[]),
            (&["!src/b/", "src"], &["src/.hidden", "src/a.py"]),
            (&["*"], &[".env", "README.md", "sub@"]),
            (&["sub"], &["sub@"]),
            (&["sub/"], &["sub@"]),
            (&["sub/lib/*.c"], &["sub@"]),
            (&["*/sub/lib"], &["sub@", "x/sub@"]),
            (&["x/sub/lib"], &["x/sub@"]),
            (&["**/*.c"], &["sub@", "x/sub@"]),
            (&["{README.md,a/b}"], &["README.md", "sub@", "x/sub@"]),
            (&["**", "!sub/**", "!x"], &TREE[..6]),
            (&["README.md"], &["README.md"]),
            (&["readme.md"], &[]),
        ] {
            assert_eq!(taken(patterns, TREE), paths, "{patterns:?}");
        }
    }

    #[test]
    fn a_pattern_that_matched_nothing_is_told() {
        let patterns = Patterns::new(&["src".to_owned(), "typo/**".to_owned()]).unwrap();
        let mut look = patterns.look();
        assert!(look.takes(b"src/a", false) && !look.takes(b"b", false));
        assert_eq!(look.unmet(), Some("typo/**"));
        assert!(look.takes(b"typo/x", false));
        assert_eq!(look.unmet(), None);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["", "/a", "a/../b", "..", "[", "{a", "!", &"a".repeat(5000)] {
            assert!(Patterns::new(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
        assert!(Patterns::new(&["!a".to_owned()]).is_err());
        assert!(Patterns::new(&vec!["a".to_owned(); 1001]).is_err());
    }
}
