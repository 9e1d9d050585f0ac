//! Pushing a gigabyte with skopeo, to ours and to Debian's docker-registry.

use std::process::Command;
use std::time::Instant;

use anyhow::Context;
use portolan_testkit::Server;
use portolan_testkit::containers::Containers;
use portolan_testkit::docker_registry;
use portolan_testkit::synthetic::{Content, Recipe};

use super::report::{Floor, Row, Section, median};
use super::usage::cpu_seconds;
use super::{Bench, Input};

const ROUNDS: usize = 5;

/// Seconds of the push and CPU seconds of the registry.
type Taken = (f64, f64);

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let recipe = Recipe {
        layers: 4,
        files: 4000,
        bytes: 1_000_000_000,
        content: Content::Noise,
        seed: 1,
        gzip: Some(1),
    };
    let input = bench.image("push", &recipe)?;
    let containers = Containers::new()?;
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Whoever goes second finds a warmer machine, so they take turns.
        if round % 2 == 0 {
            ours.push(push_to_ours(bench, &containers, &input)?);
            peer.push(push_to_peer(&containers, &input)?);
        } else {
            peer.push(push_to_peer(&containers, &input)?);
            ours.push(push_to_ours(bench, &containers, &input)?);
        }
    }
    let middle = |taken: &[Taken], pick: fn(&Taken) -> f64| {
        median(&taken.iter().map(pick).collect::<Vec<_>>()).context("no round was run")
    };
    let row = |what: &str, pick: fn(&Taken) -> f64, floor| -> anyhow::Result<Row> {
        let (ours, peer) = (middle(&ours, pick)?, middle(&peer, pick)?);
        Ok(Row { what: what.to_owned(), ours, peer: Some(peer), floor })
    };
    Ok(Section {
        title: "Push 1 GB in 4 layers",
        method: format!(
            "`skopeo copy oci:... docker://...` of one image of 1 GB that does not compress, in 4 \
             gzip layers; the peer is Debian's docker-registry. {ROUNDS} rounds in turns, each to \
             a new, empty registry; medians. CPU seconds are the registry's, until skopeo returned."
        ),
        rows: vec![
            row("push, seconds", |taken| taken.0, Some(Floor::BelowPeer))?,
            row("CPU of the registry, seconds", |taken| taken.1, None)?,
        ],
    })
}

fn push_to_ours(bench: &Bench, containers: &Containers, input: &Input) -> anyhow::Result<Taken> {
    let mut server = Server::start(&bench.binary, portolan_testkit::server::Options::default())?;
    let pid = server.process().id();
    push(containers, input, &server.address(), pid)
}

fn push_to_peer(containers: &Containers, input: &Input) -> anyhow::Result<Taken> {
    let registry = docker_registry::start(&docker_registry::Options::default())?;
    push(containers, input, &registry.address(), registry.process().id())
}

fn push(containers: &Containers, input: &Input, address: &str, pid: u32) -> anyhow::Result<Taken> {
    // What the round before left to be written is not this one's work.
    crate::run::run(&mut Command::new("sync"))?;
    let before = cpu_seconds(pid)?;
    let start = Instant::now();
    let to = format!("docker://{address}/bench/push:1");
    containers.skopeo(&["copy", "--quiet", "--dest-tls-verify=false", &input.name(), &to])?;
    Ok((start.elapsed().as_secs_f64(), cpu_seconds(pid)? - before))
}
