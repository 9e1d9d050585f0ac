//! The only place that writes to standard output and standard error.

use std::io::{self, IsTerminal as _, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// The form of what a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Output {
    /// For people: aligned tables, short digests, ages.
    #[default]
    Text,
    /// For programs: one JSON document, with stable names.
    Json,
}

/// Writes answers to standard output, and what is said beside them to standard error.
#[derive(Debug)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
    colour: bool,
    closed: AtomicBool,
}

impl Printer {
    /// A printer. Colour is used on a terminal alone, and never where `no_colour` asks for none
    /// (<https://no-color.org>).
    pub(crate) fn new(output: Output, quiet: bool, no_colour: bool) -> Self {
        let colour = !no_colour && io::stderr().is_terminal();
        Self { output, quiet, colour, closed: AtomicBool::new(false) }
    }

    /// Whether programs read the answer.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Whether progress may be drawn: a person is looking at standard error.
    pub(crate) fn may_draw(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Writes `text`, with a line's end where it has none.
    pub(crate) fn text(&self, text: &str) -> Outcome {
        if text.is_empty() {
            return Ok(());
        }
        self.bytes(text.as_bytes())?;
        if text.ends_with('\n') { Ok(()) } else { self.bytes(b"\n") }
    }

    /// Writes `bytes` as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome {
        self.write(|stdout| stdout.write_all(bytes))
    }

    /// Writes `value` as JSON over several lines.
    pub(crate) fn json(&self, value: &impl Serialize) -> Outcome {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::bug(&error))?;
        self.text(&text)
    }

    /// Writes `value` as JSON where programs read, else what `text` makes of it.
    pub(crate) fn answer<T: Serialize>(&self, value: &T, text: impl Fn(&T) -> String) -> Outcome {
        if self.is_json() { self.json(value) } else { self.text(&text(value)) }
    }

    /// Says something beside the answer, unless it was asked to be quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            // There is nobody left to tell that standard error is gone.
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Shows how a command failed, even where it was asked to be quiet.
    pub(crate) fn failure(&self, failure: &Failure) {
        let text = failure.text(|label| {
            if self.colour { format!("\x1b[1;31m{label}\x1b[0m") } else { label.to_owned() }
        });
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// Writes; where the reader has gone (`portolan … | head`), nothing more is written, and that is
    /// no failure.
    fn write(&self, write: impl FnOnce(&mut io::StdoutLock<'_>) -> io::Result<()>) -> Outcome {
        if self.closed.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        match write(&mut stdout).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                Err(Failure::new(Code::Configuration, "could not write the answer").because(&error))
            }
        }
    }
}

/// Asks something of whoever sits at the terminal, even where it was asked to be quiet: the answer is
/// written on the same line.
pub(crate) fn ask(text: &str) {
    let mut stderr = io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Writes to standard error what happens where there is no [`Printer`]: a panic, the parser's own
/// words.
pub(crate) fn last_words(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output what is answered before there is a [`Printer`]: help and version.
pub(crate) fn first_words(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Whether the parser's words may be coloured.
pub(crate) fn colour(no_colour: bool, to_stderr: bool) -> bool {
    !no_colour && if to_stderr { io::stderr().is_terminal() } else { io::stdout().is_terminal() }
}
