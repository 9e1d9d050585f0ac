//! Why something from outside is not an event.

use super::Kind;

/// How much of what was sent is repeated in a message, in characters.
const SHOWN: usize = 200;

/// Why a body, or an event in it, cannot be read. The text is what a dead letter says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is too long.
    #[error("the body has {bytes} bytes; at most {limit} are read")]
    Size {
        /// Its length.
        bytes: usize,
        /// The most that is read.
        limit: usize,
    },
    /// It is not JSON.
    #[error("not JSON ({problem}): expected an event, an array of events, or what wraps them")]
    NotJson {
        /// What is wrong, and where.
        problem: String,
    },
    /// It is JSON, but neither an object nor an array.
    #[error("expected an event as a JSON object, or an array of them; it begins with `{start}`")]
    NotAnEvent {
        /// How it begins.
        start: String,
    },
    /// Wrappers in wrappers.
    #[error("the event is wrapped more than {limit} times; send it with fewer wrappers")]
    Nested {
        /// How many wrappers are opened.
        limit: usize,
    },
    /// Too many events in one body.
    #[error("more than {limit} events in one body; send them in several")]
    Count {
        /// How many are taken.
        limit: usize,
    },
    /// The event is of a known kind, and something in it is missing or of the wrong type.
    #[error("{kind} event: {problem}")]
    Content {
        /// Its kind.
        kind: Kind,
        /// What is wrong, and what was expected.
        problem: String,
    },
    /// Nothing says what it is about.
    #[error(
        "no kind of event that is known: expected an EventBridge envelope (`detail-type`, \
         `detail`), a CloudEvent (`specversion`, `type`), a CDEvent (`context`, `subject`), or a \
         registry's notification"
    )]
    Unknown,
}

impl Unreadable {
    /// The event of that kind has that problem.
    pub(crate) fn content(kind: Kind, problem: impl std::fmt::Display) -> Self {
        Self::Content { kind, problem: shown(&problem.to_string()) }
    }

    /// The JSON parser stopped, at its grammar or at a type.
    pub(crate) fn json(error: &serde_json::Error) -> Self {
        if error.is_data() {
            Self::content(Kind::Other, error)
        } else {
            Self::NotJson { problem: shown(&error.to_string()) }
        }
    }

    /// Whether one event of many has this problem, so that the others are none the worse for it.
    pub(crate) fn is_of_one_event(&self) -> bool {
        !matches!(self, Self::Nested { .. } | Self::Count { .. } | Self::Size { .. })
    }
}

/// At most so much of a hostile text, on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut rest = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut shown: String = rest.by_ref().take(SHOWN).collect();
    if rest.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_cut_and_stays_on_one_line() {
        assert_eq!(shown("a\nb\0c"), "a b c");
        let long = shown(&"é".repeat(5_000));
        assert_eq!((long.chars().count(), long.chars().last()), (SHOWN, Some('…')));
        assert_eq!(shown(&"x".repeat(SHOWN)), "x".repeat(SHOWN));
    }
}
