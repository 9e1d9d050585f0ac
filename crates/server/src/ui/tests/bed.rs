//! A store with a clock that stands still, and the pages over it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use portolan_model::{Clock, Ids, Timestamp};
use portolan_store::{Store, StoreOptions};
use tower::ServiceExt as _;

use crate::{App, Settings};

#[derive(Debug)]
struct SetClock(AtomicI64);

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

/// The pages over a store of their own.
pub(super) struct Bed {
    pub(super) store: Store,
    pub(super) app: App,
    _folder: tempfile::TempDir,
}

/// What a page answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// The moment at which the clock stands.
pub(super) const NOW: &str = "2026-11-20T18:00:00Z";

impl Bed {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let now: Timestamp = NOW.parse().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(now.millis())));
        let ids = Arc::new(Sequence::default());
        let store = Store::open(&StoreOptions::new(&url), clock, ids).await.unwrap();
        let mut settings = Settings::new(folder.path().join("blobs"));
        settings.track.places = super::fleet::places();
        let app = App::open(store.clone(), settings).await.unwrap();
        Self { store, app, _folder: folder }
    }

    pub(super) fn router(&self) -> Router {
        crate::ui::routes().with_state(self.app.clone())
    }

    /// What `path` answers.
    pub(super) async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().uri(path).header("host", "localhost:5094");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// What is answered to a form with these fields.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header("host", "localhost:5094")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response: Response = self.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The page at `path`, which must be there.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.ask(path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// What stands between `<main …>` and `</main>` of the page at `path`.
    pub(super) async fn main(&self, path: &str) -> String {
        main_of(&self.page(path).await)
    }
}

/// What stands between `<main …>` and `</main>`.
pub(super) fn main_of(page: &str) -> String {
    let from = page.find("<main").unwrap();
    let to = page.find("</main>").unwrap();
    page[from..to].lines().filter(|line| !line.trim().is_empty()).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    )
}

/// `write!(store, |tx| expression)`: one change.
macro_rules! change {
    ($store:expr, |$tx:ident| $body:expr) => {
        $store.write(move |$tx| Box::pin(async move { $body })).await.unwrap()
    };
}
pub(super) use change;
