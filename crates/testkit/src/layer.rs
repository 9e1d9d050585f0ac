//! Layers: an archive, how it is compressed, and the digests of both forms.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use portolan_model::{Digest, media};

/// A layer as it is stored, with what an image says about it.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The OCI media type.
    pub media_type: String,
    /// The bytes as stored.
    pub bytes: Vec<u8>,
    /// The digest of the uncompressed archive.
    pub diff_id: Digest,
}

impl Layer {
    /// The archive itself.
    pub fn plain(archive: Vec<u8>) -> Self {
        let diff_id = Digest::of(&archive);
        Self { media_type: media::OCI_LAYER.to_owned(), bytes: archive, diff_id }
    }

    /// The archive in one gzip member.
    pub fn gzip(archive: &[u8]) -> Self {
        Self::gzip_members(archive, archive.len())
    }

    /// The archive cut into gzip members of `member` raw bytes each.
    pub fn gzip_members(archive: &[u8], member: usize) -> Self {
        let bytes = archive.chunks(member.max(1)).flat_map(gzip).collect();
        let media_type = media::OCI_LAYER_GZIP.to_owned();
        Self { media_type, bytes, diff_id: Digest::of(archive) }
    }

    /// The archive in one zstd frame.
    pub fn zstd(archive: &[u8]) -> anyhow::Result<Self> {
        let bytes = zstd::encode_all(archive, 3)?;
        let media_type = media::OCI_LAYER_ZSTD.to_owned();
        Ok(Self { media_type, bytes, diff_id: Digest::of(archive) })
    }

    /// The same bytes under another media type.
    pub fn media_type(self, media_type: &str) -> Self {
        Self { media_type: media_type.to_owned(), ..self }
    }

    /// The digest of the bytes as stored.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

/// `bytes` as one gzip member, the same for equal inputs.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn each_form_has_the_same_raw_bytes() {
        let raw = b"some bytes that are not random, not random at all".repeat(100);
        let mut read = Vec::new();
        let members = Layer::gzip_members(&raw, 1000);
        flate2::read::MultiGzDecoder::new(&members.bytes[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, raw);
        let zstd = Layer::zstd(&raw).unwrap();
        assert_eq!(zstd::decode_all(&zstd.bytes[..]).unwrap(), raw);
        assert_eq!(zstd.diff_id, members.diff_id);
        assert_eq!(Layer::plain(raw.clone()).digest(), zstd.diff_id);
        assert_ne!(zstd.digest(), Layer::gzip(&raw).digest());
    }
}
