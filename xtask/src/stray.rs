//! Processes that tests left behind.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::bail;

/// The environment variable that marks whatever the tests start.
pub(crate) const VARIABLE: &str = "PORTOLAN_TEST_RUN";

/// Fails when processes marked with `run` are still there after a moment.
pub(crate) fn check(run: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = marked(run);
        if left.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("the tests left processes behind:\n{}", left.join("\n"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// `PID COMMAND` of every process whose environment has the mark.
fn marked(run: &str) -> Vec<String> {
    let mark = format!("{VARIABLE}={run}");
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .flatten()
        .filter_map(|process| {
            let environment = fs::read(process.path().join("environ")).ok()?;
            environment.split(|byte| *byte == 0).find(|each| *each == mark.as_bytes())?;
            let command = fs::read(process.path().join("cmdline")).ok()?;
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            Some(format!("{} {command}", process.file_name().display()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_that_stayed_is_found() {
        let run = format!("stray-{}", std::process::id());
        assert!(marked(&run).is_empty());
        let mut child = Command::new("sleep").arg("60").env(VARIABLE, &run).spawn().unwrap();
        // A process that is just being replaced by its program shows no environment for a moment.
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut found = marked(&run);
        while found.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
            found = marked(&run);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(check(&run).is_ok());
    }
}
