//! What is generated from the command line's own description: completions and the manual.

use std::io;
use std::path::Path;

use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;

/// Prints the completions of `shell`.
pub(crate) fn completions(
    context: &Context,
    mut command: clap::Command,
    shell: clap_complete::Shell,
) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "portolan", &mut text);
    context.printer.bytes(&text)
}

/// Prints the manual: one page with all commands; or, into `dir`, one for each command.
pub(crate) fn man(context: &Context, command: clap::Command, dir: Option<&Path>) -> Outcome {
    let failed = |error: &io::Error| {
        let place = dir.map(|dir| format!(" into {}", dir.display())).unwrap_or_default();
        Failure::new(Code::Configuration, format!("could not write the manual{place}"))
            .because(error)
    };
    // The parser's own `help` command would have a page for each command once more.
    let command = command.disable_help_subcommand(true);
    if let Some(dir) = dir {
        std::fs::create_dir_all(dir).map_err(|error| failed(&error))?;
        return clap_mangen::generate_to(command, dir).map_err(|error| failed(&error));
    }
    let mut command = command;
    command.build();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut text).map_err(|error| failed(&error))?;
    render_below(&command, &mut text).map_err(|error| failed(&error))?;
    context.printer.bytes(&text)
}

/// Adds the pages of the commands below `command`, deepest last.
fn render_below(command: &clap::Command, text: &mut Vec<u8>) -> io::Result<()> {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = below.get_bin_name().unwrap_or(below.get_name()).to_owned();
        clap_mangen::Man::new(below.clone().display_name(name)).render(text)?;
        render_below(below, text)?;
    }
    Ok(())
}
