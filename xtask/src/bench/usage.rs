//! What a process has used, as Linux counts it.

use std::path::PathBuf;

use anyhow::Context;

/// Clock ticks of `/proc` in a second: `USER_HZ`, which is 100 wherever Linux runs on a server.
const TICKS: f64 = 100.0;

/// CPU seconds, user and system, that the process `pid` and all its threads have used.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    ticks(&format!("/proc/{pid}/stat"), [11, 12])
}

/// CPU seconds of the children of this process that have ended and were waited for.
pub(crate) fn children_cpu_seconds() -> anyhow::Result<f64> {
    ticks("/proc/self/stat", [13, 14])
}

/// The sum of two fields of a `stat` file, counted from the one behind the command's name.
fn ticks(path: &str, fields: [usize; 2]) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    let (_, rest) = stat.rsplit_once(") ").context("a stat file without a command")?;
    let values: Vec<_> = rest.split(' ').collect();
    let mut sum = 0.0;
    for field in fields {
        let value = values.get(field).context("a stat file that is too short")?;
        sum += value.parse::<f64>().context("a stat field that is no number")?;
    }
    Ok(sum / TICKS)
}

/// The most memory that the process `pid` ever had resident since the last reset, in MiB.
pub(crate) fn peak_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kib.context("no peak of memory in the status file")?.parse::<f64>()? / 1024.0)
}

/// Starts counting the peak of memory of the process `pid` anew.
pub(crate) fn reset_peak(pid: u32) -> anyhow::Result<()> {
    let path = PathBuf::from(format!("/proc/{pid}/clear_refs"));
    std::fs::write(&path, "5").with_context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let mut sum = 0_u64;
        while cpu_seconds(std::process::id()).unwrap() < 0.02 {
            sum = std::hint::black_box((0..1_000_000).fold(sum, u64::wrapping_add));
        }
        assert!(peak_mib(std::process::id()).unwrap() > 1.0);
    }
}
