//! `portolan deploy`, `release-deploy`, `rollback` and `confirm`.

use std::time::Duration;

use clap::Args;
use portolan_model::{ReleaseId, Timestamp};

use super::registry::age;
use super::release::{Note, OfProject, PreparedFrom, Who};

/// How an environment is changed.
#[derive(Debug, Clone, Args)]
pub(crate) struct How {
    /// The environment.
    #[arg(long = "env", short, value_name = "ENV")]
    pub(crate) environment: String,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) plan: bool,
    /// Do not ask whether to go on.
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only this service; may be repeated.
    #[arg(long = "service", value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// What becomes of what was done when the rest cannot be: rollback, or leave.
    #[arg(long, value_name = "WHAT", default_value = "rollback")]
    pub(crate) on_failure: OnFailure,
    /// How long the services of one wave may take to come up.
    #[arg(long, value_name = "AGE", default_value = "30m", value_parser = age)]
    pub(crate) wave_time: Duration,
    /// How long to wait for somebody else who is changing the environment.
    #[arg(long, value_name = "AGE", default_value = "0s", value_parser = age)]
    pub(crate) queue: Duration,
    #[command(flatten)]
    pub(crate) following: Following,
}

/// Whether a rollout is followed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Following {
    /// Follow it to its end (which is so anyway).
    #[arg(long, overrides_with = "no_wait")]
    pub(crate) wait: bool,
    /// Only order it: a server does it.
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
    /// Stop following after this long, with exit code 8; the rollout goes on.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) timeout: Option<Duration>,
}

/// What becomes of what was done when the rest cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnFailure {
    /// It is undone.
    Rollback,
    /// It is left.
    Leave,
}

/// Bring a release to an environment
///
/// Shows what would change, asks, and does exactly that, service by service, or says why not. Where
/// a service does not come up, all that was changed is changed back. Interrupted, it goes on with
/// whoever deploys there next.
///
/// Example: `portolan deploy latest --env staging --yes`
#[derive(Debug, Clone, Args)]
pub(crate) struct Deploy {
    /// Its identity, or latest for the newest of the project.
    #[arg(value_name = "RELEASE")]
    pub(crate) release: String,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) project: OfProject,
    /// The page of the build that does this.
    #[arg(long, value_name = "URL")]
    pub(crate) ci_url: Option<String>,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// Prepare a release and bring it to an environment
///
/// Example: `portolan release-deploy --tag v2 --env staging --yes`
#[derive(Debug, Clone, Args)]
pub(crate) struct ReleaseDeploy {
    #[command(flatten)]
    pub(crate) from: PreparedFrom,
    #[command(flatten)]
    pub(crate) note: Note,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) project: OfProject,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// Bring back what was in an environment before
///
/// Without --to, what the last success before the newest one brought there.
///
/// Example: `portolan rollback --env production --to 2026-11-01T09:00Z --yes`
#[derive(Debug, Clone, Args)]
pub(crate) struct Rollback {
    /// A release, or a moment: what ran then, as 2026-11-01T09:00Z, or how long ago, as -2h or 3d.
    #[arg(long, value_name = "RELEASE|T", value_parser = to, allow_hyphen_values = true)]
    pub(crate) to: Option<To>,
    /// Keep the release that is left from being deployed again.
    #[arg(long)]
    pub(crate) quarantine: bool,
    #[command(flatten)]
    pub(crate) how: How,
    #[command(flatten)]
    pub(crate) project: OfProject,
    /// The page of the build that does this.
    #[arg(long, value_name = "URL")]
    pub(crate) ci_url: Option<String>,
    #[command(flatten)]
    pub(crate) who: Who,
}

/// What is to be there again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// This release.
    Release(ReleaseId),
    /// What ran at this moment.
    Moment(Timestamp),
}

fn to(text: &str) -> Result<To, String> {
    if let Ok(release) = text.parse() {
        return Ok(To::Release(release));
    }
    super::track::moment(text).map(To::Moment).map_err(|error| format!("no release, and {error}"))
}

/// Follow a rollout to its end, or agree to one that waits for a second person
///
/// Ends as `deploy` does: with 0 where all of it is done.
///
/// Example: `portolan confirm 019abc00-0000-7000-8000-000000000000 --approve`
#[derive(Debug, Clone, Args)]
pub(crate) struct Confirm {
    /// The rollout, or last for the newest one.
    #[arg(value_name = "ROLLOUT")]
    pub(crate) rollout: String,
    /// Agree to it, as the second person whom a protected environment asks for.
    #[arg(long)]
    pub(crate) approve: bool,
    #[command(flatten)]
    pub(crate) following: Following,
    #[command(flatten)]
    pub(crate) who: Who,
}
