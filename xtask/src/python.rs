//! What tests and benchmarks need from the Python package index, each in a virtual environment under
//! `target`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::run::{root, run};

/// What is installed for whom, each package with its version.
struct Venv {
    name: &'static str,
    /// The file of requirements.
    wanted: &'static str,
    program: &'static str,
    why: &'static str,
}

const MOTO: Venv = Venv {
    name: "moto",
    wanted: concat!(env!("CARGO_MANIFEST_DIR"), "/moto.txt"),
    program: "moto_server",
    why: "which stands in for AWS",
};

const WECO: Venv = Venv {
    name: "weco-deploy",
    wanted: concat!(env!("CARGO_MANIFEST_DIR"), "/weco-deploy.txt"),
    program: "weco-deploy",
    why: "beside which ours is held",
};

const S3_PEERS: Venv = Venv {
    name: "s3-peers",
    wanted: concat!(env!("CARGO_MANIFEST_DIR"), "/s3-peers.txt"),
    program: "s5cmd",
    why: "beside which ours is measured",
};

/// The folder of s5cmd and rclone, installed if they are not there, saying what.
pub(crate) fn s3_peers() -> anyhow::Result<PathBuf> {
    let s5cmd = installed(&S3_PEERS)?;
    s5cmd.parent().map(PathBuf::from).context("a program without a folder")
}

/// The path of moto's server, installed if it is not there, saying what.
pub(crate) fn moto() -> anyhow::Result<PathBuf> {
    installed(&MOTO)
}

/// The path of weco-deploy, the original, installed if it is not there, saying what.
pub(crate) fn weco() -> anyhow::Result<PathBuf> {
    installed(&WECO)
}

fn installed(it: &Venv) -> anyhow::Result<PathBuf> {
    let venv = root().canonicalize()?.join("target/peers").join(it.name);
    let program = venv.join("bin").join(it.program);
    let wanted = std::fs::read_to_string(it.wanted)
        .with_context(|| format!("reading what {} needs", it.name))?;
    // Written last, so that a half-made environment is made again.
    let done = venv.join("installed.txt");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        println!("{} is there, with {} packages of PyPI", it.name, packages(&wanted).count());
        return Ok(program);
    }
    println!("installing from PyPI, into {}: {}, {}", venv.display(), it.name, it.why);
    println!("  {}", packages(&wanted).collect::<Vec<_>>().join(" "));
    if venv.exists() {
        std::fs::remove_dir_all(&venv)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut install = Command::new(venv.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    run(install.args(["--requirement", it.wanted]))?;
    ensure!(program.is_file(), "{} was installed, and has no {}", it.name, program.display());
    std::fs::write(done, wanted)?;
    Ok(program)
}

fn packages(wanted: &str) -> impl Iterator<Item = &str> {
    wanted.lines().filter(|line| !line.starts_with('#'))
}
