//! The configuration of an image: what it runs, for which platform, and how it was made.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Digest, DigestError, Limits, Platform, Timestamp};
use serde::Deserialize;

/// Why bytes are not an image's configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// More bytes than the limit `manifest_bytes`.
    #[error("the image's configuration has {size} bytes, over the limit of {limit}")]
    TooLarge {
        /// Bytes seen.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Not JSON of the right shape.
    #[error("the image's configuration is not JSON of the right shape")]
    Json(#[source] serde_json::Error),
    /// A layer's uncompressed digest is none.
    #[error("rootfs.diff_ids[{at}] of the image's configuration is not a digest")]
    DiffId {
        /// Its place, from 0.
        at: usize,
        /// What is wrong with it.
        source: DigestError,
    },
}

/// What an [image configuration](https://github.com/opencontainers/image-spec/blob/main/config.md)
/// says. What is missing is empty; what is not known is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// When the image was made; none where it is not told or not a moment.
    pub created: Option<Timestamp>,
    /// Who made it.
    pub author: Option<String>,
    /// What it runs on; none where operating system or architecture are missing.
    pub platform: Option<Platform>,
    /// What is run.
    pub entrypoint: Vec<String>,
    /// Its arguments, or what is run where there is no entrypoint.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// Where it is run.
    pub working_dir: Option<String>,
    /// As whom it is run.
    pub user: Option<String>,
    /// `8080/tcp`, sorted.
    pub exposed_ports: BTreeSet<String>,
    /// Labels; those whose value is null are left out.
    pub labels: BTreeMap<String, String>,
    /// The digests of the layers' uncompressed bytes, the lowest layer first.
    pub diff_ids: Vec<Digest>,
    /// How each layer came to be, and what was done besides.
    pub history: Vec<History>,
}

/// One step of how the image was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// When.
    pub created: Option<Timestamp>,
    /// The command, as the builder wrote it.
    pub created_by: Option<String>,
    /// Whether the step made no layer.
    pub empty_layer: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw {
    created: Option<String>,
    author: Option<String>,
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
    config: Option<RawRun>,
    rootfs: Option<RawRootfs>,
    history: Option<Vec<RawHistory>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct RawRun {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
    user: Option<String>,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
    labels: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawRootfs {
    diff_ids: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawHistory {
    created: Option<String>,
    created_by: Option<String>,
    empty_layer: Option<bool>,
}

fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn moment(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}

impl ImageConfig {
    /// Reads a configuration.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ConfigError> {
        let size = bytes.len() as u64;
        if size > limits.manifest_bytes {
            return Err(ConfigError::TooLarge { size, limit: limits.manifest_bytes });
        }
        let raw: Raw = serde_json::from_slice(bytes).map_err(ConfigError::Json)?;
        let run = raw.config.unwrap_or_default();
        let diff_ids = raw.rootfs.unwrap_or_default().diff_ids.unwrap_or_default();
        let history = raw.history.unwrap_or_default().into_iter();
        Ok(Self {
            created: moment(raw.created.as_deref()),
            author: told(raw.author),
            platform: told(raw.os).zip(told(raw.architecture)).map(|(os, architecture)| Platform {
                os,
                architecture,
                variant: told(raw.variant),
            }),
            entrypoint: run.entrypoint.unwrap_or_default(),
            cmd: run.cmd.unwrap_or_default(),
            env: run.env.unwrap_or_default(),
            working_dir: told(run.working_dir),
            user: told(run.user),
            exposed_ports: run.exposed_ports.unwrap_or_default().into_keys().collect(),
            labels: crate::descriptor::annotations(run.labels),
            diff_ids: diff_ids
                .iter()
                .enumerate()
                .map(|(at, text)| text.parse().map_err(|source| ConfigError::DiffId { at, source }))
                .collect::<Result<_, _>>()?,
            history: history
                .map(|step| History {
                    created: moment(step.created.as_deref()),
                    created_by: told(step.created_by),
                    empty_layer: step.empty_layer.unwrap_or_default(),
                })
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ImageConfig, ConfigError> {
        ImageConfig::parse(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn nulls_and_gaps_are_empty() {
        assert_eq!(parse("{}").unwrap(), ImageConfig::default());
        let all_null = r#"{"config": {"Labels": null, "Env": null, "Entrypoint": null},
            "rootfs": null, "history": null, "created": "not a moment"}"#;
        assert_eq!(parse(all_null).unwrap(), ImageConfig::default());
    }

    #[test]
    fn what_is_there_is_read() {
        let digest = Digest::of(b"layer");
        let config = parse(&format!(
            r#"{{"created": "2026-01-05T10:00:00.5Z", "os": "linux", "architecture": "arm64",
            "variant": "v8", "unknown": [1],
            "config": {{"Labels": {{"a": "b", "c": null}}, "Env": ["PATH=/bin"], "User": "",
                "Entrypoint": ["/app"], "Cmd": ["run"], "WorkingDir": "/srv",
                "ExposedPorts": {{"80/tcp": {{}}}}}},
            "rootfs": {{"type": "layers", "diff_ids": ["{digest}"]}},
            "history": [{{"created_by": "COPY", "empty_layer": true}}]}}"#
        ))
        .unwrap();
        assert_eq!(config.created.unwrap().to_string(), "2026-01-05T10:00:00.500Z");
        assert_eq!(config.platform.unwrap().to_string(), "linux/arm64/v8");
        assert_eq!(config.labels, BTreeMap::from([("a".into(), "b".into())]));
        assert_eq!((config.user, config.working_dir), (None, Some("/srv".into())));
        assert_eq!(config.diff_ids, [digest]);
        assert!(config.history[0].empty_layer);
        assert!(config.exposed_ports.contains("80/tcp"));
    }

    #[test]
    fn a_broken_diff_id_and_a_large_document_are_refused() {
        let error = parse(r#"{"rootfs": {"diff_ids": ["sha256:x"]}}"#).unwrap_err();
        assert!(matches!(error, ConfigError::DiffId { at: 0, .. }));
        let limits = Limits { manifest_bytes: 1, ..Limits::default() };
        let error = ImageConfig::parse(b"{}", &limits).unwrap_err();
        assert!(matches!(error, ConfigError::TooLarge { size: 2, limit: 1 }));
    }
}
