//! Whether bytes can be kept.

use std::io;
use std::path::Path;

use super::Check;
use crate::human;

const NAME: &str = "blobs";
/// With less free than this, the next push may fail, in bytes.
const LITTLE: u64 = 2_000_000_000;

/// Whether the directory, or the one that it will be made in, can be written, and what is free.
pub(super) fn check(blobs: &Path) -> Check {
    let Some(there) = nearest(blobs) else {
        return Check::wrong(NAME, format!("{} is nowhere", blobs.display()), None);
    };
    if let Err(error) = probe(&there) {
        let finding = format!("{} cannot be written: {error}", there.display());
        let advice = "give whoever runs Portolan the right to, or set blobs.url".to_owned();
        return Check::wrong(NAME, finding, Some(advice));
    }
    let place = blobs.display();
    let free = match rustix::fs::statvfs(&there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Check::wrong(NAME, format!("{place}: no word on its disk: {error}"), None);
        }
    };
    let finding = format!("{place} can be written, {} free", human::size(free));
    if free < LITTLE {
        return Check::note(NAME, finding, "`portolan registry gc` removes what nothing refers to");
    }
    Check::ok(NAME, finding)
}

/// `directory`, or the nearest one above it that is there.
fn nearest(directory: &Path) -> Option<std::path::PathBuf> {
    let absolute = std::path::absolute(directory).ok()?;
    absolute.ancestors().find(|path| path.is_dir()).map(Path::to_owned)
}

/// Makes a file and removes it: rights, read-only mounts and full disks all show in that.
fn probe(directory: &Path) -> io::Result<()> {
    let name = format!(".portolan-doctor-{}", std::process::id());
    let path = directory.join(name);
    std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_directory_that_is_not_there_yet_is_checked_above() {
        let dir = tempfile::tempdir().unwrap();
        let found = check(&dir.path().join("a/b"));
        assert_ne!(found.state, State::Wrong, "{}", found.finding);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_in_the_way_is_wrong() {
        assert_eq!(check(Path::new("/proc/no/such")).state, State::Wrong);
    }
}
