//! A served registry with a store and a folder of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use portolan_model::{Clock, Digest, Ids, Timestamp};
use portolan_server::{App, Settings};
use portolan_store::{Store, StoreOptions};
use portolan_testkit::http::{Answer, Client};
use portolan_testkit::{Image, Layer, Publisher};
use tokio::runtime::Runtime;

#[derive(Debug)]
struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "this is the clock of these tests")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

impl Ids for System {
    #[expect(clippy::disallowed_methods, reason = "these are the identities of these tests")]
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::now_v7()
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Bed {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    runtime: Option<Runtime>,
    _folder: tempfile::TempDir,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.unwrap();
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        let mut settings = Settings::new(folder.path().join("blobs"));
        change(&mut settings);
        let address = runtime.block_on(async {
            let options = StoreOptions::new(url);
            let store = Store::open(&options, Arc::new(System), Arc::new(System)).await.unwrap();
            let app = App::open(store, settings).await.unwrap();
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            tokio::spawn(portolan_server::serve(app, listener, std::future::pending()));
            address
        });
        Self { address, client: Client::new(), runtime: Some(runtime), _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let answer = self.client.send(method, &self.url(path), headers, body).unwrap();
        let version = answer.header("docker-distribution-api-version");
        assert_eq!(version, Some("registry/2.0"), "{method} {path}");
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        self.send("HEAD", path, &[], &[])
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], &[])
    }

    /// Begins an upload, and answers the path of its session.
    pub(crate) fn session(&self, repository: &str) -> String {
        let answer = self.send("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], &[]);
        assert_eq!((answer.status, answer.header("range")), (202, Some("0-0")));
        let location = answer.header("location").unwrap().to_owned();
        assert!(location.ends_with(answer.header("docker-upload-uuid").unwrap()));
        location
    }

    pub(crate) fn publisher(&self, repository: &str) -> Publisher {
        Publisher::new(&self.url(""), repository)
    }

    /// Pushes a blob in one request.
    pub(crate) fn blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = self.send("POST", &path, &[], bytes);
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The code of the one error that an answer has, in the shape of the specification.
pub(crate) fn code(answer: &Answer) -> String {
    let body = answer.json().unwrap();
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{body}");
    assert!(errors[0]["message"].as_str().is_some_and(|message| message.len() > 10), "{body}");
    errors[0]["code"].as_str().unwrap().to_owned()
}

/// Asserts an error with this status and code.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, expected: &str) {
    assert_eq!((answer.status, code(answer).as_str()), (status, expected), "{}", answer.text());
}

/// An image of one small layer.
pub(crate) fn image(text: &str) -> Image {
    let entry = portolan_testkit::tar::Entry::file("etc/text", text.as_bytes().to_vec());
    let archive = portolan_testkit::tar::archive(&[entry]);
    Image::builder().label("text", text).layer(Layer::gzip(&archive)).build()
}
