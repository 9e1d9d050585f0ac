//! What a command uses.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::bench::usage;

/// Between two looks at the memory of a command.
const LOOK: Duration = Duration::from_millis(5);

/// What a command used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) seconds: f64,
    /// User and system.
    pub(super) cpu: f64,
    /// The most memory that was seen resident, in MiB.
    pub(super) peak_mib: f64,
}

/// Runs `command`, which must succeed.
pub(super) fn used(command: &mut Command) -> anyhow::Result<Used> {
    let before = usage::children_cpu_seconds()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let mut peak_mib = 0.0_f64;
    let seconds = loop {
        if child.try_wait()?.is_some() {
            break start.elapsed().as_secs_f64();
        }
        // It may end between the two.
        peak_mib = peak_mib.max(usage::peak_mib(child.id()).unwrap_or_default());
        let pause = if start.elapsed() < LOOK * 20 { LOOK / 10 } else { LOOK };
        std::thread::sleep(pause);
    };
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {said}");
    Ok(Used { seconds, cpu: usage::children_cpu_seconds()? - before, peak_mib })
}

/// The middle of what `of` tells of the runs.
pub(super) fn middle(runs: &[Used], of: impl Fn(&Used) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
