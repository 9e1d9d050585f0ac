//! What this process may give a container of files and processes.
//!
//! As root, podman asks for large limits of its own choice, whatever it may ask for itself; where a
//! sandbox has less and does not let it be raised, no container starts. Where one limit is named,
//! podman no longer lowers the other one by itself.

use rustix::process::{Resource, getrlimit};

/// How many files podman gives a container where nobody says otherwise, as it tells by `inspect`.
const USUAL_FILES: u64 = 1 << 20;
/// Where Linux tells how many processes there can be: podman allows itself no more, and so those that
/// it starts.
const PID_MAX: &str = "/proc/sys/kernel/pid_max";

/// The limits to be named for a container; none where podman's own will do.
pub(crate) fn own() -> Vec<(&'static str, u64)> {
    let most = std::fs::read_to_string(PID_MAX).ok().and_then(|text| text.trim().parse().ok());
    named(getrlimit(Resource::Nofile).maximum, getrlimit(Resource::Nproc).maximum, most)
}

fn named(
    files: Option<u64>,
    processes: Option<u64>,
    pid_max: Option<u64>,
) -> Vec<(&'static str, u64)> {
    let Some(files) = files.filter(|files| *files < USUAL_FILES) else { return Vec::new() };
    let processes = processes.into_iter().chain(pid_max).min();
    let processes = processes.map(|processes| ("nproc", processes));
    std::iter::once(("nofile", files)).chain(processes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_named_where_files_are_fewer_than_usual() {
        assert_eq!(named(Some(USUAL_FILES), Some(5), Some(7)), []);
        assert_eq!(named(None, Some(5), Some(7)), []);
        let both = [("nofile", 20_000), ("nproc", 32_768)];
        assert_eq!(named(Some(20_000), Some(96_364), Some(32_768)), both);
        assert_eq!(named(Some(20_000), None, Some(32_768)), both);
        assert_eq!(named(Some(20_000), None, None), both[..1]);
    }
}
