//! How long it takes until a pushed image can be asked about.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use portolan_testkit::synthetic::{Content, Recipe};
use portolan_testkit::{Server, image};

use super::report::{Floor, Row, Section, median};
use super::{Bench, Input, TAG};

const ROUNDS: u64 = 5;
/// For how long an image may be asked for in vain.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let server = Server::start(&bench.binary, portolan_testkit::server::Options::default())?;
    let mut seconds = Vec::new();
    let mut bytes = 0;
    for seed in 0..ROUNDS {
        let recipe = Recipe {
            layers: 5,
            files: 2500,
            bytes: 125_000_000,
            content: Content::Software,
            seed,
            gzip: Some(6),
        };
        let input = bench.image(&format!("visible-{seed}"), &recipe)?;
        let repository = format!("bench/visible-{seed}");
        let manifest = push_blobs(&server.url(""), &repository, &input)?;
        bytes = manifest.size;
        manifest.put(&server.url(""), &repository)?;
        let start = Instant::now();
        while server.get(&format!("/artifacts/{repository}/{TAG}"))?.status != 200 {
            if start.elapsed() > PATIENCE {
                bail!("{repository} is still not in /artifacts after {PATIENCE:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let worst = seconds.iter().copied().reduce(f64::max).context("no round was run")?;
    let row = |what: &str, ours, floor| Row { what: what.to_owned(), ours, peer: None, floor };
    Ok(Section {
        title: "From push to visible",
        method: format!(
            "From the answer to the `PUT` of the manifest until `GET /artifacts/REPOSITORY/TAG` \
             answers 200, which it does once the image is scanned. Images of {} MB (125 MB raw, \
             2,500 files, 5 gzip layers), none of whose layers was seen before; {ROUNDS} rounds.",
            bytes / 1_000_000
        ),
        rows: vec![
            row("median, seconds", median(&seconds).unwrap_or(worst), Some(Floor::AtMost(1.0))),
            row("worst, seconds", worst, Some(Floor::AtMost(1.0))),
        ],
    })
}

/// A manifest whose blobs were pushed.
pub(super) struct Ready {
    manifest: image::Content,
    /// The bytes of the layers as they are stored.
    pub(super) size: u64,
}

impl Ready {
    /// Puts the manifest, after which the image exists.
    pub(super) fn put(&self, url: &str, repository: &str) -> anyhow::Result<()> {
        portolan_testkit::Publisher::new(url, repository).manifest(TAG, &self.manifest)
    }
}

/// Pushes everything of `input` but its manifest.
pub(super) fn push_blobs(url: &str, repository: &str, input: &Input) -> anyhow::Result<Ready> {
    let bytes = input.manifest()?;
    let parsed: serde_json::Value = serde_json::from_slice(&bytes)?;
    let publisher = portolan_testkit::Publisher::new(url, repository);
    let layers = parsed["layers"].as_array().context("a manifest without layers")?;
    let mut size = 0;
    for descriptor in layers.iter().chain([&parsed["config"]]) {
        let digest = descriptor["digest"].as_str().context("a descriptor without a digest")?;
        size += descriptor["size"].as_u64().unwrap_or_default();
        publisher.blob(&input.blob(digest)?)?;
    }
    let media_type = parsed["mediaType"].as_str().unwrap_or_default().to_owned();
    Ok(Ready { manifest: image::Content { media_type, bytes }, size })
}
