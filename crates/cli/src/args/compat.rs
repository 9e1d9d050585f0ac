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
    /// As `check` of s3-asset-manager: is there something for this commit
    ///
    /// It is told everything by variables: `PACKAGE_ASSETS_BUCKET`, `GIT_REPO_PATH`,
    /// `PACKAGE_DIRECTORY`, and optionally `CODE_HASH_FIND_FILTER`, `AWS_ROLE` and
    /// `PORTOLAN_COMPAT=exact`.
    ///
    /// Exit codes: 0 asked (`.found` in the directory tells the answer), 100 to 103 a variable is
    /// missing or the repository is bare, 104 a pattern matches nothing, 106 a set is not clear,
    /// 1 everything else.
    ///
    /// Example: `PACKAGE_ASSETS_BUCKET=assets GIT_REPO_PATH=. PACKAGE_DIRECTORY=out portolan compat check`
    Check(Ignored),
    /// As `upload` of s3-asset-manager: stores what a build made
    ///
    /// It is told everything by variables: `PACKAGE_DIRECTORY`, `PACKAGE_ASSETS_BUCKET`, and
    /// optionally `AWS_ROLE` and `PORTOLAN_COMPAT=exact`.
    ///
    /// Exit codes: 0 stored or nothing to do, 100 to 103 a variable, packages or `.commit-hash` are
    /// missing, 105 state files are of another commit, 106 packages lie in folders, 107 a state file
    /// is not one, 1 everything else.
    ///
    /// Example: `PACKAGE_ASSETS_BUCKET=assets PACKAGE_DIRECTORY=out portolan compat upload`
    Upload(Ignored),
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

// What a tool without arguments is told. Its help is that of the command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Ignored {
    /// Not looked at.
    #[arg(
        value_name = "ARGUMENT",
        hide = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        num_args = 0..
    )]
    pub(crate) arguments: Vec<OsString>,
}
