//! Files in their place, and nowhere else: nothing is written through a symlink.

use std::fs::Permissions as FilePermissions;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use crate::error::AssetsError;
use crate::manifest::{Entry, Permissions};

/// Refuses an entry whose place, or a directory above it, is taken by what is not replaced.
pub(super) fn is_free(root: &Path, entry: &Entry) -> Result<(), AssetsError> {
    directories(root, entry.path(), false)?;
    let place = root.join(entry.path());
    match place.symlink_metadata() {
        Ok(known) if known.is_dir() => {
            Err(AssetsError::InTheWay { path: place, why: "it is a directory" })
        }
        _ => Ok(()),
    }
}

/// Moves a file that waits to its place, with its mode.
pub(super) fn put(
    root: &Path,
    path: &str,
    waiting: Option<&Path>,
    mode: Option<Permissions>,
) -> Result<(), AssetsError> {
    directories(root, path, true)?;
    let place = root.join(path);
    let at = waiting.unwrap_or(&place);
    if let Some(mode) = mode {
        let permissions = FilePermissions::from_mode(mode.bits());
        std::fs::set_permissions(at, permissions)
            .map_err(AssetsError::io("set the mode of", at))?;
    }
    match waiting {
        Some(waiting) => std::fs::rename(waiting, &place).map_err(AssetsError::io("write", &place)),
        None => Ok(()),
    }
}

/// Makes a symlink; whether it was not there.
pub(super) fn link(
    root: &Path,
    path: &str,
    target: &str,
    scratch: &Path,
) -> Result<bool, AssetsError> {
    directories(root, path, true)?;
    let place = root.join(path);
    if place.read_link().is_ok_and(|there| there == Path::new(target)) {
        return Ok(false);
    }
    let waiting = scratch.join("link");
    symlink(target, &waiting).map_err(AssetsError::io("make the symlink", &place))?;
    std::fs::rename(&waiting, &place).map_err(AssetsError::io("write", &place))?;
    Ok(true)
}

/// Looks at every directory from `root` to the one of `path`, which must be one and no symlink;
/// with `make`, makes those that are missing.
fn directories(root: &Path, path: &str, make: bool) -> Result<(), AssetsError> {
    let mut at = PathBuf::from(root);
    let Some((above, _)) = path.rsplit_once('/') else { return Ok(()) };
    for part in above.split('/') {
        at.push(part);
        match at.symlink_metadata() {
            Ok(known) if known.is_dir() => {}
            Ok(known) if known.is_symlink() => {
                let why = "it is a symlink, and nothing is written through one";
                return Err(AssetsError::InTheWay { path: at, why });
            }
            Ok(_) => {
                return Err(AssetsError::InTheWay { path: at, why: "it is no directory" });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && make => {
                std::fs::create_dir(&at).map_err(AssetsError::io("make", &at))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(AssetsError::io("look at", &at)(error)),
        }
    }
    Ok(())
}
