//! The files of a tree, one after the other, as git lists them.

use std::io::{BufRead as _, BufReader, Read as _};

use super::{Git, GitError};

/// Bytes of one record at most: a path has 4096.
const MOST_RECORD: u64 = 64 * 1024;
const DOING: &str = "list the files of a commit";

/// What a file is to git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// `100644`, and the `100664` of very old commits.
    File,
    /// `100755`.
    Executable,
    /// `120000`.
    Symlink,
    /// `160000`: a commit of a submodule.
    Submodule,
}

impl Mode {
    /// Git's digits for it.
    pub fn digits(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }

    /// What git's digits mean.
    pub fn of(digits: &[u8]) -> Option<Self> {
        match digits {
            b"100644" | b"100664" => Some(Self::File),
            b"100755" => Some(Self::Executable),
            b"120000" => Some(Self::Symlink),
            b"160000" => Some(Self::Submodule),
            _ => None,
        }
    }
}

/// One file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// From the root, with `/`; any bytes but NUL.
    pub path: Vec<u8>,
    /// What it is.
    pub mode: Mode,
    /// The object that it is: 20 bytes (SHA-1) or 32 (SHA-256).
    pub object: Vec<u8>,
}

impl Record {
    /// The object's name, in hexadecimal digits.
    pub fn object_name(&self) -> String {
        hex::encode(&self.object)
    }
}

impl Git {
    /// Hands every file of `tree`, which names a commit or a tree, to `each`, in the order of the
    /// paths' bytes. Nothing is held but one record.
    pub fn files(&self, tree: &str, mut each: impl FnMut(&Record)) -> Result<(), GitError> {
        let mut command = self.command(["ls-tree", "-r", "-z", "--full-tree", tree, "--"]);
        let mut child = command.spawn().map_err(GitError::Start)?;
        let failed = |source| GitError::Io { doing: "read what git lists".to_owned(), source };
        let answer = |what: &str| GitError::Answer { doing: DOING, what: what.to_owned() };
        let Some(stdout) = child.stdout.take() else { return Err(answer("nothing")) };
        let mut stdout = BufReader::with_capacity(64 * 1024, stdout);
        let mut line = Vec::new();
        let mut record = Record { path: Vec::new(), mode: Mode::File, object: Vec::new() };
        let mut read = || -> Result<(), GitError> {
            loop {
                line.clear();
                let length =
                    (&mut stdout).take(MOST_RECORD).read_until(0, &mut line).map_err(failed)?;
                if length == 0 {
                    return Ok(());
                }
                let Some(line) = line.strip_suffix(b"\0") else {
                    return Err(answer("a record without an end"));
                };
                let Some((mode, object, path)) = parse(line) else {
                    return Err(answer("a record that is no file of a tree"));
                };
                if record.path.as_slice() >= path {
                    return Err(answer("files that are not in order: `git fsck` tells more"));
                }
                record.mode = mode;
                record.path.clear();
                record.path.extend_from_slice(path);
                record.object.resize(object.len() / 2, 0);
                if hex::decode_to_slice(object, &mut record.object).is_err() {
                    return Err(answer("a record without an object"));
                }
                each(&record);
            }
        };
        let outcome = read();
        if outcome.is_err() {
            // It would wait for a reader.
            let _ = child.kill();
        }
        drop(stdout);
        let told = child.wait_with_output().map_err(failed)?;
        outcome?;
        if told.status.success() { Ok(()) } else { Err(self.said(DOING, &told.stderr)) }
    }
}

/// `<mode> <type> <object>\t<path>`.
fn parse(line: &[u8]) -> Option<(Mode, &[u8], &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (head, path) = (&line[..tab], &line[tab + 1..]);
    let mut words = head.split(|byte| *byte == b' ');
    let mode = Mode::of(words.next()?)?;
    let object = words.nth(1)?;
    let whole = matches!(object.len(), 40 | 64) && words.next().is_none() && !path.is_empty();
    whole.then_some((mode, object, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_or_refused() {
        let id = "ab".repeat(20);
        let line = format!("100755 blob {id}\ta b\tc");
        let (mode, object, path) = parse(line.as_bytes()).unwrap();
        assert_eq!((mode, object, path), (Mode::Executable, id.as_bytes(), &b"a b\tc"[..]));
        for wrong in [
            "",
            "100644",
            "100644 blob ab\tx",
            &format!("040000 tree {id}\tx"),
            &format!("100644 blob {id}\t"),
            &format!("100644 blob {id} 7\tx"),
            &format!("100644 blob {id}x"),
        ] {
            assert!(parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
