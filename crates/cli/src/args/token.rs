//! `portolan token …`

use std::time::Duration;

use clap::{Args, Subcommand};

use super::registry::age;

/// Who may do what.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Token {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Make a token, and print it: once
///
/// The first token closes the door: from then on whoever changes something through a server needs one
/// whose scope fits, and whoever reads from another machine needs one at all. Without --server it is
/// made in the store of the configuration, also while a server runs on that.
///
/// Example: `portolan token create ci --scope push --scope events --expires 90d > token`
#[derive(Debug, Clone, Args)]
pub(crate) struct Create {
    /// Its name: letters, digits, `.`, `_` and `-`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What its holder may do: read, push, events, release, deploy:ENVIRONMENT, or admin for
    /// everything. Every token may read.
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    pub(crate) scopes: Vec<String>,
    /// When it stops working, as in 12h or 90d; never, without.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) expires: Option<Duration>,
}

/// List tokens, the newest first
///
/// What they are is not shown: nobody knows it but their holders.
///
/// Example: `portolan token list`
#[derive(Debug, Clone, Args)]
pub(crate) struct List {
    /// Also those that were revoked.
    #[arg(long)]
    pub(crate) all: bool,
}

/// Revoke a token: it lets nobody in any more
///
/// When the last one is revoked, everybody on this machine may do everything again, and the server
/// starts on no other address.
///
/// Example: `portolan token revoke ci`
#[derive(Debug, Clone, Args)]
pub(crate) struct Revoke {
    /// Its identity, as `token list` shows it, or its name.
    #[arg(value_name = "ID|NAME")]
    pub(crate) token: String,
}
