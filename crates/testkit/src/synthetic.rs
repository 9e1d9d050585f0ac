//! Big images of made-up files: the same bytes for the same recipe, written without being held in
//! memory.

mod content;

use std::io::{self, Write};

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use portolan_model::{Digest, Hasher, media};
use serde_json::json;

use crate::image;
use crate::layout::Layout;
use crate::random::Random;
use crate::tar::{self, Entry};
use content::noise as noise_of;

/// What to make.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// How many layers share the files.
    pub layers: usize,
    /// How many files there are in all.
    pub files: usize,
    /// How many raw bytes the files have in all, about.
    pub bytes: u64,
    /// What the files have in them.
    pub content: Content,
    /// Another seed makes other bytes.
    pub seed: u64,
    /// The gzip level, or none for plain layers.
    pub gzip: Option<u32>,
}

/// What files have in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// What cannot be compressed.
    Noise,
    /// What images of software have: source text, machine code, and the records of a package
    /// manager and of packages.
    Software,
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
        let config = image::Content {
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
        let manifest = image::Content {
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
        let random = &mut Random::new(self.seed.wrapping_mul(1_000_003) + number as u64);
        if self.content == Content::Software {
            records(random, number).iter().try_for_each(|entry| entry.write(out))?;
        }
        Entry::dir(format!("opt/layer{number}/")).write(out)?;
        for file in (number..self.files).step_by(self.layers.max(1)) {
            self.entry(random, number, file).mtime(1_700_000_000).write(out)?;
        }
        tar::finish(out)
    }

    /// The file `file` of the layer `number`. Three of five are text and small; sizes spread so
    /// that their sum is close to what was asked.
    fn entry(&self, random: &mut Random, number: usize, file: usize) -> Entry {
        let mean = self.bytes / (self.files.max(1) as u64);
        let path = format!("opt/layer{number}/dir{:03}/file{file:06}", file % 997);
        let text = random.below(5) < 3;
        let size = if text { random.below(mean) } else { random.below(mean * 7 / 2) };
        let size = usize::try_from(size).unwrap_or_default();
        match self.content {
            Content::Noise => Entry::file(path + ".bin", noise_of(random, size)),
            Content::Software if file % 50 == number => {
                let path = format!("opt/layer{number}/node_modules/made-up-{file}/package.json");
                Entry::file(path, content::package_json(random, file))
            }
            Content::Software if text => Entry::file(path + ".js", content::text(random, size)),
            Content::Software => Entry::file(path + ".so", content::code(random, size)).mode(0o755),
        }
    }
}

/// The entries of a package manager that the lowest layer begins with.
fn records(random: &mut Random, number: usize) -> Vec<Entry> {
    if number > 0 {
        return Vec::new();
    }
    let release = "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n";
    vec![
        Entry::file("etc/os-release", release),
        Entry::file("var/lib/dpkg/status", content::dpkg_status(random, 400)),
    ]
}

/// `size` bytes that cannot be compressed, the same for the same `seed`.
pub fn noise(seed: u64, size: usize) -> Vec<u8> {
    noise_of(&mut Random::new(seed), size)
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
        let recipe = Recipe {
            layers: 3,
            files: 100,
            bytes: 1_000_000,
            content: Content::Software,
            seed: 7,
            gzip: Some(1),
        };
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
