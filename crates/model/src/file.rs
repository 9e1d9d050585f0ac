//! What an entry of a layer is.

use serde::{Deserialize, Serialize};

/// The kind of an entry of a layer. The number is what the store keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum FileKind {
    /// A regular file.
    File = 0,
    /// A directory.
    Directory = 1,
    /// A symbolic link.
    Symlink = 2,
    /// A hard link to another path of the same image.
    Hardlink = 3,
    /// A character device.
    CharacterDevice = 4,
    /// A block device.
    BlockDevice = 5,
    /// A named pipe.
    Fifo = 6,
    /// A mark that the path (without `.wh.`) of lower layers is gone.
    Whiteout = 7,
    /// A mark that what lower layers have in this directory is gone (`.wh..wh..opq`).
    Opaque = 8,
}

impl FileKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::File,
        Self::Directory,
        Self::Symlink,
        Self::Hardlink,
        Self::CharacterDevice,
        Self::BlockDevice,
        Self::Fifo,
        Self::Whiteout,
        Self::Opaque,
    ];

    /// The kind with this number, where there is one.
    pub fn from_number(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// Whether this is a mark about lower layers, and no file of the image.
    pub fn is_mark(self) -> bool {
        matches!(self, Self::Whiteout | Self::Opaque)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_their_kinds() {
        for kind in FileKind::ALL {
            assert_eq!(FileKind::from_number(i64::from(kind as u8)), Some(kind));
        }
        assert_eq!(FileKind::from_number(9), None);
        assert_eq!(FileKind::from_number(-1), None);
    }
}
