//! Releasing and deploying as weco-deploy does, beside the original: calls of AWS, and time.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use portolan_testkit::weco::World;

use super::Bench;
use super::report::{Floor, Row, Section};
use crate::python;

/// Images, each with a service of its own.
const IMAGES: usize = 10;
/// Services of the world in which a plan is made.
const MANY: usize = 200;
/// Runs of each kind, of which the middle one counts.
const RUNS: usize = 5;
/// Milliseconds for each call, seconds of the fake's in one second, and how much faster ours is.
const LATENCIES: [(u64, f64, f64); 3] =
    [(0, 10_000.0, 4.0), (20, 3_000.0, 6.0), (60, 3_000.0, 6.0)];

const ARGUMENTS: &[&str] = &[
    "--confirm",
    "release-deploy",
    "--from-label",
    "latest",
    "--environment-id",
    "stage",
    "--description",
    "bench",
    "--confirmation-interval",
    "1",
];

/// One run: how long it took, what it asked, what it said.
struct Ran {
    seconds: f64,
    counts: BTreeMap<String, usize>,
    said: String,
}

impl Ran {
    fn calls(&self) -> usize {
        self.counts.values().sum()
    }

    /// How often it looked whether it is done yet, after the first time.
    fn further_looks(&self) -> usize {
        self.said.matches("Trying again").count()
    }
}

fn ran(world: &World, command: &mut Command) -> anyhow::Result<Ran> {
    world.fake.counts();
    let start = Instant::now();
    let output = command.output()?;
    let seconds = start.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed:\n{said}{stderr}");
    Ok(Ran { seconds, counts: world.fake.counts(), said })
}

fn world(images: usize, latency: u64, speed: f64) -> anyhow::Result<World> {
    let world = World::plain(images)?;
    world.make_table()?;
    world.fake.latency(Duration::from_millis(latency));
    world.fake.run(speed);
    Ok(world)
}

/// Releases and deploys everything once.
fn deployed(ours: Option<&Path>, latency: u64, speed: f64) -> anyhow::Result<Ran> {
    let world = world(IMAGES, latency, speed)?;
    let mut command = match ours {
        Some(binary) => world.command(binary, &[&["compat", "weco-deploy"], ARGUMENTS].concat()),
        None => world.original(ARGUMENTS)?,
    };
    let ran = ran(&world, &mut command)?;
    let (is, shall) = (world.tags("stage"), "B".repeat(IMAGES));
    ensure!(is == shall, "the tags are {is}");
    Ok(ran)
}

fn middle(runs: Vec<Ran>) -> anyhow::Result<Ran> {
    let mut runs = runs;
    runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let at = runs.len() / 2;
    runs.into_iter().nth(at).context("no runs")
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    python::weco()?;
    let ours = Some(bench.binary.as_path());
    let row = |what: String, ours, peer, floor| Row { what, ours, peer, floor };
    let mut rows = Vec::new();
    for (latency, speed, times) in LATENCIES {
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            own.push(deployed(ours, latency, speed)?);
            theirs.push(deployed(None, latency, speed)?);
        }
        let (own, theirs) = (middle(own)?, middle(theirs)?);
        if latency == 0 {
            // Looks that came too early are counted apart.
            let counted = count(own.calls() - own.further_looks());
            let peer = count(theirs.calls().saturating_sub(45 * theirs.further_looks()));
            let what = "calls of AWS until the first look has ended".to_owned();
            rows.push(row(what, counted, Some(peer), Some(Floor::AtMost(50.0))));
        }
        let what = format!("{latency} ms for each call, s");
        rows.push(row(what, own.seconds, Some(theirs.seconds), None));
        let faster = theirs.seconds / own.seconds;
        let what = "the same, times as fast as the peer".to_owned();
        rows.push(row(what, faster, None, Some(Floor::AtLeast(times))));
    }
    // Slow enough that there is more than one look.
    let slow = |ours: Option<&Path>| -> anyhow::Result<f64> {
        let (fast, slow) = (deployed(ours, 0, 10_000.0)?, deployed(ours, 0, 8.0)?);
        let looks = slow.further_looks().saturating_sub(fast.further_looks());
        ensure!(looks > 0, "there was one look alone");
        Ok((count(slow.calls()) - count(fast.calls())) / count(looks))
    };
    let (own, theirs) = (slow(ours)?, slow(None)?);
    let what = format!("calls for each further look at {IMAGES} services");
    rows.push(row(what, own, Some(theirs), Some(Floor::AtMost(1.0))));
    rows.extend(planned(bench)?);
    Ok(Section {
        title: "Release and deploy, as weco-deploy",
        method: format!(
            "`weco-deploy release-deploy` of {IMAGES} images to {IMAGES} services of two tasks each, \
             all of them new, on a fake of AWS that rolls out and answers each call a little later; \
             the peer is weco-deploy 5.7.4 of PyPI, which is spared its call to the package index. \
             The middle of {RUNS} runs, each in a world of its own. A plan is \
             `--dry-run deploy` of {MANY} images to {MANY} services, at 20 ms for each call."
        ),
        rows,
    })
}

/// What a deployment of many services would do.
fn planned(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let world = world(MANY, 0, 0.0)?;
    let prepare: &[&str] = &["compat", "weco-deploy", "--confirm", "prepare"];
    ran(&world, &mut world.command(&bench.binary, prepare))?;
    world.fake.latency(Duration::from_millis(20));
    world.fake.most_at_once();
    let plan = ["compat", "weco-deploy", "--confirm", "--dry-run", "deploy"];
    let mut seconds = Vec::new();
    for _ in 0..RUNS {
        seconds.push(ran(&world, &mut world.command(&bench.binary, &plan))?.seconds);
    }
    seconds.sort_by(f64::total_cmp);
    let row = |what: String, ours, floor| Row { what, ours, peer: None, floor: Some(floor) };
    Ok(vec![
        row(format!("plan of {MANY} services, s"), seconds[RUNS / 2], Floor::AtMost(1.0)),
        row(
            "the same, calls under way at a time".to_owned(),
            count(world.fake.most_at_once()),
            Floor::AtMost(10.0),
        ),
    ])
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
