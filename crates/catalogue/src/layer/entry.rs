//! What is told of each entry of a layer.

use portolan_model::path::base_name;
use portolan_model::{Digest, FileKind};

/// One entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is, normalised; the text is printable, what is not is `\xNN`.
    pub path: String,
    /// The name's bytes in the archive, where they are not just the path (`./` before it and `/`
    /// after it aside).
    pub raw_path: Option<Vec<u8>>,
    /// What it is. A mark (`.wh.name`) keeps the path that it has in the layer: [`whiteout_target`]
    /// tells what it removes.
    pub kind: FileKind,
    /// Permissions, with set-user, set-group and sticky bits: `0o7777` at most.
    pub mode: u32,
    /// Bytes of content, holes of sparse files included; zero for what has none.
    pub size: u64,
    /// The digest of a file's content. None for a sparse file whose holes go over the limits, and
    /// for a hard link: its target came earlier in the layer, and has the same content.
    pub digest: Option<Digest>,
    /// Where a link leads: of a hard link a path of this image, of a symbolic link its text.
    pub link: Option<String>,
    /// The content, where the rules ask for it.
    pub content: Content,
}

/// Whether the content of a file is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// No rule asks for it.
    NotAsked,
    /// The whole content.
    Kept(Vec<u8>),
    /// A rule asks for it, but it is larger than `limits.kept_file_bytes`.
    FileTooLarge,
    /// A rule asks for it, but with it the layer's kept files would be larger than
    /// `limits.kept_layer_bytes`.
    LayerTooLarge,
}

/// Where the entries of a layer go while it is read.
pub trait EntrySink {
    /// Takes the next entries. A path may come again, and then the later entry replaces the earlier
    /// one.
    ///
    /// An error ends the scan: it comes back as [`ScanError::Sink`](super::ScanError::Sink).
    fn take(&mut self, batch: Vec<Entry>) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

impl<F: FnMut(Vec<Entry>)> EntrySink for F {
    fn take(&mut self, batch: Vec<Entry>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self(batch);
        Ok(())
    }
}

const MARK: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// The kind of the mark that `path` is by its last part, where it is one.
///
/// `.wh..wh.` begins the names that AUFS keeps for itself: none of them but the opaque mark says
/// anything. A mark for `.`, `..` or nothing would reach outside of its directory, and is none.
pub(super) fn mark_kind(path: &str) -> Option<FileKind> {
    match base_name(path) {
        OPAQUE => Some(FileKind::Opaque),
        name => {
            let target = name.strip_prefix(MARK)?;
            let fits = !matches!(target, "" | "." | "..") && !target.starts_with(MARK);
            fits.then_some(FileKind::Whiteout)
        }
    }
}

/// What a mark with this `path` removes: for a whiteout the path without `.wh.`, for an opaque mark
/// the directory that it is in (the root is the empty text). None where the path is no mark
/// ([image-spec, Whiteouts](https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts)).
pub fn whiteout_target(path: &str) -> Option<String> {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    if mark_kind(path)? == FileKind::Opaque {
        return Some(directory.to_owned());
    }
    let name = base_name(path).strip_prefix(MARK)?;
    Some(if directory.is_empty() { name.into() } else { format!("{directory}/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_what_they_remove() {
        for (path, kind, target) in [
            ("a/.wh.b", Some(FileKind::Whiteout), Some("a/b")),
            (".wh.b", Some(FileKind::Whiteout), Some("b")),
            ("a/b/.wh..wh..opq", Some(FileKind::Opaque), Some("a/b")),
            (".wh..wh..opq", Some(FileKind::Opaque), Some("")),
            ("a/.wh..hidden", Some(FileKind::Whiteout), Some("a/.hidden")),
            ("a/.wh.", None, None),
            ("a/.wh..", None, None),
            ("a/.wh...", None, None),
            ("a/.wh..wh.plnk", None, None),
            (".wh.a/b", None, None),
            ("a.wh.b", None, None),
        ] {
            assert_eq!(mark_kind(path), kind, "{path}");
            assert_eq!(whiteout_target(path).as_deref(), target, "{path}");
        }
    }
}
