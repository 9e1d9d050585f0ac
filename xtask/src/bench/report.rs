//! The page that a run of the benchmarks writes.

use std::fmt::Write as _;
use std::process::Command;

use portolan_testkit::process;

/// What one benchmark found.
pub(crate) struct Section {
    /// The heading.
    pub(crate) title: &'static str,
    /// What was done, in sentences.
    pub(crate) method: String,
    /// The rows of its table.
    pub(crate) rows: Vec<Row>,
}

/// One figure beside the peer's.
pub(crate) struct Row {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// Ours.
    pub(crate) ours: f64,
    /// The peer's, where there is one.
    pub(crate) peer: Option<f64>,
    /// What was promised, where something was.
    pub(crate) floor: Option<Floor>,
}

/// A promise about a figure.
pub(crate) enum Floor {
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is at least this.
    AtLeast(f64),
    /// Ours is at least so many times the peer's.
    TimesPeer(f64),
    /// Ours is at most the peer's.
    BelowPeer,
}

impl Floor {
    /// In words, and whether `ours` beside `peer` keeps it; nothing when there is no peer to hold
    /// it against.
    fn judge(&self, ours: f64, peer: Option<f64>) -> (String, Option<bool>) {
        match self {
            Self::AtMost(most) => (format!("at most {}", figure(*most)), Some(ours <= *most)),
            Self::AtLeast(least) => (format!("at least {}", figure(*least)), Some(ours >= *least)),
            Self::TimesPeer(times) => (
                format!("at least {} times the peer", figure(*times)),
                peer.map(|peer| ours >= times * peer),
            ),
            Self::BelowPeer => ("at most the peer".to_owned(), peer.map(|peer| ours <= peer)),
        }
    }
}

impl Section {
    /// The section as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.method);
        text.push_str("| what | ours | peer | ours / peer | floor | kept |\n");
        text.push_str("|---|---:|---:|---:|---|---|\n");
        for row in &self.rows {
            let peer = row.peer.map_or_else(|| "-".to_owned(), figure);
            let ratio = row.peer.map_or_else(|| "-".to_owned(), |peer| figure(row.ours / peer));
            let (floor, kept) = match &row.floor {
                Some(floor) => floor.judge(row.ours, row.peer),
                None => ("-".to_owned(), None),
            };
            let kept = kept.map_or("-", |kept| if kept { "yes" } else { "**no**" });
            let (what, ours) = (&row.what, figure(row.ours));
            let _ = writeln!(text, "| {what} | {ours} | {peer} | {ratio} | {floor} | {kept} |");
        }
        text
    }
}

/// The whole page.
pub(crate) fn page(sections: &[Section]) -> String {
    let head = "# Benchmarks\n\n\
                Written by `cargo xtask bench`, which makes the inputs, starts both sides on this \
                machine and measures them in one run. Do not edit: run it again.\n";
    let sections = sections.iter().map(Section::markdown).collect::<Vec<_>>().join("\n");
    format!("{head}\n{}\n{sections}", machine())
}

/// On what, with what and when it was measured.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once([':', '=']));
        value.map_or_else(|| "unknown".to_owned(), |(_, v)| v.trim().trim_matches('"').to_owned())
    };
    let ask = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(crate::run::root());
        process::output(&mut command).map_or_else(|_| "unknown".to_owned(), |t| t.trim().to_owned())
    };
    format!(
        "- machine: {} x {}, {} of memory\n- system: {}\n- compiler: {}\n- commit: {}\n- day: {}\n",
        std::thread::available_parallelism().map_or(1, usize::from),
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal"),
        field(&read("/etc/os-release"), "PRETTY_NAME"),
        ask("rustc", &["--version"]),
        ask("git", &["describe", "--always", "--dirty"]),
        ask("date", &["-u", "+%F"]),
    )
}

/// `value` with three digits that matter.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The middle of `values`; nothing when there are none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_that_is_not_kept_is_said() {
        let row =
            |ours, floor| Row { what: "w".to_owned(), ours, peer: Some(10.0), floor: Some(floor) };
        let section = Section {
            title: "t",
            method: "m".to_owned(),
            rows: vec![row(20.0, Floor::TimesPeer(3.0)), row(9.0, Floor::BelowPeer)],
        };
        let text = section.markdown();
        assert!(
            text.contains("| w | 20.0 | 10.0 | 2.00 | at least 3.00 times the peer | **no** |")
        );
        assert!(text.contains("| w | 9.00 | 10.0 | 0.900 | at most the peer | yes |"));
    }

    #[test]
    fn the_median_does_not_mind_the_order() {
        assert_eq!(median(&[9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&[]), None);
    }
}
