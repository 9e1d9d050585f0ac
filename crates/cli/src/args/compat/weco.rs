//! What weco-deploy understands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Prepares releases and deploys them to ECS, as weco-deploy 5.7.4
///
/// Options of all commands stand before the command. With `--confirm`, and without a terminal,
/// nothing is asked: what is not told is the default.
///
/// Example: `portolan compat weco-deploy --confirm release-deploy --environment-id stage`
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[command(name = "weco-deploy", disable_version_flag = true)]
pub(crate) struct Weco {
    /// The projects' file.
    #[arg(long, short = 'f', value_name = "FILE", default_value = ".wellcome_project")]
    pub(crate) project_file: PathBuf,
    /// Print verbose messages.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    /// Ask nothing.
    #[arg(long, short = 'y')]
    pub(crate) confirm: bool,
    /// The project, where the file has several.
    #[arg(long, short = 'i', value_name = "ID")]
    pub(crate) project_id: Option<String>,
    /// The AWS region, instead of the file's.
    #[arg(long, value_name = "REGION")]
    pub(crate) region_name: Option<String>,
    /// The AWS role to assume, instead of the file's.
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// Show what would be done, and change nothing.
    #[arg(long, short)]
    pub(crate) dry_run: bool,
    /// Print the version that this is compatible with.
    #[arg(long)]
    pub(crate) version: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Prepare(Prepare),
    Deploy(Deploy),
    ReleaseDeploy(ReleaseDeploy),
    ConfirmDeploy(ConfirmDeploy),
    Update(Update),
    Publish(Publish),
    ShowRelease(ShowRelease),
    ShowDeployments(ShowDeployments),
    ShowImages(ShowImages),
}

/// Make a release of the images that have a label
#[derive(Debug, Args)]
pub(crate) struct Prepare {
    /// The label upon which this release will be based [default: latest].
    #[arg(long, value_name = "LABEL")]
    pub(crate) from_label: Option<String>,
    /// A description of this release.
    #[arg(long)]
    pub(crate) description: Option<String>,
}

/// For how long is waited
#[derive(Debug, Args)]
pub(crate) struct Patience {
    /// How many seconds to wait for a confirmation.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) confirmation_wait_for: u64,
    /// How many seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) confirmation_interval: u64,
}

/// Deploy a release to an environment, and wait until it runs there
#[derive(Debug, Args)]
pub(crate) struct Deploy {
    /// The release, or latest [default: latest].
    #[arg(long, value_name = "ID")]
    pub(crate) release_id: Option<String>,
    /// The environment [default: stage].
    #[arg(long, value_name = "ID")]
    pub(crate) environment_id: Option<String>,
    /// A description of this deployment.
    #[arg(long)]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// Make a release, deploy it, and wait until it runs
#[derive(Debug, Args)]
pub(crate) struct ReleaseDeploy {
    /// The label upon which this release will be based [default: latest].
    #[arg(long, value_name = "LABEL")]
    pub(crate) from_label: Option<String>,
    /// The environment [default: stage].
    #[arg(long, value_name = "ID")]
    pub(crate) environment_id: Option<String>,
    /// A description of this release and its deployment.
    #[arg(long)]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

/// Check whether an environment runs a release
///
/// What the tasks run is held against the images of the release itself.
#[derive(Debug, Args)]
pub(crate) struct ConfirmDeploy {
    /// The release, or latest [default: latest].
    #[arg(long, value_name = "ID")]
    pub(crate) release_id: Option<String>,
    /// The environment [default: stage].
    #[arg(long, value_name = "ID")]
    pub(crate) environment_id: Option<String>,
    /// How many seconds to wait for a confirmation.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) confirmation_wait_for: u64,
    /// How many seconds between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) confirmation_interval: u64,
}

/// Make a release from another one, with some images changed
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The release from which to make a new one, or latest [default: latest].
    #[arg(long, value_name = "ID")]
    pub(crate) release_id: Option<String>,
    /// The images that are changed, with commas.
    #[arg(long, value_name = "IDS")]
    pub(crate) service_ids: Option<String>,
    /// The label from which they are taken [default: latest].
    #[arg(long, value_name = "LABEL")]
    pub(crate) from_label: Option<String>,
}

/// Push an image that was built here, and label it
#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// The image.
    #[arg(long, value_name = "ID")]
    pub(crate) image_id: String,
    /// The label that it gets.
    #[arg(long, default_value = "latest")]
    pub(crate) label: String,
}

/// Print a release as JSON
#[derive(Debug, Args)]
pub(crate) struct ShowRelease {
    /// The release [default: latest].
    pub(crate) release_id: Option<String>,
}

/// List the last deployments; moments are in UTC
#[derive(Debug, Args)]
pub(crate) struct ShowDeployments {
    /// Those of this release alone.
    pub(crate) release_id: Option<String>,
    /// Those to this environment alone.
    #[arg(long, value_name = "ID")]
    pub(crate) environment_id: Option<String>,
    /// The most.
    #[arg(long, default_value_t = 10)]
    pub(crate) limit: usize,
}

/// List the images that have a label
#[derive(Debug, Args)]
pub(crate) struct ShowImages {
    /// The label.
    #[arg(long, default_value = "latest")]
    pub(crate) label: String,
}
