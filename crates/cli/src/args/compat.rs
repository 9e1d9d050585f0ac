//! `portolan compat …`: the tools that Portolan replaces, argument for argument.

pub(crate) mod weco;

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// The tools that Portolan replaces, argument for argument
///
/// Installed (or linked) under the name of such a tool, the binary is that tool.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Compat {
    WecoDeploy(Whole),
}

/// As weco-deploy 5.7.4, with its files, tables and tags
///
/// All arguments are that tool's own; `portolan compat weco-deploy --help` tells them.
///
/// Example: `portolan compat weco-deploy --confirm release-deploy --environment-id stage`
#[derive(Debug, Clone, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Whole {
    /// What that tool is told.
    #[arg(
        value_name = "ARGUMENT",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        num_args = 0..
    )]
    pub(crate) arguments: Vec<OsString>,
}
