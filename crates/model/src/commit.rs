//! Names of commits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The whole name of a commit, as git has it: 40 hexadecimal digits (SHA-1) or 64 (SHA-256).
///
/// What builds say of themselves ([`revision`](https://github.com/opencontainers/image-spec/blob/main/annotations.md)
/// labels, tags) need not be one: it may be shorter, or no commit at all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

/// Why a text is not a [`CommitId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the whole name of a commit: that has 40 or 64 hexadecimal digits")]
pub struct CommitIdError(String);

impl CommitId {
    /// The digits, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits, for eyes only: never an identity.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl FromStr for CommitId {
    type Err = CommitIdError;

    fn from_str(text: &str) -> Result<Self, CommitIdError> {
        let whole = matches!(text.len(), 40 | 64);
        if !whole || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(CommitIdError(text.chars().take(100).collect()));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for CommitId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CommitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_is_kept_in_lower_case() {
        for length in [40, 64] {
            let id: CommitId = "Ab".repeat(length / 2).parse().unwrap();
            assert_eq!(id.as_str(), "ab".repeat(length / 2));
            assert_eq!(id.short(), "abababab");
        }
    }

    #[test]
    fn what_is_short_or_no_name_is_refused() {
        for wrong in ["", "abcdef0", &"g".repeat(40), &"a".repeat(41), &"é".repeat(20)] {
            assert!(wrong.parse::<CommitId>().is_err(), "{wrong}");
        }
    }
}
