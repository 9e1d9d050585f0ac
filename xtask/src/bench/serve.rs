//! Blobs and manifests under load, from ours and from Debian's docker-registry.

use std::process::Command;

use anyhow::{Context, ensure};
use portolan_model::media;
use portolan_testkit::docker_registry;
use portolan_testkit::synthetic::noise;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer, Publisher, Server, process};

use super::Bench;
use super::report::{Floor, Row, Section, median};

const ROUNDS: usize = 3;
const REPOSITORY: &str = "bench/serve";
const KIB: usize = 1024;

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let ours = Server::start(&bench.binary, portolan_testkit::server::Options::default())?;
    let peer = docker_registry::start(&docker_registry::Options::default())?;
    let (ours_url, peer_url) = (ours.url(""), peer.url());
    let mut rows = Vec::new();

    let archive = tar::archive(&[Entry::file("etc/hello", "hello")]);
    let image = Image::builder().layer(Layer::gzip(&archive)).build();
    for url in [&ours_url, &peer_url] {
        Publisher::new(url, REPOSITORY).image("1", &image)?;
    }
    let digest = image.digest();
    for (what, path) in [("tag", "1".to_owned()), ("digest", digest.to_string())] {
        let path = format!("/v2/{REPOSITORY}/manifests/{path}");
        let what = format!("manifest by {what}, requests a second");
        rows.push(compare(what, &ours_url, &peer_url, &path, Floor::TimesPeer(10.0))?);
    }
    for size in [64 * KIB, KIB * KIB, 16 * KIB * KIB] {
        let content = noise(size as u64, size);
        let mut digest = None;
        for url in [&ours_url, &peer_url] {
            digest = Some(Publisher::new(url, REPOSITORY).blob(&content)?);
        }
        let digest = digest.context("nothing was pushed")?;
        let path = format!("/v2/{REPOSITORY}/blobs/{digest}");
        let what = format!("blob of {} KiB, requests a second", size / KIB);
        rows.push(compare(what, &ours_url, &peer_url, &path, Floor::TimesPeer(1.0))?);
    }
    rows.push(Row {
        what: "our `/health`, for an idle handler, requests a second".to_owned(),
        ours: wrk(&format!("{ours_url}/health"))?,
        peer: None,
        floor: None,
    });
    Ok(Section {
        title: "Pull under load",
        method: format!(
            "`wrk -t2 -c32 -d5s` on the same machine as the server that it loads; the peer is \
             Debian's docker-registry. {ROUNDS} rounds in turns; medians."
        ),
        rows,
    })
}

fn compare(what: String, ours: &str, peer: &str, path: &str, floor: Floor) -> anyhow::Result<Row> {
    let (mut our_rates, mut peer_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_rates.push(wrk(&format!("{ours}{path}"))?);
        peer_rates.push(wrk(&format!("{peer}{path}"))?);
    }
    let ours = median(&our_rates).context("no round was run")?;
    Ok(Row { what, ours, peer: median(&peer_rates), floor: Some(floor) })
}

/// Requests a second that `url` answers to 32 connections.
fn wrk(url: &str) -> anyhow::Result<f64> {
    let accept = format!("Accept: {}, */*", media::OCI_MANIFEST);
    let mut command = Command::new("wrk");
    command.args(["-t2", "-c32", "-d5s", "-H", &accept, url]);
    let output = process::output(&mut command)?;
    ensure!(!output.contains("Non-2xx"), "{url} was refused under load:\n{output}");
    let rate = output.lines().find_map(|line| line.trim().strip_prefix("Requests/sec:"));
    Ok(rate.with_context(|| format!("wrk told no rate:\n{output}"))?.trim().parse()?)
}
