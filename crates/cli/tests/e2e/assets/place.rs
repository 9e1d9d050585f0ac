//! Where a case is run: repositories that are always the same, a bucket of its own, and what can be
//! seen afterwards.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use portolan_testkit::code_hashes::Vector;
use portolan_testkit::moto::{self, Moto};
use tempfile::TempDir;

use super::cases::{Case, Step};
use crate::world::BINARY;

/// The variable with the directory of the original.
const ORIGINAL: &str = "PORTOLAN_S3_ASSET_MANAGER";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Ours,
    Exact,
    Original,
}

pub(super) struct Place {
    moto: Moto,
    original: Option<PathBuf>,
    /// Buckets that were made.
    made: Cell<usize>,
}

/// What came of a case.
pub(super) struct Ended {
    pub(super) codes: Vec<i32>,
    /// What was seen after each run, but for exit codes that stand for themselves.
    pub(super) seen: String,
    /// What was said, for who looks why.
    pub(super) said: String,
}

/// A directory with everything, and the environment.
struct Bench {
    dir: TempDir,
    bucket: String,
    environment: BTreeMap<String, String>,
}

impl Place {
    pub(super) fn new() -> Self {
        #[expect(clippy::disallowed_methods, reason = "who runs the tests says where it is")]
        let original = std::env::var_os(ORIGINAL).map(PathBuf::from);
        Self { moto: moto::start().unwrap(), original, made: Cell::new(0) }
    }

    fn bench(&self, tool: Tool) -> Bench {
        let number = self.made.replace(self.made.get() + 1);
        let bucket = format!("case-{number}");
        self.moto.bucket(&bucket).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let mut environment: BTreeMap<_, _> = self.moto.environment().into_iter().collect();
        for (name, value) in [
            ("PACKAGE_ASSETS_BUCKET", bucket.clone()),
            ("GIT_REPO_PATH", at("repo")),
            ("PACKAGE_DIRECTORY", at("packages")),
            ("HOME", at("home")),
            ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("LC_ALL", "C.UTF-8".to_owned()),
        ] {
            environment.insert(name.to_owned(), value);
        }
        if tool == Tool::Exact {
            environment.insert("PORTOLAN_COMPAT".to_owned(), "exact".to_owned());
        }
        for folder in ["repo/src", "packages", "plain", "home"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("file"), "").unwrap();
        Bench { dir, bucket, environment }
    }

