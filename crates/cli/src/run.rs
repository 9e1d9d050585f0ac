//! From the command line to the exit code.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use tokio::runtime::Builder;

use crate::args::{self, Cli, Command};
use crate::commands;
use crate::env::{self, Environment};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::printer::{self, Printer};

/// What every command is handed.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where answers go.
    pub(crate) printer: Printer,
    /// The environment as it was when the command started.
    pub(crate) environment: Environment,
    /// The flags that every command understands.
    pub(crate) global: args::Global,
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    panic::set_hook(Box::new(|info| {
        printer::last_words(&format!(
            "bug: {info}\nhint: this is a bug in Portolan; please report it with the command and the \
             text above\n"
        ));
    }));
    // The hook has said what there is to say.
    let ended = panic::catch_unwind(AssertUnwindSafe(|| run(std::env::args_os().collect())));
    ended.unwrap_or(Code::Bug.into())
}

fn run(arguments: Vec<OsString>) -> ExitCode {
    let environment = Environment::read();
    // A tool that is replaced has options of its own, which ours must not take from it.
    if let Some(ended) = commands::compat::by_name(&arguments, &environment) {
        return ended;
    }
    let no_colour = environment.get(env::NO_COLOR).is_some();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return help_or_usage(&error, no_colour).into(),
    };
    let printer = Printer::new(cli.global.output, cli.global.quiet, no_colour);
    let mut global = cli.global;
    // A variable that is set to nothing is not set, as everywhere else.
    global.server = global.server.filter(|url| !url.is_empty());
    global.config = global.config.filter(|path| !path.as_os_str().is_empty());
    let context = Context { printer, environment, global };
    if let Command::Compat(command) = &cli.command {
        return commands::compat::run(command, &context.environment);
    }
    match dispatch(&context, cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.printer.failure(&failure);
            failure.code.into()
        }
    }
}

/// Prints what the parser answers: help and version on standard output, else what is wrong.
pub(crate) fn help_or_usage(error: &clap::Error, no_colour: bool) -> Code {
    let text = error.render();
    let colour = printer::colour(no_colour, error.use_stderr());
    let text = if colour { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        printer::last_words(&text);
        Code::Usage
    } else {
        printer::first_words(&text);
        Code::Done
    }
}

fn dispatch(context: &Context, command: Command) -> Outcome {
    // TLS needs a provider before anything opens a connection; this one cannot be installed twice.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match command {
        Command::Up(arguments) => in_runtime(commands::up::run(context, arguments)),
        Command::Demo(arguments) => in_runtime(commands::demo::run(context, arguments)),
        Command::ExampleService(arguments) => {
            in_runtime(commands::demo::served::run(context, arguments))
        }
        Command::Doctor(arguments) => {
            in_runtime(interruptible(commands::doctor::run(context, arguments)))
        }
        Command::Running(arguments) => {
            in_runtime(interruptible(commands::running::run(context, arguments)))
        }
        Command::Where(arguments) => {
            in_runtime(interruptible(commands::where_is::run(context, arguments)))
        }
        Command::Diff(arguments) => {
            in_runtime(interruptible(commands::diff::run(context, arguments)))
        }
        Command::History(arguments) => {
            in_runtime(interruptible(commands::history::run(context, arguments)))
        }
        Command::Release(command) => {
            in_runtime(interruptible(commands::release::run(context, command)))
        }
        Command::Deploy(arguments) => {
            in_runtime(interruptible(commands::deploy::deploy(context, arguments)))
        }
        Command::ReleaseDeploy(arguments) => {
            in_runtime(interruptible(commands::deploy::release_deploy(context, arguments)))
        }
        Command::Rollback(arguments) => {
            in_runtime(interruptible(commands::deploy::rollback(context, arguments)))
        }
        Command::Confirm(arguments) => {
            in_runtime(interruptible(commands::deploy::confirm(context, arguments)))
        }
        Command::Image(command) => {
            in_runtime(interruptible(commands::image::run(context, command)))
        }
        Command::Registry(command) => {
            in_runtime(interruptible(commands::registry::run(context, command)))
        }
        Command::Events(command) => {
            in_runtime(interruptible(commands::events::run(context, command)))
        }
        Command::Token(command) => {
            in_runtime(interruptible(commands::token::run(context, command)))
        }
        Command::Notifications(command) => {
            in_runtime(interruptible(commands::notifications::run(context, command)))
        }
        Command::Assets(command) => {
            on_one_thread(interruptible(commands::assets::run(context, command)))
        }
        // It ended before anything of ours began.
        Command::Compat(_) => Ok(()),
        Command::Config(args::Config::Default) => commands::config::default(context),
        Command::Completions { shell } => {
            commands::generated::completions(context, Cli::command(), shell)
        }
        Command::Man { dir } => commands::generated::man(context, Cli::command(), dir.as_deref()),
    }
}

/// Runs a command that ends by itself. What it leaves on the disk while it works is gone when it
/// is interrupted.
async fn interruptible(command: impl Future<Output = Outcome>) -> Outcome {
    tokio::select! {
        outcome = command => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::new(Code::Interrupted, "interrupted")),
    }
}

/// Runs a command that waits for the disk or the network.
fn in_runtime(command: impl Future<Output = Outcome>) -> Outcome {
    run_in(&mut Builder::new_multi_thread(), command)
}

/// Runs a command that moves bytes, or asks one question and is gone: connections that are passed
/// from thread to thread cost it more than they bring. What is hashed has threads of its own.
fn on_one_thread(command: impl Future<Output = Outcome>) -> Outcome {
    run_in(&mut Builder::new_current_thread(), command)
}

fn run_in(builder: &mut Builder, command: impl Future<Output = Outcome>) -> Outcome {
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| {
        Failure::new(Code::Configuration, "could not start threads").because(&error)
    })?;
    let outcome = runtime.block_on(command);
    // What still reads a slow disk or a dead peer is not waited for.
    runtime.shutdown_background();
    outcome
}
