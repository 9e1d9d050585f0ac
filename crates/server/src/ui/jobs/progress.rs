//! How far a job is, from what its handler tells.

use serde_json::Value;

use crate::ui::show::{Visible, count};

/// Lines of a list in a job's progress that a page shows.
const LINES: usize = 100;

/// How far a job is. Handlers tell it each in their words: numbers are counts, of which `done` and
/// `total` make a bar; lists of texts are told line by line; what only the handler understands
/// (where it goes on, flags) is left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// How much of how much, where both are known.
    pub(super) bar: Option<(u64, u64)>,
    /// Each count with its name.
    pub(super) counts: Vec<(Visible, String)>,
    /// Each list with its name.
    pub(super) lists: Vec<(Visible, Vec<Visible>)>,
}

/// `scannedImages` as `scanned images`.
fn words(name: &str) -> Visible {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_uppercase() || character == '_' {
            text.push(' ');
        }
        if character != '_' {
            text.extend(character.to_lowercase());
        }
    }
    Visible::cut(&text, 60)
}

impl Progress {
    /// What `told` says.
    pub(super) fn of(told: &Value) -> Self {
        let mut progress = Self::default();
        let Value::Object(fields) = told else { return progress };
        let number = |name: &str| fields.get(name).and_then(Value::as_u64);
        if let (Some(done), Some(total)) = (number("done"), number("total")) {
            progress.bar = Some((done.min(total), total));
        }
        for (name, value) in fields {
            if matches!(name.as_str(), "done" | "total") && progress.bar.is_some() {
                continue;
            }
            match value {
                Value::Number(number) => {
                    if let Some(number) = number.as_u64() {
                        progress.counts.push((words(name), count(number)));
                    }
                }
                Value::Array(lines) => {
                    let lines = lines.iter().filter_map(Value::as_str).take(LINES);
                    let lines: Vec<_> = lines.map(|line| Visible::cut(line, 1000)).collect();
                    if !lines.is_empty() {
                        progress.lists.push((words(name), lines));
                    }
                }
                _ => {}
            }
        }
        progress
    }

    /// What is done, and the counts that are not zero, in one line.
    pub(super) fn line(&self) -> Visible {
        let done = self.percent().map(|percent| format!("{percent} %"));
        let told = self.counts.iter().filter(|(_, number)| number != "0");
        let told = told.map(|(name, number)| format!("{number} {name}"));
        Visible::cut(&done.into_iter().chain(told).collect::<Vec<_>>().join(", "), 300)
    }

    /// The bar in words: `412 of 1,000, 41 %`.
    pub(super) fn told(&self) -> String {
        match (self.bar, self.percent()) {
            (Some((done, total)), Some(percent)) => {
                format!("{} of {}, {percent} %", count(done), count(total))
            }
            _ => String::new(),
        }
    }

    /// Hundredths that are done.
    pub(super) fn percent(&self) -> Option<u64> {
        self.bar.map(|(done, total)| {
            let hundredths = u128::from(done) * 100 / u128::from(total.max(1));
            u64::try_from(hundredths).unwrap_or(100)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_lists_and_a_bar_are_read() {
        let progress = Progress::of(&json!({
            "done": 5, "total": 20, "scannedImages": 1200, "failed": 0, "cursor": "x", "listed": true,
            "failures": ["a\u{202e}b", 3],
        }));
        assert_eq!((progress.bar, progress.percent()), (Some((5, 20)), Some(25)));
        assert_eq!(progress.line().to_string(), "25 %, 1,200 scanned images");
        assert_eq!(progress.lists[0].1[0].to_string(), "a⟨U+202E⟩b");
        assert_eq!((progress.lists.len(), progress.lists[0].1.len()), (1, 1));
    }

    #[test]
    fn odd_progress_does_no_harm() {
        for told in [json!(null), json!(3), json!([]), json!({ "done": -1, "total": 0.5 })] {
            assert_eq!(Progress::of(&told), Progress::default(), "{told}");
        }
        let none = Progress::of(&json!({ "done": 7, "total": 0 }));
        assert_eq!((none.bar, none.percent()), (Some((0, 0)), Some(0)));
    }
}
