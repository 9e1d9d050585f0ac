//! One file of a set.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Blob;

/// One file of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Entry {
    /// Bytes.
    #[serde(rename_all = "camelCase")]
    File {
        /// Where it is in the set, with `/`.
        path: String,
        /// Its bytes.
        #[serde(flatten)]
        blob: Blob,
        /// Who may do what with it; none where that was not asked for.
        mode: Option<Permissions>,
    },
    /// A name of another file of the set.
    #[serde(rename_all = "camelCase")]
    Symlink {
        /// Where it is in the set.
        path: String,
        /// What it leads to, from its own directory, and never out of the set.
        target: String,
    },
}

impl Entry {
    /// Where it is in the set.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Symlink { path, .. } => path,
        }
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.blob().map_or(0, |blob| blob.size)
    }

    /// Its bytes; none of a symlink.
    pub fn blob(&self) -> Option<&Blob> {
        match self {
            Self::File { blob, .. } => Some(blob),
            Self::Symlink { .. } => None,
        }
    }

    /// Whether both are the same file, wherever its bytes lie.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::File { path, blob, mode },
                Self::File { path: other_path, blob: other_blob, mode: other_mode },
            ) => {
                (path, blob.digest, blob.size, mode)
                    == (other_path, other_blob.digest, other_blob.size, other_mode)
            }
            _ => self == other,
        }
    }
}

/// The nine permission bits of a file, written as `0755`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// The permission bits of a mode; the others (setuid, sticky) are never kept.
    pub fn of(mode: u32) -> Self {
        Self(mode & 0o777)
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:04o}", self.0))
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let bits = u32::from_str_radix(&text, 8).ok().filter(|bits| *bits <= 0o777);
        bits.map(Self).ok_or_else(|| serde::de::Error::custom("a mode is written as in 0755"))
    }
}
