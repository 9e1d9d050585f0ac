//! Repositories of git, made once and kept.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Files of one folder.
const FOLDER: usize = 100;

fn git(at: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    let done = command.arg("-C").arg(at).args(arguments).stdout(Stdio::null()).status()?;
    ensure!(done.success(), "{command:?} failed");
    Ok(())
}

/// A repository whose one commit has `count` files below `folder`, each of other contents; they are
/// in no working tree.
pub(super) fn made(
    at: &Path,
    folder: &str,
    count: usize,
    content: &[u8],
) -> anyhow::Result<PathBuf> {
    if at.join("made").exists() {
        return Ok(at.to_owned());
    }
    println!("making a repository of {count} files");
    let _ = std::fs::remove_dir_all(at);
    std::fs::create_dir_all(at)?;
    git(at, &["init", "--quiet", "--initial-branch=main"])?;
    let mut command = Command::new("git");
    command.arg("-C").arg(at).args(["fast-import", "--quiet", "--done"]);
    let mut import = command.stdin(Stdio::piped()).spawn()?;
    let mut input = std::io::BufWriter::new(import.stdin.take().context("git takes no input")?);
    let who = "bench <bench@example.invalid> 1700000000 +0000";
    write!(input, "commit refs/heads/main\ncommitter {who}\ndata 4\nmade")?;
    for number in 0..count {
        let mut path = String::from(folder);
        if count > FOLDER {
            write!(path, "/{:04}/{:02}", number / FOLDER, number % FOLDER)?;
        }
        let text = [content, number.to_string().as_bytes()].concat();
        write!(input, "\nM 100644 inline {path}\ndata {}\n", text.len())?;
        input.write_all(&text)?;
    }
    write!(input, "\n\ndone\n")?;
    input.flush()?;
    drop(input);
    ensure!(import.wait()?.success(), "{command:?} failed");
    if count <= FOLDER {
        git(at, &["checkout", "--quiet", "-f", "main"])?;
    }
    std::fs::write(at.join("made"), "")?;
    Ok(at.to_owned())
}

/// A repository with `count` files of `content` below `data`, in its working tree alone.
pub(super) fn with_files(at: &Path, count: usize, content: &[u8]) -> anyhow::Result<PathBuf> {
    made(at, "README", 1, b"text")?;
    let data = at.join("data");
    if data.is_dir() {
        return Ok(at.to_owned());
    }
    println!("writing {count} files");
    let making = at.join("making");
    let _ = std::fs::remove_dir_all(&making);
    std::fs::create_dir(&making)?;
    for number in 0..count {
        std::fs::write(making.join(format!("{number:06}")), content)?;
    }
    std::fs::rename(making, data)?;
    Ok(at.to_owned())
}
