//! What the tests need from the Python package index: moto, in a virtual environment under `target`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::run::{root, run};

/// What is installed, each with its version.
const MOTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/moto.txt");

/// The path of moto's server, installed if it is not there, saying what.
pub(crate) fn moto() -> anyhow::Result<PathBuf> {
    let venv = root().canonicalize()?.join("target/peers/moto");
    let server = venv.join("bin/moto_server");
    let wanted = std::fs::read_to_string(MOTO).context("reading what moto needs")?;
    // Written last, so that a half-made environment is made again.
    let done = venv.join("installed.txt");
    if std::fs::read_to_string(&done).is_ok_and(|installed| installed == wanted) {
        println!("moto is there, with {} packages of PyPI", packages(&wanted).count());
        return Ok(server);
    }
    println!("installing from PyPI, into {}: moto, which stands in for AWS", venv.display());
    println!("  {}", packages(&wanted).collect::<Vec<_>>().join(" "));
    if venv.exists() {
        std::fs::remove_dir_all(&venv)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let mut install = Command::new(venv.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    run(install.args(["--requirement", MOTO]))?;
    ensure!(server.is_file(), "moto was installed, and has no {}", server.display());
    std::fs::write(done, wanted)?;
    Ok(server)
}

fn packages(wanted: &str) -> impl Iterator<Item = &str> {
    wanted.lines().filter(|line| !line.starts_with('#'))
}
