//! What can be written on the command line.

pub(crate) mod append;
pub(crate) mod assets;
pub(crate) mod compat;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod events;
pub(crate) mod image;
pub(crate) mod notifications;
pub(crate) mod registry;
pub(crate) mod release;
pub(crate) mod token;
pub(crate) mod track;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::env;
use crate::exit;
use crate::printer::Output;

/// Takes a commit to production by digest, and answers what is in it
///
/// Portolan is a container registry that knows what is in your images. `portolan up` starts it with
/// nothing else installed; push to it with the tools you have, then ask.
#[derive(Debug, Parser)]
#[command(name = "portolan", version, after_long_help = below(), arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What stands below the long help.
fn below() -> String {
    format!("{}\n\n{}", env::TABLE, exit::TABLE)
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The form of the answer: text, or json.
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) output: Output,
    /// Say nothing but the answer and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log more to standard error; twice for everything.
    #[arg(long, short, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// The configuration file, instead of the nearest portolan.toml.
    #[arg(long, global = true, value_name = "FILE", env = env::CONFIG, hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// The server to ask, instead of the embedded store of the configuration.
    #[arg(long, global = true, value_name = "URL", env = env::SERVER, hide_env_values = true)]
    pub(crate) server: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(Up),
    Demo(demo::Demo),
    Running(track::Running),
    Where(track::Where),
    Diff(track::Diff),
    History(track::History),
    /// Say what is deployed together, and keep what is bad from being deployed
    #[command(subcommand)]
    Release(release::Release),
    Deploy(deploy::Deploy),
    ReleaseDeploy(deploy::ReleaseDeploy),
    Rollback(deploy::Rollback),
    Confirm(deploy::Confirm),
    /// Look into images, copy them, make them
    #[command(subcommand)]
    Image(image::Image),
    /// Keep the built-in registry tidy
    #[command(subcommand)]
    Registry(registry::Registry),
    /// What was said: take it in, look at it, act on it once more
    #[command(subcommand)]
    Events(events::Events),
    /// Who may do what: make tokens, list them, revoke them
    #[command(subcommand)]
    Token(token::Token),
    /// Who is told of what: what was sent, and trying it out
    #[command(subcommand)]
    Notifications(notifications::Notifications),
    /// What builds made of commits: find it, store it, fetch it, prove it
    #[command(subcommand)]
    Assets(assets::Assets),
    #[command(subcommand)]
    Compat(compat::Compat),
    Doctor(Doctor),
    /// Show the configuration that there is
    #[command(subcommand)]
    Config(Config),
    #[command(hide = true)]
    ExampleService(demo::ExampleService),
    /// Print the completions of a shell
    ///
    /// Example: `portolan completions bash > /etc/bash_completion.d/portolan`
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual
    ///
    /// Example: `portolan man | man -l -`
    Man {
        /// Write one page for each command into this directory instead.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Start the server: registry, catalogue, API and pages
///
/// Runs until it is interrupted or terminated, and then lets what is under way end. What it
/// remembers is in a SQLite file and a directory unless the configuration says otherwise.
///
/// Example: `portolan up --listen 127.0.0.1:5094 --data /var/lib/portolan`
#[derive(Debug, Clone, Args)]
pub(crate) struct Up {
    /// Where to listen [default: server.listen, 127.0.0.1:5094].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Keep everything that is embedded in this directory [default: .portolan].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The form of the log on standard error.
    #[arg(long, value_name = "FORM", default_value = "text", env = env::LOG_FORMAT, hide_env_values = true)]
    pub(crate) log_format: LogFormat,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object in each line.
    Json,
}

/// Check configuration, tools and reachability; say what to do
///
/// Ends with 3 when something is wrong.
///
/// Example: `portolan doctor --print-config`
#[derive(Debug, Clone, Args)]
pub(crate) struct Doctor {
    /// Show each value of the configuration and where it came from, and check nothing.
    #[arg(long)]
    pub(crate) print_config: bool,
    /// Check the data in this directory, as `up --data`.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

/// Show the configuration that there is.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Config {
    /// Print the default configuration file, with a comment for each key
    ///
    /// Example: `portolan config default > portolan.toml`
    Default,
}
