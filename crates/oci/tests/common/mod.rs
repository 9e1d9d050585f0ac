//! A registry made of canned answers, and a client that does not wait long for it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

use std::sync::Arc;
use std::time::Duration;

use portolan_model::{Digest, Secret, Tag, Target, media};
use portolan_oci::credentials::{CredentialError, CredentialProvider, NoCredentials};
use portolan_oci::{Client, Credentials, Repository, Settings};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// The path of the manifest that most tests ask for.
pub const MANIFEST: &str = "/v2/team/app/manifests/1";

/// The same credentials for every registry.
#[derive(Debug)]
pub struct Always(pub Credentials);

impl CredentialProvider for Always {
    fn credentials<'a>(
        &'a self,
        _registry: &'a str,
    ) -> futures::future::BoxFuture<'a, Result<Credentials, CredentialError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

pub fn settings() -> Settings {
    Settings {
        attempts: 3,
        first_wait: Duration::from_millis(1),
        response_timeout: Duration::from_secs(5),
        ..Settings::default()
    }
}

pub fn basic(user: &str, password: &str) -> Credentials {
    Credentials::Basic { username: user.into(), password: Secret::new(password.into()) }
}

pub fn repository_with(
    server: &MockServer,
    settings: Settings,
    credentials: Arc<dyn CredentialProvider>,
) -> Repository {
    let client = Client::new(settings, credentials).unwrap();
    client.repository(&server.address().to_string(), &"team/app".parse().unwrap()).unwrap()
}

pub fn repository(server: &MockServer) -> Repository {
    repository_with(server, settings(), Arc::new(NoCredentials))
}

pub fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

pub fn at(text: &str) -> Target {
    Target::Tag(tag(text))
}

/// A small image's manifest.
pub fn manifest() -> Vec<u8> {
    let descriptor = |media_type: &str| json!({"mediaType": media_type, "digest": Digest::of(b"x").to_string(), "size": 1});
    let value: Value = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": descriptor(media::OCI_CONFIG),
        "layers": [descriptor(media::OCI_LAYER_GZIP)],
    });
    value.to_string().into_bytes()
}

/// The answer that serves it.
pub fn served() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(manifest(), media::OCI_MANIFEST)
}

/// The error body of a registry.
pub fn refused(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"errors": [{"code": code, "message": "so it says"}]}))
}

/// Answers `GET` of `at` with `answer`.
pub async fn get(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

/// The causes of an error, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
