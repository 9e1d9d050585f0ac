//! One pass over a layer.

use std::io::Read;
use std::sync::Mutex;

use portolan_model::{Digest, FileKind, Hasher, Limits};

use super::batch::Batch;
use super::contents::Contents;
use super::entry::mark_kind;
use super::{Compression, Content, Entry, EntrySink, RawLayer, ScanError, TarProblem, name};
use crate::Rules;
use crate::tar::{Member, MemberType, Walker};

/// What is known of a layer before it is read.
#[derive(Debug, Clone)]
pub struct LayerInput {
    /// The digest of the blob, from the manifest.
    pub digest: Digest,
    /// The size of the blob in bytes, from the manifest.
    pub size: u64,
    /// The digest of the uncompressed bytes, from the image's configuration, where it has one.
    pub diff_id: Option<Digest>,
}

/// What is known of a layer after it was read. Both digests are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerSummary {
    /// Entries in the archive, those that were replaced by later ones of the same path included.
    pub entries: u64,
    /// Files whose contents were kept.
    pub kept_files: u64,
    /// Uncompressed bytes.
    pub raw_bytes: u64,
    /// The digest of the uncompressed bytes.
    pub diff_id: Digest,
    /// How the blob is compressed.
    pub compression: Compression,
}

/// Reads layers. One scanner serves any number of threads; what needs much memory (a zstd window of
/// more than 8 MiB, a kept file of more than 2 MiB) is done by one of them at a time.
#[derive(Debug)]
pub struct Scanner {
    rules: Rules,
    limits: Limits,
    heavy: Mutex<()>,
}

impl Scanner {
    /// A scanner that keeps the contents that `rules` ask for.
    pub fn new(rules: Rules, limits: Limits) -> Self {
        Self { rules, limits, heavy: Mutex::new(()) }
    }

    /// The rules that the scanner follows.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Reads the blob of a layer to its end: verifies its size and both digests, and hands every
    /// entry to `sink` as it passes. Blocks; memory is bounded whatever the layer says.
    ///
    /// Entries handed on before an error, whichever it is, mean nothing.
    pub fn scan_layer(
        &self,
        reader: impl Read,
        input: &LayerInput,
        sink: &mut dyn EntrySink,
    ) -> Result<LayerSummary, ScanError> {
        let raw = RawLayer::open(reader, input.size, &self.limits, &self.heavy)?;
        let mut walker = Walker::new(raw);
        match self.walk(&mut walker, sink) {
            Ok((entries, kept_files)) => {
                let verified = walker.into_raw().finish(input)?;
                Ok(LayerSummary {
                    entries,
                    kept_files,
                    raw_bytes: verified.raw_bytes,
                    diff_id: verified.diff_id,
                    compression: verified.compression,
                })
            }
            // That the blob is not the one that was pushed says more than what is wrong inside it.
            Err(error @ (ScanError::Damaged { .. } | ScanError::Tar { .. })) => {
                walker.into_raw().verify_blob(input)?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn walk<R: Read>(
        &self,
        walker: &mut Walker<'_, R>,
        sink: &mut dyn EntrySink,
    ) -> Result<(u64, u64), ScanError> {
        let limit = self.limits.layer_entries;
        let mut member = Member::default();
        let mut batch = Batch::new(sink);
        let mut contents = Contents::new(&self.rules);
        let (mut entries, mut kept_files) = (0, 0);
        while walker.next(&mut member)? {
            entries += 1;
            if entries > limit {
                return Err(ScanError::Entries { limit });
            }
            let Some(entry) = read_entry(walker, &member, &mut contents)? else {
                continue;
            };
            kept_files += u64::from(matches!(entry.content, Content::Kept(_)));
            batch.push(entry)?;
        }
        batch.flush()?;
        Ok((entries, kept_files))
    }

    /// The content of a file whose digest and size are known from a scan, found in the layer that
    /// it was seen in; it is verified. None where the layer has it no longer.
    ///
    /// Reads only as much of the layer as it takes to find it, so the layer itself is not verified.
    pub fn read_file(
        &self,
        reader: impl Read,
        layer: &LayerInput,
        digest: &Digest,
        size: u64,
    ) -> Result<Option<Vec<u8>>, ScanError> {
        let limit = self.limits.kept_file_bytes;
        let room = usize::try_from(size).unwrap_or(usize::MAX);
        if size > limit {
            return Err(ScanError::TooLarge { size, limit });
        }
        let mut walker =
            Walker::new(RawLayer::open(reader, layer.size, &self.limits, &self.heavy)?);
        let mut member = Member::default();
        while walker.next(&mut member)? {
            let wanted = member.kind == MemberType::File && member.size == size;
            if !wanted || !walker.raw().may_expand(member.holes()) {
                continue;
            }
            let mut content = Vec::with_capacity(room);
            walker.read_data(&member, |bytes| content.extend_from_slice(bytes))?;
            if Digest::of(&content) == *digest {
                return Ok(Some(content));
            }
        }
        Ok(None)
    }
}

/// A mark is one by its name alone, whatever its type, as it is for container engines.
fn kind(member: &Member, path: &str) -> FileKind {
    if let Some(mark) = mark_kind(path) {
        return mark;
    }
    match member.kind {
        MemberType::File => FileKind::File,
        MemberType::Directory => FileKind::Directory,
        MemberType::Symlink => FileKind::Symlink,
        MemberType::Hardlink => FileKind::Hardlink,
        MemberType::CharacterDevice => FileKind::CharacterDevice,
        MemberType::BlockDevice => FileKind::BlockDevice,
        MemberType::Fifo => FileKind::Fifo,
    }
}

/// What is to be told of `member`; nothing of the root itself, which every image has.
fn read_entry<R: Read>(
    walker: &mut Walker<'_, R>,
    member: &Member,
    contents: &mut Contents<'_>,
) -> Result<Option<Entry>, ScanError> {
    let name = name::path(&member.name);
    if name.text.is_empty() {
        if member.kind == MemberType::Directory {
            return Ok(None);
        }
        let at = walker.raw().offset();
        return Err(ScanError::Tar { at, problem: TarProblem::Root });
    }
    let mut entry = Entry {
        kind: kind(member, &name.text),
        path: name.text,
        raw_path: name.raw,
        mode: member.mode,
        size: member.size,
        digest: None,
        link: None,
        content: Content::NotAsked,
    };
    match entry.kind {
        FileKind::File => read_content(walker, member, contents, &mut entry)?,
        FileKind::Symlink => entry.link = Some(name::escape(&member.link)),
        FileKind::Hardlink => entry.link = Some(name::path(&member.link).text),
        _ => {}
    }
    Ok(Some(entry))
}

fn read_content<R: Read>(
    walker: &mut Walker<'_, R>,
    member: &Member,
    contents: &mut Contents<'_>,
    entry: &mut Entry,
) -> Result<(), ScanError> {
    if !walker.raw().may_expand(member.holes()) {
        return Ok(());
    }
    entry.content = contents.begin(&entry.path, member.size, walker.raw());
    let mut hasher = Hasher::new();
    if let Content::Kept(content) = &mut entry.content {
        walker.read_data(member, |bytes| {
            hasher.update(bytes);
            content.extend_from_slice(bytes);
        })?;
    } else {
        walker.read_data(member, |bytes| hasher.update(bytes))?;
    }
    entry.digest = Some(hasher.finish());
    Ok(())
}
