//! Progress of what takes long: on standard error, and only where a person looks at it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::printer::Printer;

/// A line that says what is going on, and is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a line with `doing`; draws nothing where nobody looks.
    pub(crate) fn start(printer: &Printer, doing: &str) -> Self {
        let target = if printer.may_draw() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(doing.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// Says `text` above the line, for good.
    pub(crate) fn above(&self, printer: &Printer, text: &str) {
        self.bar.suspend(|| printer.note(text));
    }

    /// Changes what is said.
    pub(crate) fn say(&self, doing: String) {
        self.bar.set_message(doing);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