    pub(super) fn run(&self, case: &Case, tool: Tool) -> Ended {
        let mut bench = self.bench(tool);
        bench.repositories();
        let mut ended = Ended { codes: Vec::new(), seen: String::new(), said: String::new() };
        for step in case.steps {
            let program = match step {
                Step::Check => "check",
                Step::Upload => "upload",
                step => {
                    bench.prepare(step, &self.moto);
                    continue;
                }
            };
            let output = self.command(program, tool, &bench);
            assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
            ended.codes.push(output.status.code().unwrap());
            writeln!(ended.seen, "{program}\n{}{}", bench.state(), self.objects(&bench.bucket))
                .unwrap();
            ended.said.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        ended
    }

    /// The same by the original, where it is there.
    pub(super) fn original(&self, case: &Case) -> Option<Ended> {
        self.original.as_ref()?;
        Some(self.run(case, Tool::Original))
    }

    /// The code hash; none where there is none.
    pub(super) fn hash(&self, vector: &Vector, tool: Tool) -> Option<String> {
        let mut bench = self.bench(tool);
        let root = bench.dir.path().join("repo");
        fs::remove_dir(root.join("src")).unwrap();
        git(&root, &["init", "-q"]);
        git(&root, &["commit", "-q", "--allow-empty", "-m", "c"]);
        vector.make(&root).unwrap();
        let filter = ("CODE_HASH_FIND_FILTER".to_owned(), vector.filter.to_owned());
        bench.environment.extend([filter]);
        let output = self.command("check", tool, &bench);
        let code = output.status.code().unwrap();
        let hash = fs::read_to_string(bench.dir.path().join("packages/.code-hash")).ok();
        let expected = if tool == Tool::Ours && hash.is_none() { 104 } else { 0 };
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(code, expected, "{}: {said}", vector.name);
        hash
    }

    pub(super) fn original_hash(&self, vector: &Vector) -> Option<String> {
        self.original.as_ref()?;
        self.hash(vector, Tool::Original)
    }

    fn command(&self, program: &str, tool: Tool, bench: &Bench) -> Output {
        let original = self.original.as_ref().filter(|_| tool == Tool::Original);
        let mut command = if let Some(original) = original {
            let mut command = Command::new(original.join("venv/bin/python"));
            command.arg("-B").arg(original.join(format!("{program}.py")));
            command
        } else {
            let path = bench.dir.path().join(program);
            if !path.exists() {
                std::os::unix::fs::symlink(BINARY, &path).unwrap();
            }
            let mut command = Command::new(path);
            command.args(["--ignored", "arguments"]);
            command
        };
        command.env_clear().envs(&bench.environment).current_dir(bench.dir.path().join("plain"));
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Every object with its content and what is known of it, but for our markers.
    fn objects(&self, bucket: &str) -> String {
        let listed = self.moto.s3("GET", &format!("{bucket}?list-type=2"), &[]).unwrap().text();
        let mut seen = String::new();
        for key in listed.split("<Key>").skip(1) {
            let key = key.split("</Key>").next().unwrap().replace("&amp;", "&");
            if key.contains("/.portolan/") {
                continue;
            }
            let object = self.moto.s3("GET", &format!("{bucket}/{}", encoded(&key)), &[]).unwrap();
            writeln!(seen, "  {key}: {} {}", object.status, object.text()).unwrap();
            let mut headers: Vec<_> = object
                .headers
                .iter()
                .filter(|(name, _)| name.starts_with("x-amz-meta-") || name == "content-type")
                .collect();
            headers.sort();
            for (name, value) in headers {
                writeln!(seen, "    {name}: {value}").unwrap();
            }
        }
        seen
    }
}

impl Bench {
    /// The repositories of all cases. Their commits are the same each time.
    fn repositories(&self) {
        let at = self.dir.path();
        let repo = at.join("repo");
        fs::write(repo.join("src/a.py"), "a\n").unwrap();
        fs::write(repo.join("README"), "r\n").unwrap();
        git(&repo, &["init", "-q", "-b", "main"]);
        git(&repo, &["add", "-A"]);
        git(&repo, &["commit", "-q", "-m", "c"]);
        git(&repo, &["tag", "-a", "v1", "-m", "v1"]);
        git(at, &["init", "-q", "--bare", "bare.git"]);
        git(at, &["init", "-q", "empty"]);
        git(at, &["init", "-q", "--object-format=sha256", "long"]);
        git(&at.join("long"), &["commit", "-q", "--allow-empty", "-m", "c"]);
        let from = format!("file://{}", repo.display());
        for name in ["detached", "packed", "tagged", "repo[1]"] {
            git(at, &["clone", "-q", &from, name]);
        }
        git(&at.join("detached"), &["checkout", "-q", "--detach"]);
        git(&at.join("packed"), &["pack-refs", "--all"]);
        git(&at.join("tagged"), &["checkout", "-q", "v1"]);
        git(at, &["clone", "-q", "--depth", "1", &from, "shallow"]);
        git(&repo, &["worktree", "add", "-q", "--detach", "../linked", "v1"]);
    }

    fn prepare(&mut self, step: &Step, moto: &Moto) {
        let at = self.dir.path().to_owned();
        let package = |name: &str| at.join("packages").join(name);
        match step {
            Step::Check | Step::Upload => {}
            Step::Commit(name, content) => {
                fs::write(at.join("repo").join(name), content).unwrap();
                git(&at.join("repo"), &["commit", "-q", "-a", "-m", "c"]);
            }
            Step::Package(name, content) | Step::State(name, content) => {
                let path = package(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
            Step::Gone(name) => match fs::remove_file(package(name)) {
                Ok(()) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
            },
            Step::Put(key, content) => {
                let head = git(&at.join("repo"), &["rev-parse", "HEAD"]);
                let path = format!("{}/{}", self.bucket, key.replace("{sha}", &head));
                assert_eq!(moto.s3("PUT", &path, content.as_bytes()).unwrap().status, 200);
            }
            Step::Set(name, value) => {
                let value = value.replace("{dir}", &at.display().to_string());
                self.environment.insert((*name).to_owned(), value);
            }
            Step::Unset(name) => {
                self.environment.remove(*name);
            }
        }
    }

    /// The state files and what they have.
    fn state(&self) -> String {
        let mut seen = String::new();
        for name in [".commit-hash", ".code-hash", ".found"] {
            if let Ok(text) = fs::read_to_string(self.dir.path().join("packages").join(name)) {
                writeln!(seen, "  {name}: {text:?}").unwrap();
            }
        }
        seen
    }
}

fn git(at: &Path, arguments: &[&str]) -> String {
    let moment = "2026-01-01T00:00:00Z";
    let ran = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .envs([("GIT_AUTHOR_DATE", moment), ("GIT_COMMITTER_DATE", moment)])
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

/// A key as a URL has it.
fn encoded(key: &str) -> String {
    let mut text = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text
}
