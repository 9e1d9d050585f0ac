//! An OCI image layout directory, as skopeo reads it (`oci:DIR:TAG`).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use portolan_model::{Digest, Hasher};
use serde_json::{Value, json};

use crate::image::Content;
use crate::{Image, Index};

/// A layout being filled. What was put is on disk at once; tags are written by each `tag`.
#[derive(Debug)]
pub struct Layout {
    dir: PathBuf,
    manifests: Vec<Value>,
}

impl Layout {
    /// Makes an empty layout in `dir`, which is created.
    pub fn create(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir.join("blobs/sha256"))?;
        std::fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let layout = Self { dir: dir.to_owned(), manifests: Vec::new() };
        layout.write_index()?;
        Ok(layout)
    }

    /// Stores a blob.
    pub fn blob(&self, bytes: &[u8]) -> anyhow::Result<Digest> {
        let digest = Digest::of(bytes);
        std::fs::write(self.path(&digest), bytes)?;
        Ok(digest)
    }

    /// Stores the blob that `write` writes, without holding it, and answers its digest and size.
    pub fn stream(
        &self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<(Digest, u64)> {
        let folder = self.dir.join("blobs/sha256");
        let (file, partial) = tempfile::NamedTempFile::new_in(folder)?.into_parts();
        let mut out = Hashing { out: BufWriter::new(file), hasher: Hasher::new() };
        write(&mut out)?;
        out.flush()?;
        let (size, digest) = (out.hasher.length(), out.hasher.finish());
        partial.persist(self.path(&digest))?;
        Ok((digest, size))
    }

    /// Stores the manifest and everything of `image`, and points `tag` to it.
    pub fn image(&mut self, tag: &str, image: &Image) -> anyhow::Result<()> {
        for blob in image.blobs() {
            self.blob(&blob.bytes)?;
        }
        self.manifest(tag, &image.manifest)
    }

    /// Stores the index and everything it refers to, and points `tag` to it.
    pub fn index(&mut self, tag: &str, index: &Index) -> anyhow::Result<()> {
        for image in &index.images {
            for blob in image.blobs() {
                self.blob(&blob.bytes)?;
            }
            self.blob(&image.manifest.bytes)?;
        }
        self.manifest(tag, &index.manifest)
    }

    /// Stores a manifest whose blobs are there already, and points `tag` to it.
    pub fn manifest(&mut self, tag: &str, manifest: &Content) -> anyhow::Result<()> {
        self.blob(&manifest.bytes)?;
        let mut descriptor = manifest.descriptor();
        descriptor["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        self.manifests.push(descriptor);
        self.write_index()
    }

    /// The path of the blob `digest`.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.hex())
    }

    /// `oci:DIR:TAG`, as skopeo names an image of this layout.
    pub fn name(&self, tag: &str) -> String {
        format!("oci:{}:{tag}", self.dir.display())
    }

    fn write_index(&self) -> anyhow::Result<()> {
        let index = json!({ "schemaVersion": 2, "manifests": self.manifests });
        Ok(std::fs::write(self.dir.join("index.json"), index.to_string())?)
    }
}

struct Hashing {
    out: BufWriter<File>,
    hasher: Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
