//! An empty registry on one engine, with a clock that the test moves.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::Stream;
use portolan_model::{Clock, Digest, Ids, Limits, RepositoryName, Target, Timestamp};
use portolan_registry::{Pushed, Registry, RegistryError};
use portolan_store::{Store, StoreOptions};
use portolan_testkit::Image;

/// The system's clock, set forward. Ages of files are the system's, so it starts from there.
#[derive(Debug, Default)]
pub(crate) struct Ahead(AtomicI64);

impl Clock for Ahead {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of these tests")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
            .plus_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct Random;

impl Ids for Random {
    #[expect(clippy::disallowed_methods, reason = "these are the identities of these tests")]
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::now_v7()
    }
}

/// Folder, database and registry.
pub(crate) struct Bed {
    pub(crate) registry: Registry,
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
    clock: Arc<Ahead>,
    url: String,
    _database: Option<portolan_testkit::postgres::Database>,
}

impl Bed {
    pub(crate) async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("portolan.db").display());
        Self::open(dir, url, None).await
    }

    pub(crate) async fn postgres() -> Self {
        let made = tokio::task::spawn_blocking(portolan_testkit::postgres::database);
        let database = made.await.unwrap().unwrap();
        Self::open(tempfile::tempdir().unwrap(), database.url(), Some(database)).await
    }

    async fn open(
        dir: tempfile::TempDir,
        url: String,
        database: Option<portolan_testkit::postgres::Database>,
    ) -> Self {
        let clock = Arc::new(Ahead::default());
        let (registry, store) = open(&url, &dir, clock.clone(), Limits::default()).await;
        Self { registry, store, dir, clock, url, _database: database }
    }

    /// The registry of another process on the same data.
    pub(crate) async fn another(&self) -> Registry {
        open(&self.url, &self.dir, self.clock.clone(), Limits::default()).await.0
    }

    /// The registry of another process on the same data, with other limits.
    pub(crate) async fn limited(&self, limits: Limits) -> Registry {
        open(&self.url, &self.dir, self.clock.clone(), limits).await.0
    }

    /// Sets the clock forward.
    pub(crate) fn later(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    /// How many files there are under `folder` of the registry, and their bytes together.
    pub(crate) fn files(&self, folder: &str) -> (usize, u64) {
        fn walk(folder: &std::path::Path, total: &mut (usize, u64)) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() {
                    walk(&entry.path(), total);
                } else {
                    *total = (total.0 + 1, total.1 + metadata.len());
                }
            }
        }
        let mut total = (0, 0);
        walk(&self.dir.path().join(folder), &mut total);
        total
    }
}

async fn open(
    url: &str,
    dir: &tempfile::TempDir,
    clock: Arc<Ahead>,
    limits: Limits,
) -> (Registry, Store) {
    let store = Store::open(&StoreOptions::new(url), clock, Arc::new(Random)).await.unwrap();
    (Registry::open(store.clone(), dir.path(), limits).unwrap(), store)
}

pub(crate) fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

pub(crate) fn target(text: &(impl ToString + ?Sized)) -> Target {
    text.to_string().parse().unwrap()
}

/// A body that arrives in these parts.
pub(crate) fn body(
    parts: &[&[u8]],
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + use<> {
    let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::copy_from_slice(part))).collect();
    futures::stream::iter(parts)
}

/// Pushes a blob in one go.
pub(crate) async fn push(registry: &Registry, repository: &str, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    registry.push_blob(&name(repository), digest, body(&[bytes])).await.unwrap();
    digest
}

/// Pushes the manifest of `image`, whose blobs may be there or not.
pub(crate) async fn push_manifest(
    registry: &Registry,
    repository: &str,
    reference: &str,
    image: &Image,
) -> Result<Pushed, RegistryError> {
    let bytes = image.manifest.bytes.clone().into();
    let content_type = Some(image.manifest.media_type.as_str());
    registry.put_manifest(&name(repository), &target(reference), content_type, bytes).await
}

/// Pushes an image with its blobs.
pub(crate) async fn push_image(registry: &Registry, repository: &str, tag: &str, image: &Image) {
    for blob in image.blobs() {
        push(registry, repository, &blob.bytes).await;
    }
    push_manifest(registry, repository, tag, image).await.unwrap();
}

/// An image with one layer per text.
pub(crate) fn image(layers: &[&str]) -> Image {
    layers
        .iter()
        .fold(Image::builder(), |image, text| {
            image.layer(portolan_testkit::Layer::plain(text.as_bytes().to_vec()))
        })
        .build()
}

/// Makes a test of `$body` on each engine.
macro_rules! on_both_engines {
    ($name:ident, |$bed:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn check($bed: Bed) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check(Bed::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                check(Bed::postgres().await).await;
            }
        }
    };
}
pub(crate) use on_both_engines;
