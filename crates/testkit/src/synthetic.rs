//! Big images of made-up files: the same bytes for the same recipe, about as compressible as
//! software is, written without being held in memory.

use std::io::{self, Write};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use portolan_model::{Digest, Hasher, media};
use serde_json::json;

use crate::image::Content;
use crate::layout::Layout;
use crate::tar::{self, Entry};

/// What to make.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// How many layers share the files.
    pub layers: usize,
    /// How many files there are in all.
    pub files: usize,
    /// How many raw bytes the files have in all, about.
    pub bytes: u64,
    /// Of 64 bytes of content, how many cannot be compressed (0 to 64).
    pub noise: usize,
    /// Another seed makes other bytes.
    pub seed: u64,
    /// The gzip level, or none for plain layers.
    pub gzip: Option<u32>,
}

impl Recipe {
    /// Writes the image into `layout`, points `tag` to it and answers its digest.
    pub fn write(&self, layout: &mut Layout, tag: &str) -> anyhow::Result<Digest> {
        let mut descriptors = Vec::new();
        let mut diff_ids = Vec::new();
        for number in 0..self.layers {
            let mut raw = Hasher::new();
            let (digest, size) = layout
                .stream(|out| match self.gzip {
                    Some(level) => {
                        let mut out = GzEncoder::new(out, Compression::new(level));
                        self.write_layer(number, &mut Raw { out: &mut out, raw: &mut raw })?;
                        out.finish()?;
                        Ok(())
                    }
                    None => Ok(self.write_layer(number, &mut Raw { out, raw: &mut raw })?),
                })
                .with_context(|| format!("making layer {number} of {tag}"))?;
            diff_ids.push(raw.finish().to_string());
            let media_type =
                if self.gzip.is_some() { media::OCI_LAYER_GZIP } else { media::OCI_LAYER };
            descriptors.push(json!({
                "mediaType": media_type, "digest": digest.to_string(), "size": size,
            }));
        }
        let config = Content {
            media_type: media::OCI_CONFIG.to_owned(),
            bytes: json!({
                "os": "linux",
                "architecture": "amd64",
                "config": { "Labels": { "org.opencontainers.image.title": tag } },
                "rootfs": { "type": "layers", "diff_ids": diff_ids },
            })
            .to_string()
            .into_bytes(),
        };
        layout.blob(&config.bytes)?;
        let manifest = Content {
            media_type: media::OCI_MANIFEST.to_owned(),
            bytes: json!({
                "schemaVersion": 2,
                "mediaType": media::OCI_MANIFEST,
                "config": config.descriptor(),
                "layers": descriptors,
            })
            .to_string()
            .into_bytes(),
        };
        layout.manifest(tag, &manifest)?;
        Ok(manifest.digest())
    }

    fn write_layer(&self, number: usize, out: &mut impl Write) -> io::Result<()> {
        let mut random = Random(self.seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let mean = self.bytes / (self.files.max(1) as u64);
        Entry::dir(format!("opt/layer{number}/")).write(out)?;
        for file in (number..self.files).step_by(self.layers.max(1)) {
            // Sizes spread from 0 to twice the mean, so that their sum is close to what was asked.
            let size = random.below(2 * mean + 1);
            let path = format!("opt/layer{number}/dir{:03}/file{file:06}.bin", file % 997);
            Entry::file(path, self.content(&mut random, size)).mtime(1_700_000_000).write(out)?;
        }
        tar::finish(out)
    }

    fn content(&self, random: &mut Random, size: u64) -> Vec<u8> {
        let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 64);
        while (content.len() as u64) < size {
            let words = WORDS[usize::try_from(random.below(8)).unwrap_or_default()];
            let mut block = *words;
            for eight in block[..self.noise.min(64)].chunks_mut(8) {
                let noise = random.next().to_le_bytes();
                eight.copy_from_slice(&noise[..eight.len()]);
            }
            content.extend_from_slice(&block);
        }
        content.truncate(usize::try_from(size).unwrap_or_default());
        content
    }
}

/// `size` bytes that cannot be compressed, the same for the same `seed`.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut random = Random(seed);
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// What compresses: eight lines of 64 bytes.
const WORDS: [&[u8; 64]; 8] = [
    b"the quick brown fox jumps over the lazy dog and runs off again; ",
    b"module.exports = function (value) { return value === undefined; ",
    b"#include <stdio.h>\nint main(void) { return printf(\"hello\\n\"); }\n",
    b"public static void main(String[] args) throws IOException { new ",
    b"{\"name\":\"package\",\"version\":\"1.0.0\",\"license\":\"MIT\",\"main\":\"x\"}\n",
    b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    b"Permission is hereby granted, free of charge, to any person who ",
    b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0.text.data.bss.rodata.init.fini.dynsym\0\0",
];

/// `SplitMix64`: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}

/// Digests raw bytes on their way to the compressor.
struct Raw<'a, W: ?Sized> {
    out: &'a mut W,
    raw: &'a mut Hasher,
}

impl<W: Write + ?Sized> Write for Raw<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raw.update(bytes);
        self.out.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_recipes_make_equal_images_and_skopeo_reads_them() {
        let recipe =
            Recipe { layers: 3, files: 100, bytes: 1_000_000, noise: 24, seed: 7, gzip: Some(1) };
        let dir = tempfile::tempdir().unwrap();
        let mut one = Layout::create(&dir.path().join("one")).unwrap();
        let mut two = Layout::create(&dir.path().join("two")).unwrap();
        let digest = recipe.write(&mut one, "big").unwrap();
        assert_eq!(recipe.write(&mut two, "big").unwrap(), digest);
        let other = Recipe { seed: 8, ..recipe };
        assert_ne!(other.write(&mut two, "other").unwrap(), digest);

        let containers = crate::containers::Containers::new().unwrap();
        let inspected = containers.skopeo(&["inspect", &one.name("big")]).unwrap();
        let inspected: serde_json::Value = serde_json::from_str(&inspected).unwrap();
        assert_eq!(inspected["Digest"], digest.to_string());
        assert_eq!(inspected["Layers"].as_array().unwrap().len(), 3);
    }
}
