//! Showing the story: numbered steps for people, one JSON object for each for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::{Failure, Outcome};
use crate::printer::{self, Printer};
use crate::table::printable;

/// A step of the story, with what it came to.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// What was done, or asked.
    pub(super) title: String,
    /// What it came to, in a few lines.
    pub(super) lines: Vec<String>,
    /// The page that shows it, from the first slash.
    pub(super) page: String,
    /// The same for programs.
    pub(super) answer: Value,
}

/// Shows steps as they come.
pub(super) struct Show<'a> {
    printer: &'a Printer,
    base: String,
    colour: bool,
    number: AtomicU32,
}

impl<'a> Show<'a> {
    /// Of the server at `base`.
    pub(super) fn new(printer: &'a Printer, base: String, no_colour: bool) -> Self {
        let colour = printer::colour(no_colour, false);
        Self { printer, base, colour, number: AtomicU32::new(0) }
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn for_people(&self, text: &str) -> Outcome {
        if self.printer.is_json() { Ok(()) } else { self.printer.text(text) }
    }

    /// Says what is about to be told.
    pub(super) fn begin(&self, runs: &str, home: &Path) -> Outcome {
        let title =
            self.styled("1", "The harbour: two services, from a build to production and back");
        self.for_people(&format!(
            "{title}\n  pages  {}/ui/\n  runs   {}\n  data   {}\n",
            self.base,
            printable(runs),
            home.display()
        ))
    }

    /// Shows a step that took so long.
    pub(super) fn step(&self, step: &Step, took: Duration) -> Outcome {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        let page = format!("{}{}", self.base, step.page);
        let seconds = took.as_secs_f64();
        if self.printer.is_json() {
            let told = json!({
                "step": number,
                "title": step.title,
                "seconds": (seconds * 1000.0).round() / 1000.0,
                "page": page,
                "answer": step.answer,
            });
            let line = serde_json::to_string(&told).map_err(|error| Failure::bug(&error))?;
            return self.printer.text(&line);
        }
        let title = self.styled("1", &printable(&step.title));
        let took = self.styled("2", &format!("({seconds:.1} s)"));
        let mut text = format!("\n{number:2}  {title} {took}\n");
        for line in &step.lines {
            let _ = writeln!(text, "    {}", printable(line));
        }
        let _ = writeln!(text, "    {}", self.styled("36", &page));
        self.printer.text(&text)
    }

    /// Says how to go on.
    pub(super) fn end(&self, stays: bool) -> Outcome {
        let Self { base, .. } = self;
        self.for_people(&if stays {
            format!(
                "\nThat was the story. The server goes on: see {base}/ui/, or ask, in another \
                 terminal,\n  portolan --server {base} running\n  portolan --server {base} history \
                 pilot\nCtrl-C ends it with all that it runs.\n"
            )
        } else {
            "\nThat was the story; with --stay the server goes on after it.\n".to_owned()
        })
    }
}
