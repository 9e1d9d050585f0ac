//! A server with a store and a folder of its own, and a clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use portolan_model::{Clock, Ids, Timestamp};
use portolan_server::{App, Settings};
use portolan_store::{Store, StoreOptions};
use portolan_testkit::image::Content;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Index, Layer, postgres};
use serde_json::Value;
use tower::ServiceExt as _;

#[derive(Debug)]
pub(crate) struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug, Default)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

pub(crate) struct Bed {
    pub(crate) app: App,
    pub(crate) store: Store,
    pub(crate) clock: Arc<SetClock>,
    ids: Arc<Sequence>,
    pub(crate) router: Router,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) database: Option<postgres::Database>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Bed {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        Self::open(folder, url, None, |_| {}).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::postgres_with(|_| {}).await
    }

    pub(crate) async fn postgres_with(change: impl FnOnce(&mut Settings)) -> Self {
        let database = tokio::task::spawn_blocking(|| postgres::database().unwrap()).await.unwrap();
        let url = database.url();
        Self::open(tempfile::tempdir().unwrap(), url, Some(database), change).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        Self::open(folder, url, None, change).await
    }

    async fn open(
        folder: tempfile::TempDir,
        url: String,
        database: Option<postgres::Database>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let now: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(now.millis())));
        let ids = Arc::new(Sequence::default());
        let store =
            Store::open(&StoreOptions::new(&url), clock.clone(), ids.clone()).await.unwrap();
        let mut settings = Settings::new(folder.path().join("blobs"));
        change(&mut settings);
        let app = App::open(store.clone(), settings).await.unwrap();
        let router = portolan_server::router(app.clone());
        Self { app, store, clock, ids, router, folder, database }
    }

    /// Another server on the same database and folder, with its own connections.
    pub(crate) async fn replica(&self) -> App {
        self.replica_with(|_| {}).await
    }

    pub(crate) async fn replica_with(&self, change: impl FnOnce(&mut Settings)) -> App {
        let url = self.database.as_ref().unwrap().url();
        let options = StoreOptions::new(&url);
        let ids = self.ids.clone();
        let store = Store::open(&options, self.clock.clone(), ids).await.unwrap();
        let mut settings = Settings::new(self.folder.path().join("blobs"));
        change(&mut settings);
        App::open(store, settings).await.unwrap()
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Does all that waits.
    pub(crate) async fn work(&self) {
        self.app.run_jobs_until_idle().await.unwrap();
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send("POST", path, &[], Body::empty()).await
    }

    /// What `path` answers, which must be 200 and JSON.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        answer.json()
    }

    pub(crate) async fn blob(&self, repository: &str, bytes: &[u8]) {
        let digest = portolan_model::Digest::of(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let octets = [("content-type", "application/octet-stream")];
        let answer = self.send("POST", &path, &octets, bytes.to_vec()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }

    pub(crate) async fn manifest(&self, repository: &str, reference: &str, manifest: &Content) {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let kind = [("content-type", manifest.media_type.as_str())];
        let answer = self.send("PUT", &path, &kind, manifest.bytes.clone()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    }

    /// Pushes an image, and scans it.
    pub(crate) async fn push(&self, repository: &str, tag: &str, image: &Image) {
        for blob in image.blobs() {
            self.blob(repository, &blob.bytes).await;
        }
        self.manifest(repository, tag, &image.manifest).await;
        self.work().await;
    }

    /// Pushes an index with its images, and scans them.
    pub(crate) async fn push_index(&self, repository: &str, tag: &str, index: &Index) {
        for image in &index.images {
            for blob in image.blobs() {
                self.blob(repository, &blob.bytes).await;
            }
            self.manifest(repository, &image.digest().to_string(), &image.manifest).await;
        }
        self.manifest(repository, tag, &index.manifest).await;
        self.work().await;
    }
}

/// An image of a service, whose `app/package.json` says `version`.
pub(crate) fn service(name: &str, version: &str) -> Image {
    let package = format!("{{\"name\":\"{name}\",\"version\":\"{version}\"}}");
    let archive = tar::archive(&[
        Entry::dir("app"),
        Entry::file("app/package.json", package),
        Entry::file("app/main.js", "run()"),
    ]);
    Image::builder()
        .layer(Layer::gzip(&archive))
        .label("defra.cdp.service.name", name)
        .label("defra.cdp.git.repo.url", &format!("https://git.example/{name}"))
        .label("org.opencontainers.image.revision", "0123abcd")
        .build()
}
