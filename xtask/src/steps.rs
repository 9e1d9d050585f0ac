//! The steps of a task: each is run whatever became of the others, and all are summed up.

use std::time::{Duration, Instant};

/// What became of each step so far.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Result<(), String>, Duration)>,
}

impl Steps {
    /// Runs `step` under `name` and remembers how it went.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> anyhow::Result<()>) {
        println!("\n== {name}");
        let start = Instant::now();
        let result = step().map_err(|error| format!("{error:#}"));
        if let Err(error) = &result {
            println!("{name} failed: {error}");
        }
        self.done.push((name.to_owned(), result, start.elapsed()));
    }

    /// Whether every step went well.
    pub(crate) fn all_well(&self) -> bool {
        self.done.iter().all(|(_, result, _)| result.is_ok())
    }

    /// Prints a line for each step and a closing one; answers whether every step went well.
    pub(crate) fn summary(&self) -> bool {
        println!();
        for (name, result, took) in &self.done {
            let word = if result.is_ok() { "ok    " } else { "FAILED" };
            println!("{word} {name} ({:.1} s)", took.as_secs_f64());
        }
        let failed = self.done.iter().filter(|(_, result, _)| result.is_err()).count();
        let total: Duration = self.done.iter().map(|(_, _, took)| *took).sum();
        let verdict = if failed == 0 { "green".to_owned() } else { format!("{failed} failed") };
        println!("{} steps in {:.0} s: {verdict}", self.done.len(), total.as_secs_f64());
        self.all_well()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_whole_and_stops_nothing() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.run("broken", || anyhow::bail!("no"));
        steps.run("sound", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        assert!(!steps.summary());
    }
}
