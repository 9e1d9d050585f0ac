//! `portolan notifications …`

use clap::{Args, Subcommand};

/// Who is told of what.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Notifications {
    List(List),
    Test(Test),
}

/// List notifications, the newest first: what was sent, what was not and why
///
/// Example: `portolan notifications list --state failed`
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Only those by this rule of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) rule: Option<String>,
    /// Only those that are waiting, sent or failed.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,
    /// Show at most so many.
    #[arg(long, value_name = "NUMBER", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// Send a notification of nothing, to try a rule out
///
/// It is sent once, now. Ends with 6 when the receiver does not take it.
///
/// Example: `portolan notifications test ops-room`
#[derive(Debug, Clone, Args)]
pub(crate) struct Test {
    /// The rule: NAME of [notifications.NAME].
    #[arg(value_name = "NAME")]
    pub(crate) rule: String,
}
