//! One entry of an archive, after all headers that speak of it.

use super::sparse::Fragment;

/// What an entry is, in the words of the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum MemberType {
    #[default]
    File,
    Hardlink,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}

impl MemberType {
    /// The type that `flag` stands for. A flag that nobody has defined is a regular file, as POSIX
    /// says; so is the old empty flag, unless the name ends in `/`.
    pub(super) fn of(flag: u8, name: &[u8]) -> Self {
        match flag {
            b'1' => Self::Hardlink,
            b'2' => Self::Symlink,
            b'3' => Self::CharacterDevice,
            b'4' => Self::BlockDevice,
            b'5' => Self::Directory,
            b'6' => Self::Fifo,
            0 if name.ends_with(b"/") => Self::Directory,
            _ => Self::File,
        }
    }

    /// Whether data follows the header. For the others the size is without meaning, and nothing
    /// follows whatever it says: so Go's reader has it.
    pub(super) fn has_data(self) -> bool {
        self == Self::File
    }
}

/// One entry. The walker fills one and the same again and again, so that its buffers are reused.
#[derive(Debug, Default)]
pub(crate) struct Member {
    pub(crate) kind: MemberType,
    pub(crate) name: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    /// The file's size, with its holes.
    pub(crate) size: u64,
    /// Bytes of data in the archive.
    pub(super) stored: u64,
    pub(super) sparse: Option<Vec<Fragment>>,
}

impl Member {
    /// How many of the file's bytes are holes.
    pub(crate) fn holes(&self) -> u64 {
        self.size.saturating_sub(self.stored)
    }
}
