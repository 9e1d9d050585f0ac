//! A checkout, a directory of packages and a bucket, all empty.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use portolan_assets::legacy::{self, Checked, Git, Inputs, LegacyError, Told, Tone, Uploaded};
use portolan_bucket::{Bucket, BucketSettings, BucketUrl, Key, Put};
use tempfile::TempDir;

pub(crate) const FILTER: &str = "src/**";
/// The code hash of the first commit under [`FILTER`].
pub(crate) const CODE: &str = "60b725f10c9c85c70d97880dfe8191b3";

pub(crate) struct Bed {
    pub(crate) dir: TempDir,
    pub(crate) inputs: Inputs,
    pub(crate) bucket: Bucket,
}

/// Nobody listens.
pub(crate) struct Silence;

impl Told for Silence {
    fn tell(&self, _: Tone, line: &str) {
        assert!(!line.contains('\n'), "{line}");
    }
}

pub(crate) fn git(at: &Path, arguments: &[&str]) -> String {
    let ran = Command::new("git")
        .arg("-C")
        .arg(at)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

pub(crate) async fn make() -> Bed {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["repo/src", "packages", "store"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
    }
    let at = |name: &str| dir.path().join(name).display().to_string();
    let url = BucketUrl::Directory(at("store").into());
    let settings = BucketSettings::default();
    let bucket = Bucket::open(&url, &settings).await.unwrap();
    let directory = dir.path().to_owned();
    let inputs = Inputs {
        bucket: Some(url.to_string()),
        repository: Some(at("repo")),
        packages: Some(at("packages")),
        filter: None,
        role: None,
        exact: false,
        settings,
        git: Git { program: "git".into(), git_dir: None, home: None, directory },
    };
    let bed = Bed { dir, inputs, bucket };
    git(&bed.repository(), &["init", "-q", "-b", "main"]);
    bed.commit(&[("src/a.py", "a\n"), ("README", "r\n")]);
    bed
}

impl Bed {
    pub(crate) fn repository(&self) -> PathBuf {
        self.dir.path().join("repo")
    }

    pub(crate) fn package(&self, name: &str) -> PathBuf {
        self.dir.path().join("packages").join(name)
    }

    /// Commits files, and answers the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        let at = self.repository();
        for (name, content) in files {
            fs::write(at.join(name), content).unwrap();
        }
        git(&at, &["add", "-A"]);
        git(&at, &["commit", "-q", "-m", "c"]);
        git(&at, &["rev-parse", "HEAD"])
    }

    pub(crate) fn with_filter(&mut self, filter: &str) {
        self.inputs.filter = Some(filter.to_owned());
    }

    pub(crate) async fn check(&self) -> Result<Checked, LegacyError> {
        legacy::check(&self.inputs, &Silence).await
    }

    pub(crate) async fn upload(&self) -> Result<Uploaded, LegacyError> {
        legacy::upload(&self.inputs, &Silence).await
    }

    /// The state files and what they have.
    pub(crate) fn state(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for name in [".commit-hash", ".code-hash", ".found"] {
            if let Ok(text) = fs::read_to_string(self.package(name)) {
                all.insert(name.to_owned(), text);
            }
        }
        all
    }

    /// Puts an object there as the original would, without a marker.
    pub(crate) async fn put(&self, key: &str, content: &'static str) {
        let key: Key = key.parse().unwrap();
        let bytes = bytes::Bytes::from_static(content.as_bytes());
        assert!(self.bucket.put(&key, bytes, &Put::default()).await.unwrap().is_yes());
    }

    /// The keys of all objects but the markers.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let all = self.bucket.list("").all(10_000).await.unwrap();
        let all = all.into_iter().map(|listed| listed.name);
        all.filter(|name| !name.contains(".portolan/")).collect()
    }

    pub(crate) async fn metadata(&self, key: &str) -> BTreeMap<String, String> {
        self.bucket.head(&key.parse().unwrap()).await.unwrap().unwrap().metadata
    }
}

/// The exit code of what was refused.
pub(crate) fn code<T: std::fmt::Debug>(ended: Result<T, LegacyError>) -> u8 {
    let error = ended.unwrap_err();
    if matches!(error.code(), 104..) {
        assert!(error.hint().is_some(), "{error}");
    }
    error.code()
}
