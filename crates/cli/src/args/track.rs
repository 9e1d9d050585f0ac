//! `portolan running`, `where`, `diff` and `history`.

use clap::Args;
use portolan_model::Timestamp;

use crate::system::now;

/// The moment that a question is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct Moment {
    /// Ask about this moment: 2026-11-01T09:00Z, 2026-11-01, or how long ago, as -2h or 3d.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
    pub(crate) at: Option<Timestamp>,
}

/// Reads a moment as people write one.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::spoken(text, now()).map_err(|error| error.to_string())
}

/// Show what runs where, now or at any moment
///
/// Of each service in each environment the newest deployment of which something runs.
///
/// Example: `portolan running --env production --at 2026-11-01T09:00Z`
#[derive(Debug, Clone, Args)]
pub(crate) struct Running {
    /// Only this service.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: Option<String>,
    /// Only this environment; may be repeated.
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environments: Vec<String>,
    #[command(flatten)]
    pub(crate) moment: Moment,
}

/// Show where an image, a commit, a file or a label runs
///
/// What is looked for is told from how it is written: a digest; 7 or more hexadecimal digits are a
/// commit; what starts with a slash, or whose last part has a dot, is a path; all else an image. A
/// flag says it where that is not what was meant.
///
/// Example: `portolan where 4f1c2d7 --env production`
#[derive(Debug, Clone, Args)]
#[command(group = clap::ArgGroup::new("fact").required(true))]
pub(crate) struct Where {
    /// A digest, an image (repository, or repository:tag), a commit, or a path in an image.
    #[arg(value_name = "WHAT", group = "fact")]
    pub(crate) what: Option<String>,
    /// The digest of an image, or of an index that it is part of.
    #[arg(long, value_name = "DIGEST", group = "fact")]
    pub(crate) digest: Option<String>,
    /// All images that a repository has, or that a tag has pointed to.
    #[arg(long, value_name = "IMAGE", group = "fact")]
    pub(crate) image: Option<String>,
    /// Images built from a commit, which may be shortened.
    #[arg(long, value_name = "COMMIT", group = "fact")]
    pub(crate) commit: Option<String>,
    /// Images that show this path to a container.
    #[arg(long, value_name = "PATH", group = "fact")]
    pub(crate) path: Option<String>,
    /// Images that have this label.
    #[arg(long, value_name = "NAME=VALUE", group = "fact")]
    pub(crate) label: Option<String>,
    /// Only this environment; may be repeated.
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environments: Vec<String>,
    #[command(flatten)]
    pub(crate) moment: Moment,
}

/// Compare what runs in two environments
///
/// With --at-b, also one environment at two moments.
///
/// Example: `portolan diff staging production --exit-code`
#[derive(Debug, Clone, Args)]
pub(crate) struct Diff {
    /// The first environment.
    #[arg(value_name = "ENV")]
    pub(crate) a: String,
    /// The second environment.
    #[arg(value_name = "ENV")]
    pub(crate) b: String,
    #[command(flatten)]
    pub(crate) moment: Moment,
    /// Ask about the second environment at this moment instead.
    #[arg(long, value_name = "T", value_parser = moment, allow_hyphen_values = true)]
    pub(crate) at_b: Option<Timestamp>,
    /// List services that are the same in both, too.
    #[arg(long)]
    pub(crate) all: bool,
    /// End with 1 when they differ.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// Show what became of a service: each deployment, how it went, and by whom
///
/// Example: `portolan history orders-api --env production`
#[derive(Debug, Clone, Args)]
pub(crate) struct History {
    /// The service.
    #[arg(value_name = "SERVICE")]
    pub(crate) service: String,
    /// Only this environment; may be repeated.
    #[arg(long = "env", value_name = "ENV")]
    pub(crate) environments: Vec<String>,
    #[command(flatten)]
    pub(crate) moment: Moment,
    /// At most so many, newest first.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) limit: u64,
}
