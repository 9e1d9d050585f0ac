//! `cargo xtask bench`: what was promised about speed, measured beside its peers in one run.

mod assets;
mod commands;
mod push;
mod report;
mod scan;
mod serve;
mod track;
mod usage;
mod visible;
mod wall;
mod weco;

use std::path::PathBuf;

use anyhow::{Context, ensure};
use portolan_testkit::layout::Layout;
use portolan_testkit::synthetic::Recipe;

use crate::packages::{self, Package};
use crate::run::{cargo, root, run};
use report::Section;

/// What the benchmarks need besides what the tests need.
const PACKAGES: &[Package] = &[
    ("wrk", "load on blobs and manifests"),
    ("hyperfine", "the time that commands take"),
    ("python3-venv", "trivy, which is on PyPI"),
];

type Benchmark = fn(&Bench) -> anyhow::Result<Section>;

/// Every benchmark by its name, in the order of the page.
const BENCHMARKS: &[(&str, Benchmark)] = &[
    ("push", push::run),
    ("serve", serve::run),
    ("visible", visible::run),
    ("wall", wall::run),
    ("scan", scan::run),
    ("ingest", track::ingest),
    ("running", track::running),
    ("where", track::whereabouts),
    ("weco-deploy", weco::run),
    ("assets", assets::run),
    ("commands", commands::run),
];

/// What every benchmark works with.
pub(crate) struct Bench {
    /// The release build of the binary.
    pub(crate) binary: PathBuf,
    /// Where inputs are kept between runs.
    dir: PathBuf,
}

/// Runs the benchmarks called `names`, or all; all of them together write `docs/benchmarks.md`.
pub(crate) fn bench(names: &[String]) -> anyhow::Result<()> {
    for name in names {
        let known: Vec<_> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
        ensure!(known.contains(&name.as_str()), "no benchmark is called {name}, but {known:?}");
    }
    let folder = root().join("target/bench");
    std::fs::create_dir_all(&folder)?;
    let lock = std::fs::File::create(folder.join("lock"))?;
    lock.try_lock().context("another benchmark is running: figures of two at once are none")?;
    packages::install(packages::TEST)?;
    packages::install(PACKAGES)?;
    run(&mut cargo(&["build", "--release", "--locked", "--package", "portolan"]))?;
    let bench =
        Bench { binary: root().join("target/release/portolan"), dir: root().join("target/bench") };
    let mut sections = Vec::new();
    for (name, benchmark) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|wanted| wanted == name) {
            println!("\n== {name}");
            let section = benchmark(&bench)?;
            println!("{}", section.markdown());
            sections.push(section);
        }
    }
    if names.is_empty() {
        std::fs::write(root().join("docs/benchmarks.md"), report::page(&sections))?;
        println!("written to docs/benchmarks.md");
    }
    Ok(())
}

impl Bench {
    /// The image that `recipe` makes, as `oci:DIR:TAG` and its folder; made once and kept.
    pub(crate) fn image(&self, name: &str, recipe: &Recipe) -> anyhow::Result<Input> {
        let dir = self.dir.join(name);
        let made = dir.join("recipe");
        let wanted = format!("{recipe:?}");
        if std::fs::read_to_string(&made).is_ok_and(|recipe| recipe == wanted) {
            return Ok(Input { dir });
        }
        println!("making {name}: {wanted}");
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        recipe.write(&mut Layout::create(&dir)?, TAG)?;
        std::fs::write(made, wanted)?;
        Ok(Input { dir })
    }
}

/// The one tag of every input.
const TAG: &str = "latest";

/// An OCI layout with one image.
pub(crate) struct Input {
    /// The layout's folder.
    pub(crate) dir: PathBuf,
}

impl Input {
    /// As skopeo names it.
    pub(crate) fn name(&self) -> String {
        format!("oci:{}:{TAG}", self.dir.display())
    }

    /// The digest and the bytes of its manifest.
    pub(crate) fn manifest(&self) -> anyhow::Result<Vec<u8>> {
        let index: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.dir.join("index.json"))?)?;
        self.blob(index["manifests"][0]["digest"].as_str().unwrap_or_default())
    }

    /// The bytes of the blob called `digest`.
    pub(crate) fn blob(&self, digest: &str) -> anyhow::Result<Vec<u8>> {
        let path = self.dir.join("blobs").join(digest.replace(':', "/"));
        Ok(std::fs::read(path)?)
    }
}
