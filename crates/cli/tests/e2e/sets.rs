//! Sets under kills, races and strangers: `portolan assets` as a pipeline runs it.

mod commands;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use portolan_model::failpoint;
use serde_json::Value;
use tempfile::TempDir;

use crate::world::BINARY;

/// How often an upload is killed.
const KILLS: u64 = 200;
/// Files of each set.
const FILES: u64 = 20;

/// A bucket in a directory, and builds beside it.
pub(crate) struct Yard {
    dir: TempDir,
}

impl Yard {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("bucket")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("assets").args(arguments).current_dir(self.path()).env_clear();
        #[expect(clippy::disallowed_methods, reason = "git is looked for")]
        let path = std::env::var_os("PATH").unwrap();
        command.env("PATH", path).env("HOME", self.path());
        command.env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("PORTOLAN_ASSETS_URL", "file:bucket").env("PORTOLAN_ASSETS_PROJECT", "shop");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a build made, which differs for each `number`.
    fn build(&self, number: u64) -> PathBuf {
        let out = self.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir_all(out.join("deep")).unwrap();
        for file in 0..FILES {
            let place = out.join(format!("deep/{file}"));
            std::fs::write(place, format!("{number} {file} ").repeat(2000)).unwrap();
        }
        // One that is not read at once.
        std::fs::write(out.join("large"), format!("{number} ").repeat(400_000)).unwrap();
        out
    }

    /// Asserts that what `check` calls found is whole; whether it is found.
    fn is_sound(&self, commit: &str, when: &str) -> bool {
        let output = self.run(&["check", "--no-inputs", "--commit", commit, "--output", "json"]);
        assert!(output.status.success(), "{when}: {output:?}");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found = answer["answer"] == "found";
        if found {
            let output = self.run(&["verify", commit]);
            assert!(output.status.success(), "{when}: found, and not whole: {output:?}");
        }
        found
    }

    fn upload(&self, commit: &str) -> Command {
        self.command(&["upload", "out", "--no-inputs", "--commit", commit])
    }
}

fn name(number: u64) -> String {
    format!("{number:040x}")
}

#[test]
fn two_hundred_kills_never_leave_a_set_that_is_found_and_not_whole() {
    let yard = Yard::new();
    // How long one takes that is left alone.
    yard.build(0);
    let begun = Instant::now();
    assert!(yard.upload(&name(0)).output().unwrap().status.success());
    let whole = u64::try_from(begun.elapsed().as_micros()).unwrap() * 5 / 4;
    let (mut random, mut killed, mut found) = (0x2545_f491_4f6c_dd1d_u64, 0, 0);
    for number in 1..=KILLS {
        // xorshift: the same moments in every run, as far as the machine is the same.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let commit = name(number);
        yard.build(number);
        let mut upload = yard.upload(&commit);
        upload.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let mut upload = upload.spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random % whole));
        upload.kill().unwrap();
        killed += u64::from(upload.wait().unwrap().code().is_none());
        found += u64::from(yard.is_sound(&commit, &format!("kill {number}")));
        if number % 10 == 0 {
            let again = yard.upload(&commit).output().unwrap();
            assert!(again.status.success(), "{again:?}");
            assert!(yard.is_sound(&commit, &format!("again {number}")));
        }
    }
    assert!(killed > KILLS / 4, "{killed} were killed: the moments are wrong");
    println!("{killed} killed, {found} of {KILLS} sets found, each whole");
}

#[test]
fn an_upload_killed_at_any_step_goes_on() {
    for (number, point) in (0..).zip(failpoint::ALL.iter().filter(|it| it.starts_with("assets."))) {
        let yard = Yard::new();
        let commit = name(number);
        yard.build(number);
        let killed = yard.upload(&commit).env("PORTOLAN_FAILPOINT", point).output().unwrap();
        assert_eq!(killed.status.code(), None, "{point}: {killed:?}");
        let visible = yard.is_sound(&commit, point);
        assert_eq!(visible, matches!(*point, "assets.after-manifest" | "assets.after-inputs"));
        let again = yard.upload(&commit).output().unwrap();
        assert!(again.status.success(), "{point}: {again:?}");
        assert!(yard.is_sound(&commit, point));
    }
}

#[test]
fn two_builds_of_one_commit_race_and_one_set_stands() {
    let yard = Yard::new();
    for number in 0..10 {
        let commit = name(number);
        yard.build(number);
        let (mut one, mut two) = (yard.upload(&commit), yard.upload(&commit));
        // With modes it is another set.
        two.args(["--modes"]);
        let (one, two) = (one.spawn().unwrap(), two.spawn().unwrap());
        let codes = [one, two].map(|it| it.wait_with_output().unwrap().status.code().unwrap());
        assert!(codes == [0, 5] || codes == [5, 0], "{codes:?}");
        assert!(yard.is_sound(&commit, "a race"));
    }
}
