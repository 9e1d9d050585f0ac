//! `portolan compat …`, and the binary under the name of a tool that it replaces.

mod s3_asset_manager;
mod weco;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use s3_asset_manager::Program;

use crate::args::compat::Compat;
use crate::env::Environment;

/// A tool that is replaced.
#[derive(Debug, Clone, Copy)]
enum Tool {
    Weco,
    Assets(Program),
}

impl Tool {
    /// The tool of that name.
    fn named(name: &OsStr) -> Option<Self> {
        match name.to_str()? {
            "weco-deploy" => Some(Self::Weco),
            "check" => Some(Self::Assets(Program::Check)),
            "upload" => Some(Self::Assets(Program::Upload)),
            _ => None,
        }
    }

    fn run(self, arguments: &[OsString], environment: &Environment) -> ExitCode {
        match self {
            Self::Weco => weco::main(arguments, environment),
            Self::Assets(program) => s3_asset_manager::main(program, environment),
        }
    }
}

/// Where `arguments` are those of a replaced tool, by the name of the binary or as
/// `portolan compat NAME …`: what that tool is told, and its end. None where they are our own.
pub(crate) fn by_name(arguments: &[OsString], environment: &Environment) -> Option<ExitCode> {
    let name = arguments.first().and_then(|first| Path::new(first).file_stem());
    if let Some(tool) = name.and_then(Tool::named) {
        return Some(tool.run(arguments.get(1..)?, environment));
    }
    let tool = arguments.get(2).filter(|_| arguments[1] == "compat")?;
    // Help of the two that have none of their own is ours.
    let asks = arguments.get(3).is_some_and(|it| it == "--help" || it == "-h");
    match Tool::named(tool)? {
        Tool::Assets(_) if asks => None,
        tool => Some(tool.run(arguments.get(3..)?, environment)),
    }
}

/// Runs a replaced tool that the parser found behind our own options.
pub(crate) fn run(command: &Compat, environment: &Environment) -> ExitCode {
    match command {
        Compat::WecoDeploy(whole) => Tool::Weco.run(&whole.arguments, environment),
        Compat::Check(whole) => Tool::Assets(Program::Check).run(&whole.arguments, environment),
        Compat::Upload(whole) => Tool::Assets(Program::Upload).run(&whole.arguments, environment),
    }
}
