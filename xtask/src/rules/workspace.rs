//! What the rules are checked against: the packages, their manifests and their sources.

use std::path::{Path, PathBuf};

use anyhow::Context;
use portolan_testkit::process;
use serde_json::Value;

use crate::run::{cargo, root};

/// The workspace as cargo and the file system know it.
pub(crate) struct Workspace {
    /// Every package.
    pub(crate) packages: Vec<Package>,
    /// The names under `[workspace.dependencies]`.
    pub(crate) offered: Vec<String>,
}

/// A package of the workspace.
pub(crate) struct Package {
    /// The name.
    pub(crate) name: String,
    /// What it depends on.
    pub(crate) dependencies: Vec<Dependency>,
    /// The text of its manifest.
    pub(crate) manifest: String,
    /// Its source files.
    pub(crate) sources: Vec<Source>,
}

/// A dependency as the manifest declares it.
pub(crate) struct Dependency {
    /// The package's name.
    pub(crate) name: String,
    /// The name in the manifest.
    pub(crate) key: String,
    /// Whether it is for tests only.
    pub(crate) dev: bool,
}

/// A source file.
pub(crate) struct Source {
    /// The path.
    pub(crate) path: PathBuf,
    /// The text.
    pub(crate) text: String,
}

impl Workspace {
    /// Asks cargo, offline, and reads every file.
    pub(crate) fn read() -> anyhow::Result<Self> {
        let metadata = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
        let metadata: Value = serde_json::from_str(&process::output(&mut cargo(&metadata))?)?;
        let packages = metadata["packages"].as_array().context("cargo metadata has no packages")?;
        let packages = packages.iter().map(Package::read).collect::<anyhow::Result<_>>()?;
        let manifest: toml::Table =
            toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml"))?)?;
        let offered = manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies")?.as_table())
            .context("Cargo.toml has no [workspace.dependencies]")?;
        Ok(Self { packages, offered: offered.keys().cloned().collect() })
    }
}

impl Package {
    fn read(package: &Value) -> anyhow::Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = text(&package["name"]).context("a package without a name")?;
        let manifest =
            PathBuf::from(text(&package["manifest_path"]).context("a package without a manifest")?);
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let dependencies = dependencies.filter_map(|dependency| {
            let name = text(&dependency["name"])?;
            Some(Dependency {
                key: text(&dependency["rename"]).unwrap_or_else(|| name.clone()),
                name,
                dev: dependency["kind"] == "dev",
            })
        });
        let mut sources = Vec::new();
        let folder = manifest.parent().context("a manifest in no folder")?;
        for part in ["src", "tests", "benches", "examples"] {
            read_sources(&folder.join(part), &mut sources)?;
        }
        read_source(&folder.join("build.rs"), &mut sources)?;
        Ok(Self {
            name,
            dependencies: dependencies.collect(),
            manifest: std::fs::read_to_string(&manifest)?,
            sources,
        })
    }
}

fn read_sources(folder: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, sources)?;
        } else {
            read_source(&path, sources)?;
        }
    }
    Ok(())
}

fn read_source(path: &Path, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    if path.extension().is_some_and(|extension| extension == "rs") && path.is_file() {
        let text = std::fs::read_to_string(path)?;
        sources.push(Source { path: path.to_owned(), text });
    }
    Ok(())
}
