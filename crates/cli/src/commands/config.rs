//! `portolan config …`

use crate::config::DEFAULT_FILE;
use crate::error::Outcome;
use crate::run::Context;

/// Prints the default configuration file.
pub(crate) fn default(context: &Context) -> Outcome {
    context.printer.text(DEFAULT_FILE)
}
