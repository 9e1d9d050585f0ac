//! `portolan demo`, and the example that it runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Tell the whole story on this machine: build, push, scan, release, deploy, promote, roll back
///
/// Starts a server of its own with an example of two services, takes them from a build to staging and
/// production and back again, and asks what is in them and where they run. Everything is done through
/// the server's own API, and each step says which page shows it. With podman or docker what is
/// deployed runs in containers; without either it is recorded, and said so.
///
/// Afterwards the server goes on until Ctrl-C, which ends its containers too. Without a terminal the
/// command ends with the story. What it keeps is in a directory of its own, made anew each time.
///
/// Example: `portolan demo`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Demo {
    /// Where to listen [default: 127.0.0.1, on a free port].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The directory for what it keeps: a new or empty one, or one that an earlier demo made
    /// [default: .portolan/demo].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// End with the story.
    #[arg(long, conflicts_with = "stay")]
    pub(crate) exit: bool,
    /// Serve after the story until it is interrupted, also without a terminal.
    #[arg(long)]
    pub(crate) stay: bool,
    /// Leave the containers when it ends.
    #[arg(long)]
    pub(crate) keep: bool,
    /// Run no containers, only record what would run.
    #[arg(long)]
    pub(crate) record: bool,
}

/// A service of the example of `portolan demo`, inside its image.
#[derive(Debug, Clone, Args)]
pub(crate) struct ExampleService {
    /// What it is called and what it needs.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where it listens in a network of its own; on any other port it listens on loopback alone.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) own_port: u16,
}
