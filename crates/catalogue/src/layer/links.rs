//! What hard links lead to.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use portolan_model::Digest;

/// The content of files seen earlier in the layer, by path: at most [`LINKS`] of them, so that a
/// layer of millions of files does not cost hundreds of megabytes for the few that are linked to.
/// A link to a file that is not remembered keeps its target's path, by which it can be followed.
///
/// Paths are remembered by two hashes of 64 bits with keys that nobody outside knows.
pub(super) struct Links {
    keys: [RandomState; 2],
    seen: HashMap<[u64; 2], (Digest, u64)>,
}

/// Just as many as a table of 2^17 places takes.
const LINKS: usize = (1 << 17) / 8 * 7;

impl Links {
    pub(super) fn new() -> Self {
        Self { keys: [RandomState::new(), RandomState::new()], seen: HashMap::new() }
    }

    fn key(&self, path: &str) -> [u64; 2] {
        self.keys.each_ref().map(|key| key.hash_one(path))
    }

    /// Remembers the content of the file at `path`, or that the path is something else now.
    pub(super) fn put(&mut self, path: &str, content: Option<(Digest, u64)>) {
        if self.seen.is_empty() && content.is_none() {
            return;
        }
        let key = self.key(path);
        match content {
            Some(content) if self.seen.len() < LINKS || self.seen.contains_key(&key) => {
                self.seen.insert(key, content);
            }
            _ => {
                self.seen.remove(&key);
            }
        }
    }

    /// The digest and size of the file at `path`.
    pub(super) fn get(&self, path: &str) -> Option<(Digest, u64)> {
        self.seen.get(&self.key(path)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_last_content_counts() {
        let mut links = Links::new();
        let content = |text: &str| Some((Digest::of(text.as_bytes()), 1));
        links.put("a", content("1"));
        links.put("a", content("2"));
        assert_eq!(links.get("a"), content("2"));
        for number in 0..LINKS + 10 {
            links.put(&number.to_string(), content("x"));
        }
        assert_eq!(links.seen.len(), LINKS);
        links.put("a", content("3"));
        assert_eq!(links.get("a"), content("3"));
        links.put("a", None);
        assert_eq!(links.get("a"), None);
    }
}
