//! `portolan events …`

use clap::{Args, Subcommand};

/// The journal: what was said, and what became of it.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Events {
    Ingest(Ingest),
    List(List),
    Show(Show),
    Replay(Replay),
    /// Make what is known of tasks and deployments anew from the journal
    ///
    /// For when environments or ignored containers have been configured otherwise. Nothing else that
    /// is shown changes by it.
    ///
    /// Example: `portolan events rebuild`
    Rebuild,
}

/// Take in events from a file
///
/// One event, an array of them, or one in each line, in any form that `POST /events` takes: as
/// EventBridge sends them, wrapped by SNS, SQS or Lambda, notifications of registries, CloudEvents.
/// An event that has an identity is recorded once, however often it is taken in.
///
/// Example: `portolan events ingest recorded.jsonl`
#[derive(Debug, Clone, Args)]
pub(crate) struct Ingest {
    /// The file, or - for standard input.
    #[arg(value_name = "FILE|-")]
    pub(crate) file: String,
    /// With the same key, the same file is recorded once, also where its events have no identity.
    #[arg(long, value_name = "KEY", value_parser = key)]
    pub(crate) key: Option<String>,
}

/// A key that fits a header, with room for the number of the request.
fn key(text: &str) -> Result<String, String> {
    if (1..=150).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("write 1 to 150 letters, digits and signs, without blanks".to_owned())
}

/// List the journal, newest first
///
/// Example: `portolan events list --dead`
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Only those that are pending, applied or dead.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Only those that were not understood.
    #[arg(long, conflicts_with = "state")]
    pub(crate) dead: bool,
    /// Only those of this kind, as ecs-task.
    #[arg(long, value_name = "KIND")]
    pub(crate) kind: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) limit: u64,
}

/// Show one event with what was said
///
/// Example: `portolan events show 01a1b2c3-0000-7000-8000-000000000000`
#[derive(Debug, Clone, Args)]
pub(crate) struct Show {
    /// Its identity, as `events list` shows it.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Act on events once more
///
/// For dead ones, when what was wrong has been put right: an environment was configured, or a newer
/// Portolan understands them.
///
/// Example: `portolan events replay --dead`
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(crate) struct Replay {
    /// Their identities.
    #[arg(value_name = "ID", required_unless_present = "dead", conflicts_with = "dead")]
    pub(crate) ids: Vec<String>,
    /// All that are dead.
    #[arg(long)]
    pub(crate) dead: bool,
    /// Of the dead, only those of this kind.
    #[arg(long, value_name = "KIND", requires = "dead")]
    pub(crate) kind: Option<String>,
}
