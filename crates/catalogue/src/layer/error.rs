//! Why a layer cannot be read.

use std::fmt;
use std::io;

use portolan_model::Digest;

/// How a layer is compressed, told by its first bytes: the media type is only a hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: a tar archive.
    Plain,
    /// gzip, one or many members (RFC 1952).
    Gzip,
    /// Zstandard, one or many frames (RFC 8878).
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

/// Why a layer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The bytes do not arrive. Trying again may help.
    #[error("reading the layer's bytes failed")]
    Read(#[source] io::Error),
    /// The blob is longer or shorter than its descriptor says.
    #[error("the blob has {actual} bytes where the manifest says {expected}: push the image again")]
    Size {
        /// From the descriptor.
        expected: u64,
        /// What arrived; where it is too long, what had arrived by then.
        actual: u64,
    },
    /// The bytes are not the ones that the manifest names.
    #[error("the blob's bytes have digest {actual}, not {expected}: push the image again")]
    Digest {
        /// From the descriptor.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// The uncompressed bytes are not the ones that the image's configuration names.
    #[error(
        "the uncompressed layer has digest {actual}, but the image's configuration says \
         {expected} (rootfs.diff_ids): build the image again"
    )]
    DiffId {
        /// From the configuration.
        expected: Digest,
        /// What arrived.
        actual: Digest,
    },
    /// The compressed stream is damaged.
    #[error("the {compression} stream is damaged at byte {at} of the blob: {reason}")]
    Damaged {
        /// What the stream claims to be.
        compression: Compression,
        /// Offset in the compressed bytes, to the next buffer's end.
        at: u64,
        /// What the decoder said.
        reason: String,
    },
    /// The stream is compressed in a way that no container engine of today writes.
    #[error("layers compressed with {0} are not read: use gzip or zstd")]
    Unsupported(&'static str),
    /// A zstd frame asks for more memory than allowed.
    #[error(
        "a zstd frame asks for a window of {window} bytes, the limit is {limit} \
         (limits.zstd_window_bytes)"
    )]
    Window {
        /// What it asks for.
        window: u64,
        /// The limit.
        limit: u64,
    },
    /// The layer grows too much when it is uncompressed.
    #[error(
        "{compressed} compressed bytes became {raw}: more than {limit} to one \
         (limits.compression_ratio)"
    )]
    Ratio {
        /// Compressed bytes read.
        compressed: u64,
        /// Bytes they became.
        raw: u64,
        /// The limit.
        limit: u64,
    },
    /// The layer is too large when it is uncompressed.
    #[error("the uncompressed layer has more than {limit} bytes (limits.layer_raw_bytes)")]
    RawSize {
        /// The limit.
        limit: u64,
    },
    /// The layer has too many entries.
    #[error("the layer has more than {limit} entries (limits.layer_entries)")]
    Entries {
        /// The limit.
        limit: u64,
    },
    /// The tar archive inside is not one.
    #[error("the tar archive is wrong at byte {at}: {problem}")]
    Tar {
        /// Offset in the uncompressed bytes.
        at: u64,
        /// What is wrong.
        problem: TarProblem,
    },
    /// What was asked for is larger than what may be read into memory.
    #[error("the file has {size} bytes, at most {limit} can be opened (limits.kept_file_bytes)")]
    TooLarge {
        /// The file's size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Where the entries go does not take them.
    #[error("keeping the entries of the layer failed")]
    Sink(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with a tar archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TarProblem {
    /// The archive ends inside a header or a file.
    #[error("it ends in the middle of an entry")]
    Truncated,
    /// The sum in a header is not that of its bytes.
    #[error("a header's checksum does not fit: this is no tar archive, or it is damaged")]
    Checksum,
    /// A numeric field is no number.
    #[error("the header's {0} is not a number")]
    Number(&'static str),
    /// A size below zero.
    #[error("the size of an entry is negative")]
    NegativeSize,
    /// A name or a link target over the limit.
    #[error("a name has {bytes} bytes, the limit is {limit} (limits.path_bytes)")]
    Name {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// An extended header over the limit.
    #[error("an extended header has {bytes} bytes, the limit is {limit} (limits.pax_bytes)")]
    ExtendedSize {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// An extended header that does not follow POSIX.
    #[error("an extended header is malformed: {0}")]
    Extended(&'static str),
    /// A sparse file whose map does not describe it.
    #[error("a sparse file's map is wrong: {0}")]
    Sparse(&'static str),
    /// Something other than a directory is named as the root.
    #[error("an entry that is no directory has the name of the root")]
    Root,
}
