//! Tasks of the workspace: `cargo xtask test|ci|bench`.

#![expect(clippy::print_stdout, reason = "tasks talk to the developer who started them")]

mod bench;
mod check;
mod packages;
mod python;
mod rules;
mod run;
mod steps;
mod stray;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Gets the peers that are missing, checks the code and runs every test.
    Test {
        /// Leave out formatting, lints and documentation.
        #[arg(long)]
        quick: bool,
        /// Run only the tests whose name contains one of these; implies --quick.
        filters: Vec<String>,
    },
    /// All of `test`, and `cargo deny` where it is installed.
    Ci,
    /// Measures what was promised about speed beside its peers, and writes docs/benchmarks.md.
    Bench {
        /// Run only these (push, serve, visible, scan, weco-deploy, commands), and write nothing.
        names: Vec<String>,
    },
}

fn main() -> ExitCode {
    let well = match Arguments::parse().task {
        Task::Test { quick, filters } => check::test(quick || !filters.is_empty(), &filters),
        Task::Ci => check::ci(),
        Task::Bench { names } => match bench::bench(&names) {
            Ok(()) => true,
            Err(error) => {
                println!("error: {error:#}");
                false
            }
        },
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
