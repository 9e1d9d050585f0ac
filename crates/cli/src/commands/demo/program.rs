//! This program with all that it needs to run in an empty container: itself, its loader, and the
//! libraries that are loaded beside it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use portolan_oci::append::Source;

use super::elf::Elf;
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// Where the program is in the image.
pub(super) const PROGRAM: &str = "/usr/local/bin/portolan";
/// Where its libraries are in the image.
pub(super) const LIBRARIES: &str = "/usr/local/lib/portolan";
/// What the process itself has mapped.
const MAPS: &str = "/proc/self/maps";
/// Its own file, also where that was replaced.
const OWN: &str = "/proc/self/exe";

/// Whether this program can run in a container of this machine.
pub(super) fn runs_in_containers() -> bool {
    cfg!(target_os = "linux") && cfg!(target_endian = "little") && cfg!(target_pointer_width = "64")
}

/// The program and its libraries as files for an image, written below `folder`.
pub(super) fn files(folder: &Path) -> Outcome<Vec<Source>> {
    let failed = |doing: &str, path: &Path| {
        let message = format!("could not {doing} {}", path.display());
        move |error: io::Error| Failure::new(Code::Configuration, message).because(&error)
    };
    let own = Path::new(OWN);
    let bytes = std::fs::read(own).map_err(failed("read this program itself,", own))?;
    let elf = Elf::read(&bytes).ok_or_else(|| {
        Failure::new(Code::Configuration, "this program cannot be put into an image")
            .hint("--record tells the story without containers")
    })?;
    std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
    let program = folder.join("portolan");
    write_executable(&program, &elf.loaded(&bytes)).map_err(failed("write", &program))?;
    let mut files = vec![Source { from: program, to: PROGRAM.to_owned() }];
    let Some(loader) = elf.loader else { return Ok(files) };
    for (name, path) in libraries()? {
        files.push(Source { from: path, to: format!("{LIBRARIES}/{name}") });
    }
    files.push(Source { from: PathBuf::from(&loader), to: loader });
    Ok(files)
}

/// The libraries that are loaded, by the names by which they are needed.
fn libraries() -> Outcome<BTreeMap<String, PathBuf>> {
    let maps = std::fs::read_to_string(MAPS).map_err(|error| {
        Failure::new(Code::Configuration, format!("could not read {MAPS}")).because(&error)
    })?;
    let mut found = BTreeMap::new();
    for path in mapped(&maps) {
        let Ok(bytes) = std::fs::read(path) else { continue };
        if let Some(name) = Elf::read(&bytes).and_then(|elf| elf.name) {
            found.insert(name, PathBuf::from(path));
        }
    }
    Ok(found)
}

/// The files that `maps` names, as `/proc/PID/maps` writes them.
fn mapped(maps: &str) -> std::collections::BTreeSet<&str> {
    maps.lines().filter_map(path_of).filter(|path| path.contains(".so")).collect()
}

/// What stands behind the five columns of a line: a path may hold blanks itself.
fn path_of(line: &str) -> Option<&str> {
    line.find('/').map(|at| line.split_at(at).1)
}

fn write_executable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::write(path, bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_files_are_told_once_each() {
        let maps = "55d0-55d1 r--p 00000000 fe:00 12   /usr/bin/portolan\n\
                    7f00-7f01 r-xp 00000000 fe:00 13   /lib/x86_64-linux-gnu/libc.so.6\n\
                    7f01-7f02 r--p 00001000 fe:00 13   /lib/x86_64-linux-gnu/libc.so.6\n\
                    7f03-7f04 r--p 00001000 fe:00 14   /opt/a b/libm.so.6\n\
                    7ffe-7fff rw-p 00000000 00:00 0    [stack]\n";
        let found: Vec<_> = mapped(maps).into_iter().collect();
        assert_eq!(found, ["/lib/x86_64-linux-gnu/libc.so.6", "/opt/a b/libm.so.6"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_program_has_files() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path()).unwrap();
        assert_eq!(files[0].to, PROGRAM);
        assert!(files.iter().all(|file| file.from.exists()), "{files:?}");
    }
}
