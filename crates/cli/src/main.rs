//! The `portolan` command: parse, call, print.
//!
//! The only crate that prints, and that reads the environment, the home directory and the wall
//! clock. `main` parses and dispatches; a command is a function in `commands`.

mod api;
mod args;
mod commands;
mod config;
mod embedded;
mod env;
mod error;
mod exit;
#[cfg(debug_assertions)]
mod failpoint;
mod git;
mod human;
mod logging;
mod logins;
mod printer;
mod progress;
mod registries;
mod releasing;
mod run;
mod scratch;
mod session;
mod source;
mod system;
mod table;
mod tracking;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::main()
}
