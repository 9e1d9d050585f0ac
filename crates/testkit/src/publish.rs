//! Pushing made images to any registry, request by request, where a test must know each of them.

use anyhow::{Context, ensure};
use portolan_model::Digest;

use crate::http::{Answer, Client};
use crate::image::Content;
use crate::{Image, Index};

/// Pushes to one repository of one registry.
#[derive(Debug, Clone)]
pub struct Publisher {
    client: Client,
    base: String,
}

impl Publisher {
    /// Pushes to `repository` of the registry at `url`, such as `http://127.0.0.1:5000`.
    pub fn new(url: &str, repository: &str) -> Self {
        let base = format!("{}/v2/{repository}", url.trim_end_matches('/'));
        Self { client: Client::new(), base }
    }

    /// Pushes a blob: a `POST` for a session, and one `PUT` with all bytes.
    pub fn blob(&self, bytes: &[u8]) -> anyhow::Result<Digest> {
        let digest = Digest::of(bytes);
        let location = self.session()?;
        let join = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{join}digest={digest}");
        let octets = [("content-type", "application/octet-stream")];
        let answer = self.client.send("PUT", &url, &octets, bytes)?;
        expect(&answer, 201).with_context(|| format!("pushing the blob {digest}"))?;
        Ok(digest)
    }

    /// Pushes a blob in chunks of `chunk` bytes, each a `PATCH` with its range.
    pub fn blob_in_chunks(&self, bytes: &[u8], chunk: usize) -> anyhow::Result<Digest> {
        let digest = Digest::of(bytes);
        let mut location = self.session()?;
        let mut start = 0;
        for part in bytes.chunks(chunk.max(1)) {
            let range = format!("{start}-{}", start + part.len() - 1);
            let headers =
                [("content-type", "application/octet-stream"), ("content-range", &*range)];
            let answer = self.client.send("PATCH", &location, &headers, part)?;
            expect(&answer, 202).with_context(|| format!("pushing the bytes {range}"))?;
            location = self.location(&answer)?;
            start += part.len();
        }
        let join = if location.contains('?') { '&' } else { '?' };
        let url = format!("{location}{join}digest={digest}");
        expect(&self.client.send("PUT", &url, &[], &[])?, 201).context("finishing an upload")?;
        Ok(digest)
    }

    /// Starts an upload and answers the absolute URL of its session.
    pub fn session(&self) -> anyhow::Result<String> {
        let answer =
            self.client.send("POST", &format!("{}/blobs/uploads/", self.base), &[], &[])?;
        expect(&answer, 202).context("starting an upload")?;
        self.location(&answer)
    }

    /// The URL of the repository's part of the API, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The absolute URL that an answer leads to.
    fn location(&self, answer: &Answer) -> anyhow::Result<String> {
        let location = answer.header("location").context("the upload has no location")?;
        if location.starts_with("http") {
            return Ok(location.to_owned());
        }
        let end = self.base.find("/v2/").unwrap_or(self.base.len());
        Ok(format!("{}{location}", &self.base[..end]))
    }

    /// Puts `manifest` under `reference`, a tag or a digest, and answers what the registry said.
    pub fn put(&self, reference: &str, manifest: &Content) -> anyhow::Result<Answer> {
        let url = format!("{}/manifests/{reference}", self.base);
        self.client.send("PUT", &url, &[("content-type", &manifest.media_type)], &manifest.bytes)
    }

    /// Puts `manifest` under `reference`; an error when the registry refuses it.
    pub fn manifest(&self, reference: &str, manifest: &Content) -> anyhow::Result<()> {
        expect(&self.put(reference, manifest)?, 201)
            .with_context(|| format!("pushing the manifest {reference}"))
    }

    /// Pushes the blobs of `image`, then its manifest as `tag`.
    pub fn image(&self, tag: &str, image: &Image) -> anyhow::Result<()> {
        for blob in image.blobs() {
            self.blob(&blob.bytes)?;
        }
        self.manifest(tag, &image.manifest)
    }

    /// Pushes every image of `index`, then the index itself as `tag`.
    pub fn index(&self, tag: &str, index: &Index) -> anyhow::Result<()> {
        for image in &index.images {
            for blob in image.blobs() {
                self.blob(&blob.bytes)?;
            }
            self.manifest(&image.digest().to_string(), &image.manifest)?;
        }
        self.manifest(tag, &index.manifest)
    }
}

fn expect(answer: &Answer, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status == status, "status {}: {}", answer.status, answer.text());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::Containers;
    use crate::docker_registry::{self, Options};
    use crate::tar::{self, Entry};
    use crate::{Layer, layer};

    #[test]
    fn what_is_published_is_what_skopeo_reads() {
        let registry = docker_registry::start(&Options::default()).unwrap();
        let archive = tar::archive(&[Entry::file("etc/hello", "hello")]);
        let image = |platform: &str, layer: Layer| {
            Image::builder().platform(platform).label("a", platform).layer(layer).build()
        };
        let docker = Image::builder().docker().layer(Layer::gzip(&archive)).build();
        let index = Index::of(vec![
            image("linux/amd64", Layer::gzip(&archive)),
            image("linux/arm64/v8", Layer::gzip_members(&archive, 100)),
        ]);
        let publisher = Publisher::new(&registry.url(), "a/b");
        publisher.index("many", &index).unwrap();
        publisher.blob_in_chunks(&docker.layers[0].bytes, 20).unwrap();
        publisher.image("docker", &docker).unwrap();
        let containers = Containers::new().unwrap();
        let read = |tag: &str| {
            let name = format!("docker://{}/a/b:{tag}", registry.address());
            let text = containers.skopeo(&["inspect", "--raw", "--tls-verify=false", &name]);
            text.unwrap().into_bytes()
        };
        assert_eq!(Digest::of(&read("many")), index.digest());
        assert_eq!(Digest::of(&read("docker")), docker.digest());
        assert_ne!(layer::gzip(&archive), index.images[1].layers[0].bytes);
        let missing = publisher.put("bad", &image("linux/amd64", Layer::plain(archive)).manifest);
        assert_eq!(missing.unwrap().status, 400, "its blobs were not pushed");
    }
}
