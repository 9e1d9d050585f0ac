//! `portolan assets …`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use portolan_assets::{Project, Scope};

use super::registry::age;

/// What builds made of commits.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Assets {
    Check(Check),
    Upload(Upload),
    Fetch(Fetch),
    Verify(Verify),
    Explain(Explain),
    List(List),
    Prune(Prune),
    Keygen(Keygen),
}

/// Which sets: each of these stands in `[assets]` of the configuration too.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The bucket, as `s3://NAME/PREFIX` or `file:PATH` [default: `assets.url`].
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Whose builds [default: assets.project].
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<Project>,
    /// How far this run is trusted [default: assets.scope, else what the CI system tells].
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<Scope>,
    /// Write nothing.
    #[arg(long)]
    pub(crate) read_only: bool,
}

/// Which commit, of which repository.
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The commit: a branch, a tag, digits.
    #[arg(long, value_name = "COMMIT", default_value = "HEAD")]
    pub(crate) commit: String,
    /// A directory of the repository. Bare ones do as well.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
}

/// What goes into the hash of the inputs.
#[derive(Debug, Clone, Args)]
pub(crate) struct InputArgs {
    /// Take these files in; with ! before it, leave them out. From the root of the repository, also
    /// where --repo is below it. Repeat it for more [default: assets.include, else all].
    #[arg(long = "include", value_name = "PATTERN")]
    pub(crate) include: Vec<String>,
    /// What else the build depends on, as in toolchain=1.95. Repeat it for more; on top of
    /// assets.inputs.
    #[arg(long = "key", value_name = "NAME=VALUE")]
    pub(crate) keys: Vec<String>,
    /// Hash the files as they are in the working tree, without those that git ignores.
    #[arg(long)]
    pub(crate) working_tree: bool,
    /// Look at the commit alone, and not at what goes into it.
    #[arg(long, conflicts_with_all = ["include", "keys", "working_tree"])]
    pub(crate) no_inputs: bool,
}

/// Answers for CI systems.
#[derive(Debug, Clone, Args)]
pub(crate) struct Told {
    /// Add lines `name=value` to this file, as `$GITHUB_OUTPUT`.
    #[arg(long, value_name = "FILE")]
    pub(crate) github_output: Option<PathBuf>,
}

/// Say whether a commit has been built
///
/// A set of the commit itself is found, or one of another commit with the same inputs, which then
/// becomes a set of this commit too. Ends with 0 either way, or with 1 on --exit-code where a build
/// is needed; with 8 where the storage does not answer in time: then nobody knows, and a build does
/// no harm.
///
/// Example: `portolan assets check --include src --include Cargo.lock --key toolchain=1.95 --exit-code`
#[derive(Debug, Clone, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Look also where s3-asset-manager stores (artifacts/COMMIT/) [default: assets.legacy].
    #[arg(long)]
    pub(crate) legacy: bool,
    /// End with 1 where a build is needed.
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Wait so long for the storage at most, as in 10s [default: `assets.timeout_seconds`].
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(crate) timeout: Option<Duration>,
    #[command(flatten)]
    pub(crate) told: Told,
}

/// Store what a build made of a commit
///
/// Everything below a directory, or single files by their names. The set is visible when all of it is
/// there, and never before; a second upload of the same files changes nothing, one of other files
/// ends with 5. Begun again after it was killed, it does not send again what is there.
///
/// Example: `portolan assets upload dist --include src --key toolchain=1.95`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Upload {
    /// Directories, whose contents are stored, and files.
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Store the files also where s3-asset-manager does (artifacts/COMMIT/) [default: assets.legacy].
    #[arg(long)]
    pub(crate) legacy: bool,
    /// Store files too whose name begins with a dot.
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Store symlinks as symlinks, and not the files that they lead to.
    #[arg(long)]
    pub(crate) symlinks: bool,
    /// Keep who may read, write and execute each file.
    #[arg(long)]
    pub(crate) modes: bool,
    #[command(flatten)]
    pub(crate) told: Told,
}

/// Bring the set of a commit to a directory
///
/// Every byte is verified before any file is in its place. Ends with 4 where there is no set, with 7
/// where something of it is missing or is not what the manifest says; nothing is changed then.
///
/// Example: `portolan assets fetch HEAD dist`
#[derive(Debug, Clone, Args)]
pub(crate) struct Fetch {
    /// The commit.
    #[arg(value_name = "COMMIT")]
    pub(crate) commit: String,
    /// The directory; it is made where it is missing.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// A directory of the repository. Whole names of commits need none.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) told: Told,
}

/// Read every byte of a set in the bucket, and say whether it is what it was
///
/// Ends with 4 where there is no set, with 7 where something is missing, was changed, or is not
/// signed as it must be.
///
/// Example: `portolan assets verify HEAD`
#[derive(Debug, Clone, Args)]
pub(crate) struct Verify {
    /// The commit.
    #[arg(value_name = "COMMIT", default_value = "HEAD")]
    pub(crate) commit: String,
    /// A directory of the repository. Whole names of commits need none.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Say what goes into the hash, and why a build is needed
///
/// The inputs are held against those of the nearest commit before this one that has a set.
///
/// Example: `portolan assets explain --include src --key toolchain=1.95`
#[derive(Debug, Clone, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    #[command(flatten)]
    pub(crate) place: Place,
    /// List every file that goes into the hash, too.
    #[arg(long)]
    pub(crate) files: bool,
}

/// List the sets, the newest first
///
/// Example: `portolan assets list --limit 20`
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) place: Place,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// After the first so many.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) skip: u32,
    /// Show the files of this commit's set.
    #[arg(long, value_name = "COMMIT", conflicts_with_all = ["limit", "skip"])]
    pub(crate) commit: Option<String>,
    /// A directory of the repository. Whole names of commits need none.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
}

/// Take away sets that nobody used for long, in all scopes of the project
///
/// A set is used when it is written, found by `check`, or another one is served from it. Bytes go when
/// no set names them any more, and they are older than a day.
///
/// Example: `portolan assets prune --unused-for 30d --plan`
#[derive(Debug, Clone, Args)]
pub(crate) struct Prune {
    /// For how long, as in 30d.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) unused_for: Duration,
    /// Tell what would be taken away, and take nothing away.
    #[arg(long)]
    pub(crate) plan: bool,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// Make a key that signs manifests
///
/// The secret half is written to a file that only you can read; the public half is printed, for
/// `keys` of `[assets]`.
///
/// Example: `portolan assets keygen main.pem`
#[derive(Debug, Clone, Args)]
pub(crate) struct Keygen {
    /// The file of the secret half; it must not be there.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
