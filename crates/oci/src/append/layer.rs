//! The new layer, written to a file in one pass: archived, compressed, and both digests computed.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use portolan_model::{Digest, Hasher, Limits};

use super::tar::{self, Entry, Kind};
use super::tree::{Node, Tree};
use super::{AppendError, Spec};

/// Bytes that are read and compressed at once. It is part of the layer's identity: what a
/// compressor writes depends on how it is fed.
const PIECE: usize = 128 * 1024;

/// The layer.
#[derive(Debug)]
pub(super) struct Layer {
    /// Its compressed bytes, without a name, at their start.
    pub(super) file: File,
    /// Their digest.
    pub(super) digest: Digest,
    /// How many there are.
    pub(super) size: u64,
    /// The digest of the archive.
    pub(super) diff_id: Digest,
    /// Where the file is.
    pub(super) work_dir: PathBuf,
}

/// Passes bytes on, and keeps their digest.
struct Hashing<W> {
    inner: W,
    hasher: Hasher,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Hasher::new() }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Feeds what is below it in pieces of exactly [`PIECE`] bytes, but for the last, however the
/// bytes came.
struct Even<W> {
    inner: W,
    piece: Vec<u8>,
}

impl<W: Write> Even<W> {
    fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = (PIECE - self.piece.len()).min(bytes.len());
            self.piece.extend_from_slice(&bytes[..room]);
            bytes = &bytes[room..];
            if self.piece.len() == PIECE {
                self.inner.write_all(&self.piece)?;
                self.piece.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<W> {
        self.inner.write_all(&self.piece)?;
        Ok(self.inner)
    }
}

type Out = Even<Hashing<GzEncoder<Hashing<io::BufWriter<File>>>>>;

/// Writes the layer that `spec` describes.
pub(super) async fn write(
    spec: &Spec,
    with_parents: bool,
    limits: &Limits,
) -> Result<Layer, AppendError> {
    let (spec, limits) = (spec.clone(), limits.clone());
    let work_dir = spec.work_dir.clone();
    let written =
        tokio::task::spawn_blocking(move || write_now(&spec, with_parents, &limits)).await;
    written.unwrap_or_else(|error| Err(AppendError::work(&work_dir)(io::Error::other(error))))
}

fn write_now(spec: &Spec, with_parents: bool, limits: &Limits) -> Result<Layer, AppendError> {
    let tree = Tree::of(&spec.files, with_parents, limits)?;
    let mtime = spec.created.map_or(0, |created| created.millis().max(0).unsigned_abs() / 1000);
    let work = || AppendError::work(&spec.work_dir);
    let file = tempfile::tempfile_in(&spec.work_dir).map_err(work())?;
    // No name, no moment, and the unknown operating system: nothing of this machine.
    let gzip = GzBuilder::new().operating_system(255).mtime(0);
    let compressed = Hashing::new(io::BufWriter::with_capacity(PIECE, file));
    let archive = Hashing::new(gzip.write(compressed, Compression::new(6)));
    let mut out = Even { inner: archive, piece: Vec::with_capacity(PIECE) };
    for (path, node) in &tree.nodes {
        add(&mut out, path, node, mtime, &spec.work_dir)?;
    }
    out.put(&tar::END).map_err(work())?;
    let archive = out.finish().map_err(work())?;
    let compressed = archive.inner.finish().map_err(work())?;
    let mut file = compressed.inner.into_inner().map_err(|error| work()(error.into_error()))?;
    file.rewind().map_err(work())?;
    Ok(Layer {
        file,
        size: compressed.hasher.length(),
        digest: compressed.hasher.finish(),
        diff_id: archive.hasher.finish(),
        work_dir: spec.work_dir.clone(),
    })
}

fn add(
    out: &mut Out,
    path: &[u8],
    node: &Node,
    mtime: u64,
    work_dir: &Path,
) -> Result<(), AppendError> {
    let entry = |kind, mode| Entry { kind, path, link: b"", mode, size: 0, mtime };
    let header = match node {
        Node::Directory => {
            let path = [path, b"/"].concat();
            Entry { path: &path, ..entry(Kind::Directory, 0o755) }.header()
        }
        Node::Symlink { target } => Entry { link: target, ..entry(Kind::Symlink, 0o777) }.header(),
        Node::File { from, executable } => {
            let mode = if *executable { 0o755 } else { 0o644 };
            return add_file(out, entry(Kind::File, mode), from, work_dir);
        }
    };
    out.put(&header).map_err(AppendError::work(work_dir))
}

fn add_file(
    out: &mut Out,
    entry: Entry<'_>,
    from: &Path,
    work_dir: &Path,
) -> Result<(), AppendError> {
    let work = || AppendError::work(work_dir);
    let mut file = File::open(from).map_err(AppendError::read(from))?;
    let metadata = file.metadata().map_err(AppendError::read(from))?;
    if !metadata.is_file() {
        return Err(AppendError::Kind { path: from.to_owned() });
    }
    let size = metadata.len();
    out.put(&Entry { size, ..entry }.header()).map_err(work())?;
    let mut piece = vec![0; PIECE];
    let mut seen = 0;
    loop {
        let count = file.read(&mut piece).map_err(AppendError::read(from))?;
        seen += count as u64;
        if seen > size || (count == 0 && seen < size) {
            return Err(AppendError::Changed { path: from.to_owned() });
        }
        if count == 0 {
            return out.put(&tar::END[..tar::padding(size)]).map_err(work());
        }
        out.put(&piece[..count]).map_err(work())?;
    }
}
