//! `portolan release …`

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use portolan_model::Timestamp;

/// What is deployed together: prepare it, look at it, keep it from being deployed.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Release {
    Prepare(Prepare),
    List(List),
    Show(Show),
    Changes(Changes),
    Quarantine(Quarantine),
}

/// Who does it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Who {
    /// Who does it, where no token says so [default: whoever is logged in].
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// Which project.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OfProject {
    /// The project; not needed where there is one.
    #[arg(long, short, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
}

/// What a release is prepared from.
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct PreparedFrom {
    /// Where this tag points, for every image of the project.
    #[arg(long, value_name = "TAG", group = "source")]
    pub(crate) tag: Option<String>,
    /// What was built from this commit: seven digits of its name or more.
    #[arg(long, value_name = "COMMIT", group = "source")]
    pub(crate) commit: Option<String>,
    /// What runs in this environment.
    #[arg(long, value_name = "ENV", group = "source")]
    pub(crate) from_env: Option<String>,
    /// What ran there at this moment: 2026-11-01T09:00Z, or how long ago, as -2h or 3d.
    #[arg(long, value_name = "T", value_parser = super::track::moment, allow_hyphen_values = true, requires = "from_env")]
    pub(crate) at: Option<Timestamp>,
    /// What is in this release, but for what --set says.
    #[arg(long, value_name = "RELEASE", group = "source")]
    pub(crate) from_release: Option<String>,
    /// An image that is another than in that release: its name in the project, and a tag or digest.
    #[arg(long, value_name = "IMAGE=TAG|DIGEST", value_parser = change, requires = "from_release")]
    pub(crate) set: Vec<(String, String)>,
}

impl PreparedFrom {
    /// The changes, by image.
    pub(crate) fn changes(&self) -> BTreeMap<String, String> {
        self.set.iter().cloned().collect()
    }
}

fn change(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((image, what)) if !image.is_empty() && !what.is_empty() => {
            Ok((image.to_owned(), what.to_owned()))
        }
        _ => Err("write it as in api=v2, or api=sha256:…".to_owned()),
    }
}

/// What is said of a release.
#[derive(Debug, Clone, Args)]
pub(crate) struct Note {
    /// What people are told of it.
    #[arg(long, short, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
    /// The page of the build that does this.
    #[arg(long, value_name = "URL")]
    pub(crate) ci_url: Option<String>,
}

/// Prepare a release: from now on it is these digests, whatever becomes of tags
///
/// Every image of the project must be found; where some are missing all of them are named.
///
/// Example: `portolan release prepare --tag v2 --description "faster checkout"`
#[derive(Debug, Clone, Args)]
pub(crate) struct Prepare {
    #[command(flatten)]
    pub(crate) project: OfProject,
    #[command(flatten)]
    pub(crate) from: PreparedFrom,
    #[command(flatten)]
    pub(crate) note: Note,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// List releases, the newest first
///
/// Example: `portolan release list --project shop`
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) project: OfProject,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) limit: u64,
}

/// Show a release: its images, and where it was brought
///
/// Example: `portolan release show latest`
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// Its identity, or latest for the newest of the project.
    #[arg(value_name = "RELEASE")]
    pub(crate) release: String,
    #[command(flatten)]
    pub(crate) project: OfProject,
}

/// Show what a release changes: commits and files, image by image
///
/// Against the release that was prepared before it, another one, or what runs in an environment.
/// Commits are those that `release prepare` found in the checkout that it was run in, or that were
/// told over HTTP; files those of images that were scanned.
///
/// Example: `portolan release changes latest --env production`
#[derive(Debug, Clone, Args)]
pub(crate) struct Changes {
    /// Its identity, or latest for the newest of the project.
    #[arg(value_name = "RELEASE")]
    pub(crate) release: String,
    /// Against what runs in this environment.
    #[arg(long = "env", short, value_name = "ENV", conflicts_with = "against")]
    pub(crate) environment: Option<String>,
    /// Against this release.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) against: Option<String>,
    /// Commits and files of each image at most.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = limit)]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) project: OfProject,
}

fn limit(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=1000).contains(number));
    number.ok_or_else(|| "write a number from 1 to 1000".to_owned())
}

/// Keep a release from being deployed, or let it be again
///
/// Example: `portolan release quarantine latest --reason "loses orders"`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("word").required(true))]
pub(crate) struct Quarantine {
    /// Its identity, or latest for the newest of the project.
    #[arg(value_name = "RELEASE")]
    pub(crate) release: String,
    /// Why it is not to be deployed.
    #[arg(long, value_name = "TEXT", group = "word")]
    pub(crate) reason: Option<String>,
    /// Let it be deployed again.
    #[arg(long, group = "word")]
    pub(crate) lift: bool,
    #[command(flatten)]
    pub(crate) project: OfProject,
    #[command(flatten)]
    pub(crate) who: Who,
}
