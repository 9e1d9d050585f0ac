//! Which engine is there, and one that misbehaves.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use portolan_engine::{Engine, EngineError, Filter, Kind, Settings};
use tempfile::TempDir;

use crate::bed::{Bed, Home};

/// A folder with a program `name` that is this shell script.
fn program(folder: &TempDir, name: &str, script: &str) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn settings(folder: &TempDir, program: &Path) -> Settings {
    Settings { program: Some(program.to_owned()), ..Settings::new("test", folder.path()) }
}

#[tokio::test]
async fn podman_is_known_with_its_version() {
    let bed = Bed::without_image(Home::podman()).await;
    assert_eq!(bed.engine.kind(), Kind::Podman);
    assert!(bed.engine.version().starts_with(|first: char| first.is_ascii_digit()));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(bed.engine.host(), host.trim());
}

#[tokio::test]
async fn no_engine_is_an_answer_that_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let error = Engine::detect(settings(&folder, Path::new("/no/podman"))).await.unwrap_err();
    let EngineError::NotFound { looked_for } = &error else { panic!("{error}") };
    assert_eq!(looked_for, &["/no/podman"]);
    assert!(error.to_string().contains("apt-get install podman"), "{error}");
}

#[tokio::test]
async fn podman_is_taken_first_and_docker_where_podman_does_not_work() {
    let docker =
        "case $1 in --version) echo Docker version 24.0.1, build 1;; *) echo 24.0.1;; esac";
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings {
        environment: vec![("PATH".into(), folder.path().into())],
        ..Settings::new("test", folder.path())
    };
    let error = Engine::detect(settings()).await.unwrap_err();
    assert!(error.to_string().contains("no podman and no docker"), "{error}");
    program(&folder, "docker", docker);
    let found = Engine::detect(settings()).await.unwrap();
    assert_eq!((found.kind(), found.version()), (Kind::Docker, "24.0.1"));
    program(&folder, "podman", KNOWN);
    assert_eq!(Engine::detect(settings()).await.unwrap().kind(), Kind::Podman);
    program(&folder, "podman", "echo newuidmap is missing >&2; exit 125");
    assert_eq!(Engine::detect(settings()).await.unwrap().kind(), Kind::Docker);
    std::fs::remove_file(folder.path().join("docker")).unwrap();
    let error = Engine::detect(settings()).await.unwrap_err().to_string();
    assert!(error.contains("newuidmap is missing"), "{error}");
    // A docker that is podman in disguise.
    program(&folder, "docker", KNOWN);
    std::fs::remove_file(folder.path().join("podman")).unwrap();
    assert_eq!(Engine::detect(settings()).await.unwrap().kind(), Kind::Podman);
}

#[tokio::test]
async fn what_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for (script, reason) in [
        ("echo something else 1.0", "neither podman nor docker"),
        ("case $1 in --version) echo podman version 3.4.4;; *) echo 3.4.4;; esac", "4.0 or newer"),
        (
            "case $1 in --version) echo Docker version 20.10.24, build 297e128;; *) echo Cannot \
             connect to the Docker daemon >&2; exit 1;; esac",
            "Cannot connect to the Docker daemon",
        ),
        ("echo broken library >&2; exit 127", "broken library"),
    ] {
        let path = program(&folder, "engine", script);
        let error = Engine::detect(settings(&folder, &path)).await.unwrap_err();
        assert!(matches!(error, EngineError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let bad = Settings::new("a b", folder.path());
    assert!(matches!(Engine::detect(bad).await, Err(EngineError::Invalid { .. })));
}

const KNOWN: &str = "case $1 in --version) echo podman version 4.3.1; exit;; info) echo 4.3.1; \
                     exit;; esac";

#[tokio::test]
async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("{KNOWN}\nsleep 600 & echo $! > {}\nwait", pid.display());
    let mut settings = settings(&folder, &program(&folder, "podman", &script));
    settings.patience = Duration::from_secs(2);
    let engine = Engine::detect(settings).await.unwrap();
    let begin = Instant::now();
    let error = engine.list(&Filter::default()).await.unwrap_err();
    assert!(matches!(error, EngineError::TimedOut { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    let pid = std::fs::read_to_string(&pid).unwrap();
    let cmdline = PathBuf::from(format!("/proc/{}/cmdline", pid.trim()));
    let deadline = Instant::now() + Duration::from_secs(5);
    while std::fs::read(&cmdline).is_ok_and(|cmdline| cmdline.starts_with(b"sleep")) {
        assert!(Instant::now() < deadline, "what it started lives on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_program_that_is_killed_or_says_too_much_or_nonsense_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (script, reason) in [
        ("kill -9 $$", "signal 9"),
        ("exec cat /dev/zero", "said more than"),
        ("echo --all", "cannot be read"),
        ("echo", ""),
    ] {
        let path = program(&folder, "podman", &format!("{KNOWN}\n{script}"));
        let engine = Engine::detect(settings(&folder, &path)).await.unwrap();
        let begin = Instant::now();
        match engine.list(&Filter::default()).await {
            Ok(none) => assert!(reason.is_empty() && none.is_empty(), "{script}"),
            Err(error) => {
                assert!(!reason.is_empty() && error.to_string().contains(reason), "{error}");
            }
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{script}");
    }
}

#[tokio::test]
async fn a_start_whose_program_is_killed_leaves_nothing() {
    let bed = Bed::new(Home::podman()).await;
    // It makes the container for real, and dies before it starts it.
    let podman = portolan_testkit::process::find("podman", "podman").unwrap();
    let script = format!("[ $1 = start ] && kill -9 $$\nexec {} \"$@\"", podman.display());
    let mut settings = bed.home.settings(&bed.scratch);
    settings.program = Some(program(&bed.scratch, "podman", &script));
    let mortal = Engine::detect(settings).await.unwrap();
    let error = mortal.start(&bed.shell("web-1", "sleep 600")).await.unwrap_err();
    assert!(error.to_string().contains("signal 9"), "{error}");
    let left = bed.engine.list(&Filter::default()).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
