//! Images and indexes as bytes: configuration, manifest, and everything they refer to.

use portolan_model::{Digest, media};
use serde_json::{Value, json};

use crate::Layer;

/// Bytes with the media type that says what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The media type.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Content {
    /// The digest of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// The descriptor that another manifest refers to this with.
    pub fn descriptor(&self) -> Value {
        json!({
            "mediaType": self.media_type,
            "digest": self.digest().to_string(),
            "size": self.bytes.len(),
        })
    }
}

/// One image of one platform.
#[derive(Debug, Clone)]
pub struct Image {
    /// The manifest.
    pub manifest: Content,
    /// The configuration.
    pub config: Content,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// `os/architecture` or `os/architecture/variant`.
    pub platform: String,
}

/// How an image is to be made.
#[derive(Debug, Clone)]
pub struct Builder {
    layers: Vec<Layer>,
    labels: Vec<(String, String)>,
    platform: String,
    runtime: serde_json::Map<String, Value>,
    docker: bool,
}

impl Image {
    /// Starts an OCI image of `linux/amd64` without layers.
    pub fn builder() -> Builder {
        Builder {
            layers: Vec::new(),
            labels: Vec::new(),
            platform: "linux/amd64".to_owned(),
            runtime: serde_json::Map::new(),
            docker: false,
        }
    }

    /// The digest of the manifest: the image's identity.
    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }

    /// The configuration and the layers, as the blobs to be pushed before the manifest.
    pub fn blobs(&self) -> Vec<Content> {
        let layer = |layer: &Layer| Content {
            media_type: layer.media_type.clone(),
            bytes: layer.bytes.clone(),
        };
        std::iter::once(self.config.clone()).chain(self.layers.iter().map(layer)).collect()
    }
}

impl Builder {
    /// Adds a layer on top.
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds a label.
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets the platform, `os/architecture` or `os/architecture/variant`.
    pub fn platform(self, platform: &str) -> Self {
        Self { platform: platform.to_owned(), ..self }
    }

    /// Sets a field of the configuration's `config` object, such as `Entrypoint`.
    pub fn runtime(mut self, key: &str, value: Value) -> Self {
        self.runtime.insert(key.to_owned(), value);
        self
    }

    /// Writes Docker's schema 2 instead of OCI. Layers keep their own media types, except gzip.
    pub fn docker(self) -> Self {
        Self { docker: true, ..self }
    }

    /// The image.
    pub fn build(self) -> Image {
        let mut platform = self.platform.split('/');
        let mut runtime = self.runtime;
        let labels = self.labels.into_iter().map(|(key, value)| (key, value.into())).collect();
        runtime.insert("Labels".to_owned(), Value::Object(labels));
        let mut config = json!({
            "created": "2026-01-02T03:04:05Z",
            "os": platform.next().unwrap_or_default(),
            "architecture": platform.next().unwrap_or_default(),
            "config": runtime,
            "rootfs": {
                "type": "layers",
                "diff_ids": self.layers.iter().map(|l| l.diff_id.to_string()).collect::<Vec<_>>(),
            },
            "history": self.layers.iter().map(|_| json!({ "created_by": "testkit" }))
                .collect::<Vec<_>>(),
        });
        if let Some(variant) = platform.next() {
            config["variant"] = variant.into();
        }
        let (manifest_type, config_type) = if self.docker {
            (media::DOCKER_MANIFEST, media::DOCKER_CONFIG)
        } else {
            (media::OCI_MANIFEST, media::OCI_CONFIG)
        };
        let mut layers = self.layers;
        for layer in layers.iter_mut().filter(|l| l.media_type == media::OCI_LAYER_GZIP) {
            if self.docker {
                media::DOCKER_LAYER_GZIP.clone_into(&mut layer.media_type);
            }
        }
        let config =
            Content { media_type: config_type.to_owned(), bytes: config.to_string().into() };
        let descriptors = layers.iter().map(|layer| {
            json!({
                "mediaType": layer.media_type,
                "digest": layer.digest().to_string(),
                "size": layer.bytes.len(),
            })
        });
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": config.descriptor(),
            "layers": descriptors.collect::<Vec<_>>(),
        });
        let manifest =
            Content { media_type: manifest_type.to_owned(), bytes: manifest.to_string().into() };
        Image { manifest, config, layers, platform: self.platform }
    }
}

/// Images of several platforms under one digest.
#[derive(Debug, Clone)]
pub struct Index {
    /// The index itself.
    pub manifest: Content,
    /// What it refers to.
    pub images: Vec<Image>,
}

impl Index {
    /// The OCI index of `images`.
    pub fn of(images: Vec<Image>) -> Self {
        Self::with_types(images, media::OCI_INDEX)
    }

    /// Docker's manifest list of `images`.
    pub fn docker(images: Vec<Image>) -> Self {
        Self::with_types(images, media::DOCKER_LIST)
    }

    fn with_types(images: Vec<Image>, media_type: &str) -> Self {
        let manifests = images.iter().map(|image| {
            let mut parts = image.platform.split('/');
            let mut descriptor = image.manifest.descriptor();
            descriptor["platform"] = json!({ "os": parts.next(), "architecture": parts.next() });
            if let Some(variant) = parts.next() {
                descriptor["platform"]["variant"] = variant.into();
            }
            descriptor
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type,
            "manifests": manifests.collect::<Vec<_>>(),
        });
        let manifest =
            Content { media_type: media_type.to_owned(), bytes: index.to_string().into() };
        Self { manifest, images }
    }

    /// The digest of the index.
    pub fn digest(&self) -> Digest {
        self.manifest.digest()
    }
}
