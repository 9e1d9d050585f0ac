//! How long commands take that people type all day.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, anyhow};
use portolan_testkit::image::Content;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer, Publisher, Server, process};
use serde_json::json;

use super::Bench;
use super::report::{Floor, Row, Section};

const TAGS: usize = 10_000;
const REPOSITORY: &str = "bench/tags";

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let server = Server::start(&bench.binary, portolan_testkit::server::Options::default())?;
    push_tags(&server.url(""))?;
    let binary = bench.binary.display();
    let list = format!("{binary} image list {REPOSITORY} --server {}", server.url(""));
    let row = |what: &str, seconds: f64, most| Row {
        what: what.to_owned(),
        ours: seconds * 1000.0,
        peer: None,
        floor: Some(Floor::AtMost(most)),
    };
    let result = server.data().join("hyperfine.json");
    Ok(Section {
        title: "Commands",
        method: format!(
            "`hyperfine --shell=none --warmup 3`, means. The list is of {TAGS} tags of one \
             repository that point to as many images, asked from a running server."
        ),
        rows: vec![
            row(
                "`portolan --help`, milliseconds",
                hyperfine(&format!("{binary} --help"), &result)?,
                20.0,
            ),
            row(
                "`portolan image list REPOSITORY`, milliseconds",
                hyperfine(&list, &result)?,
                100.0,
            ),
        ],
    })
}

/// Pushes ten thousand tags, each of an image of its own, from several threads. What differs is the
/// manifest alone: a list shows images and reads no layer.
fn push_tags(url: &str) -> anyhow::Result<()> {
    let archive = tar::archive(&[Entry::file("etc/hello", "hello")]);
    let image = Image::builder().layer(Layer::gzip(&archive)).build();
    Publisher::new(url, REPOSITORY).image("v0.0.0", &image)?;
    let next = AtomicUsize::new(1);
    let work = || -> anyhow::Result<()> {
        let publisher = Publisher::new(url, REPOSITORY);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= TAGS {
                return Ok(());
            }
            let tag = format!("v{}.{}.0", number / 100, number % 100);
            publisher.manifest(&tag, &renamed(&image.manifest, &tag)?)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| anyhow!("a worker panicked"))?)
    })
}

/// `manifest` with an annotation that no other has.
fn renamed(manifest: &Content, name: &str) -> anyhow::Result<Content> {
    let mut value: serde_json::Value = serde_json::from_slice(&manifest.bytes)?;
    value["annotations"] = json!({ "org.opencontainers.image.version": name });
    Ok(Content { media_type: manifest.media_type.clone(), bytes: value.to_string().into() })
}

/// The mean time of `command`, in seconds.
fn hyperfine(command: &str, result: &Path) -> anyhow::Result<f64> {
    let mut hyperfine = Command::new("hyperfine");
    hyperfine.args(["--shell=none", "--warmup", "3", "--style", "none", "--export-json"]);
    process::output(hyperfine.arg(result).arg(command))?;
    let result: serde_json::Value = serde_json::from_slice(&std::fs::read(result)?)?;
    result["results"][0]["mean"].as_f64().context("hyperfine told no mean")
}
