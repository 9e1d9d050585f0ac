//! How a command fails: an expected failure says what to do; a bug shows all that is known.

use std::error::Error;
use std::fmt::{Display, Write as _};

use crate::exit::Code;

/// The end of a command that did not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code, which tells the tiers apart: [`Code::Bug`] is ours, every other is expected.
    pub(crate) code: Code,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
}

/// What a command answers.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// An expected failure: what was being done, to what, and what happened.
    pub(crate) fn new(code: Code, message: impl Display) -> Self {
        Self { code, message: message.to_string(), causes: Vec::new(), hint: None }
    }

    /// An expected failure that `error` tells, with the chain of its causes.
    pub(crate) fn of(code: Code, error: &(dyn Error + 'static)) -> Self {
        Self::new(code, error).because_of(error.source())
    }

    /// Adds the cause, with the chain behind it.
    pub(crate) fn because(self, error: &(dyn Error + 'static)) -> Self {
        self.because_of(Some(error))
    }

    fn because_of(mut self, mut cause: Option<&(dyn Error + 'static)>) -> Self {
        while let Some(error) = cause {
            let text = error.to_string();
            // Some libraries repeat their source's text in their own.
            let told = self.causes.last().unwrap_or(&self.message);
            if !told.contains(&text) {
                self.causes.push(text);
            }
            cause = error.source();
        }
        self
    }

    /// Adds what to do now.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what to do now, where that is known.
    pub(crate) fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.or(self.hint);
        self
    }

    /// Something that can only happen when Portolan is wrong.
    pub(crate) fn bug(error: &(dyn Error + 'static)) -> Self {
        Self::of(Code::Bug, error)
            .hint("this is a bug in Portolan; please report it with the command and the text above")
    }

    /// What happened, in one line, and what to do now.
    pub(crate) fn in_one_line(self) -> (String, Option<String>) {
        let mut line = self.message;
        for cause in &self.causes {
            line.push_str(": ");
            line.push_str(cause);
        }
        (line.replace('\n', " "), self.hint)
    }

    /// The label and the lines to show.
    pub(crate) fn text(&self, paint: impl Fn(&str) -> String) -> String {
        let label = if self.code == Code::Bug { "bug:" } else { "error:" };
        let mut text = format!("{} {}\n", paint(label), self.message);
        for cause in &self.causes {
            // A cause may have lines of its own (a parser's excerpt); they stay under it.
            let cause = cause.trim_end().replace('\n', "\n           ");
            let _ = writeln!(text, "  because: {cause}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{} {hint}", paint("hint:"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("could not read the list")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("the disk is gone")]
    struct Inner;

    #[test]
    fn the_chain_is_shown_once_with_what_to_do() {
        let failure = Failure::of(Code::OtherSide, &Outer(Inner)).hint("buy a disk");
        assert_eq!(
            failure.text(str::to_owned),
            "error: could not read the list\n  because: the disk is gone\nhint: buy a disk\n"
        );
        let failure = Failure::new(Code::OtherSide, "listing: the disk is gone").because(&Inner);
        assert_eq!(failure.text(str::to_owned), "error: listing: the disk is gone\n");
    }

    #[test]
    fn a_bug_says_so() {
        let text = Failure::bug(&Inner).text(str::to_owned);
        assert!(text.starts_with("bug: the disk is gone\n") && text.contains("report"), "{text}");
    }
}
