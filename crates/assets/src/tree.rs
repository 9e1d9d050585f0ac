//! The hash of a large blob that can be taken of its ranges in any order.
//!
//! SHA-256 names blobs, and has to be taken from the first byte to the last. BLAKE3 is a tree: ranges
//! that come side by side are hashed as they come, and their hashes make that of the whole, which is
//! the one that `b3sum` prints. It is a guarantee of the same strength.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use blake3::hazmat::{self, HasherExt as _, Mode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a range. Blobs of more have a hash of this kind. A power of two, as the tree wants it.
pub(crate) const RANGE: u64 = 32 << 20;

/// The BLAKE3 of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TreeHash([u8; 32]);

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for TreeHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err("a BLAKE3 is 64 hexadecimal digits"),
        }
    }
}

impl Serialize for TreeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TreeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Takes the hash of a whole blob, from the first byte to the last.
#[derive(Default)]
pub(crate) struct WholeHasher(blake3::Hasher);

impl WholeHasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> TreeHash {
        TreeHash(*self.0.finalize().as_bytes())
    }
}

/// Takes the hash of one of the [`ranges`] of a blob.
pub(crate) struct RangeHasher(blake3::Hasher);

/// The hash of a range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeHash(hazmat::ChainingValue);

impl RangeHasher {
    /// That of the range that begins at `start`.
    pub(crate) fn new(start: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(start);
        Self(hasher)
    }

    /// Takes in the next bytes, of no more than [`RANGE`].
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(&self) -> RangeHash {
        RangeHash(self.0.finalize_non_root())
    }
}

/// The ranges of a blob of `size` bytes.
pub(crate) fn ranges(size: u64) -> impl Iterator<Item = Range<u64>> {
    let starts = (0..size).step_by(usize::try_from(RANGE).unwrap_or(usize::MAX));
    starts.map(move |start| start..(start + RANGE).min(size))
}

/// The hash of a blob of `size` bytes, more than [`RANGE`], from those of all its ranges in their
/// order; none where that are not as many as it has.
pub(crate) fn whole(hashes: &[RangeHash], size: u64) -> Option<TreeHash> {
    if size <= RANGE || hashes.len() as u64 != size.div_ceil(RANGE) {
        return None;
    }
    let (left, right) = halves(hashes, size);
    let hash = hazmat::merge_subtrees_root(&left, &right, Mode::Hash);
    Some(TreeHash(*hash.as_bytes()))
}

/// The two sides of a tree.
fn halves(hashes: &[RangeHash], size: u64) -> (hazmat::ChainingValue, hazmat::ChainingValue) {
    let left_size = hazmat::left_subtree_len(size);
    let count = usize::try_from(left_size / RANGE).unwrap_or(usize::MAX);
    let (left, right) = hashes.split_at(count);
    (subtree(left, left_size), subtree(right, size - left_size))
}

fn subtree(hashes: &[RangeHash], size: u64) -> hazmat::ChainingValue {
    if let [one] = hashes {
        return one.0;
    }
    let (left, right) = halves(hashes, size);
    hazmat::merge_subtrees_non_root(&left, &right, Mode::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_ranges_is_that_of_the_whole() {
        // Vectors of BLAKE3's own: nothing, and one byte.
        let of = |bytes: &[u8]| {
            let mut hasher = WholeHasher::default();
            hasher.update(bytes);
            hasher.finish().to_string()
        };
        assert_eq!(of(b""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
        assert_eq!(of(&[0]), "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213");
        let at = |position: u64| usize::try_from(position).unwrap();
        let bytes = (0..251_u8).collect::<Vec<_>>().repeat(at(5 * RANGE) / 251 + 1);
        for size in [RANGE + 1, 2 * RANGE, 2 * RANGE + 1, 3 * RANGE - 1, 4 * RANGE, 5 * RANGE] {
            let all = &bytes[..at(size)];
            let hash = |range: Range<u64>| {
                let mut hasher = RangeHasher::new(range.start);
                for piece in all[at(range.start)..at(range.end)].chunks(300_000) {
                    hasher.update(piece);
                }
                hasher.finish()
            };
            let mut hashes: Vec<_> = ranges(size).map(hash).collect();
            assert_eq!(whole(&hashes, size).unwrap().to_string(), of(all), "{size}");
            hashes.swap(0, 1);
            assert_ne!(whole(&hashes, size).unwrap().to_string(), of(all), "in another order");
            hashes.pop();
            assert!(whole(&hashes, size).is_none());
        }
        assert!(whole(&[], 0).is_none() && whole(&[], RANGE).is_none());
    }

    #[test]
    fn a_hash_is_written_in_one_way() {
        let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(text.parse::<TreeHash>().unwrap().to_string(), text);
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}00")] {
            assert!(wrong.parse::<TreeHash>().is_err(), "{wrong}");
        }
    }
}
