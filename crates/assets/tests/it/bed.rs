//! Both kinds of bucket, and runs of every kind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use portolan_assets::inputs::Inputs;
use portolan_assets::keys::{PublicKey, Signer};
use portolan_assets::manifest::{Tools, Who};
use portolan_assets::walk::{Planned, Take, walk};
use portolan_assets::{Assets, AssetsError, Run, Scope, Uploaded};
use portolan_aws::{AwsSettings, StaticKey};
use portolan_bucket::{Bucket, BucketSettings, BucketUrl};
use portolan_model::{Clock, CommitId, Secret, Timestamp};
use portolan_testkit::moto::{self, Moto};
use tempfile::TempDir;

/// The wall clock, set forward.
#[derive(Debug, Default)]
pub(crate) struct Later(AtomicI64);

impl Clock for Later {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "what is written has the time of the disk")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let millis = i64::try_from(now.as_millis()).unwrap();
        Timestamp::from_millis(millis + self.0.load(Ordering::SeqCst))
    }
}

/// A bucket, and what a build made.
pub(crate) struct Bed {
    pub(crate) dir: TempDir,
    pub(crate) bucket: Bucket,
    pub(crate) clock: Arc<Later>,
    _moto: Option<Moto>,
}

pub(crate) const DAY: i64 = 24 * 60 * 60 * 1000;

impl Bed {
    /// In a directory.
    pub(crate) async fn directory() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = BucketUrl::Directory(dir.path().join("bucket"));
        std::fs::create_dir(dir.path().join("bucket")).unwrap();
        let bucket = Bucket::open(&url, &BucketSettings::default()).await.unwrap();
        Self { dir, bucket, clock: Arc::default(), _moto: None }
    }

    /// In moto.
    pub(crate) async fn s3() -> Self {
        let moto = moto::start().unwrap();
        moto.bucket("assets").unwrap();
        let key =
            StaticKey { id: "test".into(), secret: Secret::new("test".into()), session: None };
        let aws = AwsSettings {
            region: Some("us-east-1".to_owned()),
            endpoint: Some(moto.url()),
            key: Some(key),
            ..AwsSettings::default()
        };
        let settings = BucketSettings { aws, part_size: 5 << 20, ..BucketSettings::default() };
        let url = "s3://assets/below/a/prefix".parse().unwrap();
        let bucket = Bucket::open(&url, &settings).await.unwrap();
        Self { dir: tempfile::tempdir().unwrap(), bucket, clock: Arc::default(), _moto: Some(moto) }
    }

    pub(crate) async fn both() -> [Self; 2] {
        [Self::directory().await, Self::s3().await]
    }

    pub(crate) fn later(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// The sets, as `run` sees them.
    pub(crate) fn seen(&self, run: Run) -> Assets {
        Assets::new(self.bucket.clone(), run, self.clock.clone())
    }

    pub(crate) fn main(&self) -> Assets {
        self.seen(run("main", &[]))
    }

    pub(crate) fn pull_request(&self) -> Assets {
        self.seen(run("pull-request", &["main"]))
    }

    /// Files that a build left, and how they are named in the set.
    pub(crate) fn built(&self, files: &[(&str, &str)]) -> BTreeMap<String, Planned> {
        let root = self.out();
        let _ = std::fs::remove_dir_all(&root);
        for (path, text) in files {
            let place = root.join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        walk(&[root], Take { modes: true, ..Take::default() }).unwrap()
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let all = self.bucket.list("").all(10_000).await.unwrap();
        all.into_iter().map(|listed| listed.name).collect()
    }
}

pub(crate) fn run(scope: &str, reads: &[&str]) -> Run {
    Run {
        project: "shop".parse().unwrap(),
        scope: scope.parse().unwrap(),
        reads: reads.iter().map(|name| name.parse().unwrap()).collect(),
        read_only: false,
        keys: BTreeMap::new(),
        signer: None,
        parallel: 8,
        tools: Tools::default(),
        who: Who { job: Some("https://ci.example/7".to_owned()), actor: None },
    }
}

pub(crate) fn signed(mut run: Run, signer: Signer) -> Run {
    run.signer = Some(signer);
    run
}

pub(crate) fn trusting(mut run: Run, scope: &str, keys: &[&PublicKey]) -> Run {
    let keys = keys.iter().map(|key| (*key).clone()).collect();
    run.keys.insert(scope.parse::<Scope>().unwrap(), keys);
    run
}

pub(crate) fn signer(byte: u8) -> Signer {
    let seed = Secret::new([byte; 32]);
    let (pem, _) = portolan_assets::keys::made_of(&seed).unwrap();
    Signer::from_text(pem.expose()).unwrap()
}

pub(crate) fn commit(digit: char) -> CommitId {
    String::from(digit).repeat(40).parse().unwrap()
}

/// Inputs with a hash of their own for each `text`.
pub(crate) fn inputs(text: &str) -> Inputs {
    Inputs {
        hash: portolan_model::Digest::of(text.as_bytes()),
        count: 1,
        keys: BTreeMap::new(),
        patterns: vec!["**".to_owned()],
        listing: None,
    }
}

pub(crate) async fn upload(
    assets: &Assets,
    commit: &CommitId,
    files: BTreeMap<String, Planned>,
    inputs: Option<&Inputs>,
) -> Result<Uploaded, AssetsError> {
    assets.upload(commit, files, inputs, &|_| {}).await
}
