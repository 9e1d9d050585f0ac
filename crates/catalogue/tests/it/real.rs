//! Archives that real tools made, listed as GNU tar lists them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use portolan_catalogue::Entry;
use portolan_model::{Digest, FileKind};
use portolan_testkit::Layer;

use crate::support::scan;

fn run(command: &mut Command) -> Vec<u8> {
    let output = command.env("LC_ALL", "C").output();
    let output = output.unwrap_or_else(|e| panic!("{command:?}: {e} (apt-get install it)"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A folder with one of everything.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("etc/deep")).unwrap();
    fs::write(path("etc/os-release"), "ID=debian\n").unwrap();
    fs::write(path("empty"), "").unwrap();
    fs::write(path("big"), vec![b'x'; 1_000_000]).unwrap();
    fs::write(path("exactly-one-block"), [b'y'; 512]).unwrap();
    fs::write(path("caf\u{e9}"), "utf-8").unwrap();
    fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"latin-\xe9")), "latin").unwrap();
    fs::write(path("set-user"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(path("set-user"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::set_permissions(path("etc/deep"), fs::Permissions::from_mode(0o1777)).unwrap();
    symlink("../etc/os-release", path("etc/link")).unwrap();
    fs::hard_link(path("big"), path("same-as-big")).unwrap();
    let long = format!("{}/{}", "d".repeat(120), "n".repeat(150));
    fs::create_dir(path(&"d".repeat(120))).unwrap();
    fs::write(path(&long), "long").unwrap();
    symlink("t".repeat(180), path("long-link")).unwrap();
    fs::hard_link(path(&long), path("same-as-long")).unwrap();
    run(Command::new("mkfifo").arg(path("pipe")));
    folder
}

/// What `tar --list --verbose` says: the mode's letters, the size, the name and the link's target.
fn listed(archive: &Path) -> BTreeMap<Vec<u8>, (String, u64, Vec<u8>)> {
    let output = run(Command::new("tar")
        .args(["--list", "--verbose", "--numeric-owner", "--quoting-style=literal"])
        .arg("--file")
        .arg(archive));
    let mut all = BTreeMap::new();
    for line in output.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // -rw-r--r-- 0/0     10 2026-01-01 00:00 name
        let mut rest = line;
        let mut field = || {
            let start = rest.iter().position(|byte| *byte != b' ').unwrap();
            let end = rest[start..].iter().position(|byte| *byte == b' ').unwrap();
            let field = String::from_utf8(rest[start..start + end].to_vec()).unwrap();
            rest = &rest[start + end..];
            field
        };
        let (mode, _, size, _, _) = (field(), field(), field(), field(), field());
        let mut name = rest[1..].to_vec();
        let mut target = Vec::new();
        for arrow in [&b" -> "[..], b" link to "] {
            if let Some(at) = name.windows(arrow.len()).position(|part| part == arrow) {
                target = name[at + arrow.len()..].to_vec();
                name.truncate(at);
            }
        }
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        if !name.is_empty() {
            all.insert(name, (mode, size.parse().unwrap_or(0), target));
        }
    }
    all
}

fn letters(entry: &Entry) -> String {
    let kind = match entry.kind {
        FileKind::Directory => 'd',
        FileKind::Symlink => 'l',
        FileKind::Hardlink => 'h',
        FileKind::CharacterDevice => 'c',
        FileKind::BlockDevice => 'b',
        FileKind::Fifo => 'p',
        _ => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, (low, high)) in
        [(6, 0o4000, ('s', 'S')), (3, 0o2000, ('s', 'S')), (0, 0o1000, ('t', 'T'))]
    {
        let bits = entry.mode >> shift & 7;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (entry.mode & special != 0, bits & 1 != 0) {
            (true, true) => low,
            (true, false) => high,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// What the scanner says, in the words of the list.
fn scanned(archive: &Path) -> BTreeMap<Vec<u8>, (String, u64, Vec<u8>)> {
    let entries = scan(&Layer::plain(fs::read(archive).unwrap())).unwrap();
    let read = |entry: Entry| {
        let name = entry.raw_path.clone().unwrap_or_else(|| entry.path.clone().into_bytes());
        let name = name.strip_prefix(b"./").map(<[u8]>::to_vec).unwrap_or(name);
        let target = entry.link.clone().unwrap_or_default().into_bytes();
        (name, (letters(&entry), entry.size, target))
    };
    entries.into_iter().map(read).collect()
}

/// The list, with the targets of hard links normalised as the scanner's are.
fn expected(archive: &Path) -> BTreeMap<Vec<u8>, (String, u64, Vec<u8>)> {
    let mut all = listed(archive);
    for (mode, _, target) in all.values_mut() {
        if mode.starts_with('h') {
            *target = target.strip_prefix(b"./").unwrap_or(target).to_vec();
        }
    }
    all
}

#[test]
fn gnu_tar_in_each_of_its_formats() {
    let folder = folder();
    let out = tempfile::tempdir().unwrap();
    for format in ["gnu", "oldgnu", "pax", "ustar", "v7"] {
        let archive = out.path().join(format);
        let mut tar = Command::new("tar");
        tar.arg("--create").arg(format!("--format={format}")).arg("--file").arg(&archive);
        tar.arg("--directory").arg(folder.path());
        if matches!(format, "ustar" | "v7") {
            // They have no place for names like these.
            tar.args(["--exclude=./ddd*", "--exclude=long-link", "--exclude=same-as-long"]);
        }
        if format == "v7" {
            tar.arg("--exclude=pipe");
        }
        run(tar.arg("."));
        let scanned = scanned(&archive);
        assert!(scanned.len() > 10, "{format}");
        assert_eq!(scanned, expected(&archive), "{format}");
    }
}

#[test]
fn busybox_tar() {
    let folder = folder();
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("archive");
    run(Command::new("busybox")
        .args(["tar", "-c", "-f"])
        .arg(&archive)
        .arg("-C")
        .arg(folder.path())
        .arg("."));
    assert_eq!(scanned(&archive), expected(&archive));
}

#[test]
fn python_in_each_of_its_formats() {
    let folder = folder();
    let out = tempfile::tempdir().unwrap();
    for format in ["USTAR_FORMAT", "GNU_FORMAT", "PAX_FORMAT"] {
        let archive = out.path().join(format);
        let script = format!(
            "import sys, tarfile\n\
             t = tarfile.open(sys.argv[1], 'w', format=tarfile.{format})\n\
             skip = lambda m: None if '{format}' == 'USTAR_FORMAT' and \
             ('/ddd' in m.name or 'long' in m.name) else m\n\
             t.add(sys.argv[2], '.', filter=skip)\n\
             t.close()\n"
        );
        run(Command::new("python3").arg("-c").arg(script).arg(&archive).arg(folder.path()));
        assert_eq!(scanned(&archive), expected(&archive), "{format}");
    }
}

#[test]
fn contents_are_digested_and_kept() {
    let folder = folder();
    let out = tempfile::tempdir().unwrap();
    let archive = out.path().join("archive");
    run(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(folder.path()).arg("."));
    let entries = scan(&Layer::gzip(&fs::read(&archive).unwrap())).unwrap();
    for entry in entries.iter().filter(|entry| entry.kind == FileKind::File) {
        let name = entry.raw_path.clone().unwrap_or_else(|| entry.path.clone().into_bytes());
        let file = folder.path().join(std::ffi::OsStr::from_bytes(&name));
        assert_eq!(entry.digest, Some(Digest::of(&fs::read(file).unwrap())), "{}", entry.path);
    }
    let kept = entries.iter().find(|entry| entry.path == "etc/os-release").unwrap();
    let content = portolan_catalogue::layer::Content::Kept(b"ID=debian\n".to_vec());
    assert_eq!(kept.content, content);
    assert!(entries.iter().any(|entry| entry.path == "latin-\\xe9"));
}

#[test]
fn sparse_files_in_all_four_formats() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sparse");
    let mut content = vec![0; 3 << 20];
    // More parts than fit into the header, so that the map goes on in blocks of its own.
    for part in 0..40 {
        let at = part * 70_000;
        content[at..at + 5000].fill(b'a' + u8::try_from(part % 26).unwrap());
    }
    fs::write(&file, &content).unwrap();
    fs::write(folder.path().join("z-after"), "after").unwrap();
    run(Command::new("fallocate").arg("--dig-holes").arg(&file));
    let archive = folder.path().join("archive");
    for format in [
        &["--format=gnu"][..],
        &["--format=pax", "--sparse-version=0.0"],
        &["--format=pax", "--sparse-version=0.1"],
        &["--format=pax", "--sparse-version=1.0"],
    ] {
        let mut tar = Command::new("tar");
        tar.args(["-c", "--sparse"]).args(format).arg("-f").arg(&archive);
        run(tar.arg("-C").arg(folder.path()).args(["sparse", "z-after"]));
        let bytes = fs::read(&archive).unwrap();
        assert!(bytes.len() < content.len() / 2, "{format:?}: it has no holes");
        let entries = scan(&Layer::plain(bytes)).unwrap();
        let seen: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.size, e.digest)).collect();
        assert_eq!(
            seen,
            [
                ("sparse", content.len() as u64, Some(Digest::of(&content))),
                ("z-after", 5, Some(Digest::of(b"after"))),
            ],
            "{format:?}"
        );
    }
}
