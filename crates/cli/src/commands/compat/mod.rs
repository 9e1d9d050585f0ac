//! `portolan compat …`, and the binary under the name of a tool that it replaces.

mod weco;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::args::compat::Compat;
use crate::env::Environment;

/// The names under which the binary is another tool.
const WECO: &str = "weco-deploy";

/// Where `arguments` are those of a replaced tool, by the name of the binary or as
/// `portolan compat NAME …`: what that tool is told, and its end. None where they are our own.
pub(crate) fn by_name(arguments: &[OsString], environment: &Environment) -> Option<ExitCode> {
    let name = arguments.first().map(|first| Path::new(first).file_stem());
    let own = if name.flatten().is_some_and(|name| name == WECO) {
        arguments.get(1..)
    } else if arguments.get(1).is_some_and(|it| it == "compat")
        && arguments.get(2).is_some_and(|it| it == WECO)
    {
        arguments.get(3..)
    } else {
        None
    };
    Some(weco::main(own?, environment))
}

/// Runs a replaced tool that the parser found behind our own options.
pub(crate) fn run(command: &Compat, environment: &Environment) -> ExitCode {
    let Compat::WecoDeploy(whole) = command;
    weco::main(&whole.arguments, environment)
}
