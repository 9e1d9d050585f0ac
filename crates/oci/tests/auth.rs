//! Proving who asks: Basic, the token flow and its cache, and what is said when it fails.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{
    Always, MANIFEST, at, basic, chain, manifest, refused, repository_with, served, settings,
};
use portolan_model::{Digest, Secret, Target};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{CopyOptions, Credentials, Layout, Place, Repository, copy};
use portolan_testkit::{Image, Layer, Publisher, docker_registry, tar};
use serde_json::json;
use wiremock::matchers::{body_string_contains, header, header_exists, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

const SCOPE: &str = "repository:team/app:pull";

/// A registry that takes `Bearer t1` alone, and says where it is had.
async fn token_registry() -> MockServer {
    let server = MockServer::start().await;
    let challenge = format!(
        "Bearer realm=\"{}/token\",service=\"registry.test\",scope=\"{SCOPE}\"",
        server.uri()
    );
    Mock::given(path(MANIFEST))
        .and(header("authorization", "Bearer t1"))
        .respond_with(served())
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(path(MANIFEST))
        .respond_with(refused(401, "UNAUTHORIZED").insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    server
}

fn with(server: &MockServer, credentials: Credentials) -> Repository {
    repository_with(server, settings(), Arc::new(Always(credentials)))
}

fn token(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"token": text, "expires_in": 300}))
}

#[tokio::test]
async fn one_anonymous_token_serves_many_requests_until_it_expires() {
    let server = token_registry().await;
    Mock::given(path("/token"))
        .and(query_param("service", "registry.test"))
        .and(query_param("scope", SCOPE))
        .respond_with(token("t1"))
        .expect(2)
        .mount(&server)
        .await;
    let repository = repository_with(&server, settings(), Arc::new(NoCredentials));
    for _ in 0..3 {
        let fetched = repository.manifest(&at("1")).await.unwrap();
        assert_eq!(fetched.digest, Digest::of(&manifest()));
    }
    let tokens = server.received_requests().await.unwrap();
    assert_eq!(tokens.iter().filter(|request| request.url.path() == "/token").count(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(299)).await;
    tokio::time::resume();
    repository.manifest(&at("1")).await.unwrap();
}

#[tokio::test]
async fn many_requests_at_once_fetch_one_token() {
    let server = token_registry().await;
    Mock::given(path("/token")).respond_with(token("t1")).expect(1).mount(&server).await;
    let repository = repository_with(&server, settings(), Arc::new(NoCredentials));
    let target = at("1");
    let asked = (0..8).map(|_| repository.manifest(&target));
    for fetched in futures::future::join_all(asked).await {
        fetched.unwrap();
    }
}

#[tokio::test]
async fn a_password_is_traded_for_a_token() {
    let server = token_registry().await;
    Mock::given(method("GET"))
        .and(path("/token"))
        .and(header("authorization", "Basic dXNlcjpwYXNz"))
        .respond_with(token("t1"))
        .expect(1)
        .mount(&server)
        .await;
    with(&server, basic("user", "pass")).manifest(&at("1")).await.unwrap();
}

#[tokio::test]
async fn an_identity_token_is_posted_and_never_in_a_url() {
    let server = token_registry().await;
    Mock::given(method("POST"))
        .and(path("/token"))
        .and(body_string_contains("grant_type=refresh_token"))
        .and(body_string_contains("refresh_token=id%2Btoken"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"access_token": "t1"})))
        .expect(1)
        .mount(&server)
        .await;
    let identity = Credentials::IdentityToken(Secret::new("id+token".into()));
    with(&server, identity).manifest(&at("1")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert!(requests.iter().all(|request| !request.url.as_str().contains("token=")));
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_again_once() {
    let server = token_registry().await;
    Mock::given(path("/token")).respond_with(token("stale")).up_to_n_times(1).mount(&server).await;
    Mock::given(path("/token")).respond_with(token("t1")).mount(&server).await;
    let repository = repository_with(&server, settings(), Arc::new(NoCredentials));
    // The first token is refused, and the request fails with what the registry says.
    assert_eq!(repository.manifest(&at("1")).await.unwrap_err().status(), Some(401));
    // The next request begins with the refused token, learns, and goes on with a new one.
    repository.manifest(&at("1")).await.unwrap();
}

#[tokio::test]
async fn who_was_refused_and_what_to_do_is_said_without_the_secret() {
    let server = token_registry().await;
    Mock::given(path("/token")).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let error = with(&server, basic("user", "hunter2")).manifest(&at("1")).await.unwrap_err();
    let text = format!("{} {error:?}", chain(&error));
    assert!(text.contains("answered 401 (asked as `user`)"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMg"), "{text}");
    assert!(error.hint().unwrap().contains("log in again"), "{error:?}");
    let anonymous = repository_with(&server, settings(), Arc::new(NoCredentials));
    let hint = anonymous.manifest(&at("1")).await.unwrap_err().hint().unwrap();
    assert!(hint.starts_with("log in with `docker login 127.0.0.1:"), "{hint}");
}

#[tokio::test]
async fn basic_is_sent_once_it_is_asked_for_and_wrong_ones_are_not_repeated() {
    let server = MockServer::start().await;
    let challenge = "Basic realm=\"test\"";
    Mock::given(path(MANIFEST))
        .and(header("authorization", "Basic dXNlcjpwYXNz"))
        .respond_with(served())
        .with_priority(1)
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(path(MANIFEST))
        .respond_with(refused(401, "UNAUTHORIZED").insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    let repository = with(&server, basic("user", "pass"));
    repository.manifest(&at("1")).await.unwrap();
    repository.manifest(&at("1")).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
    let error = with(&server, basic("user", "wrong")).manifest(&at("1")).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(server.received_requests().await.unwrap().len(), 5);
}

#[tokio::test]
async fn a_realm_at_a_metadata_service_is_not_asked() {
    let server = MockServer::start().await;
    let challenge = "Bearer realm=\"http://169.254.169.254/latest\",service=\"x\"";
    Mock::given(path(MANIFEST))
        .respond_with(refused(401, "UNAUTHORIZED").insert_header("www-authenticate", challenge))
        .mount(&server)
        .await;
    let error = with(&server, basic("user", "pass")).manifest(&at("1")).await.unwrap_err();
    assert!(chain(&error).contains("metadata services are; never asked"), "{}", chain(&error));
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let (server, other) = (token_registry().await, MockServer::start().await);
    Mock::given(path("/token")).respond_with(token("t1")).mount(&server).await;
    let digest = Digest::of(&manifest());
    let blob = portolan_oci::Descriptor::new("application/x", digest, manifest().len() as u64);
    Mock::given(path(format!("/v2/team/app/blobs/{digest}")))
        .and(header("authorization", "Bearer t1"))
        .respond_with(
            ResponseTemplate::new(307)
                .insert_header("location", format!("{}/storage?sig=s", other.uri())),
        )
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header_exists("authorization"))
        .respond_with(ResponseTemplate::new(400))
        .with_priority(1)
        .expect(0)
        .mount(&other)
        .await;
    Mock::given(path("/storage"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(manifest()))
        .mount(&other)
        .await;
    let repository = with(&server, basic("user", "pass"));
    repository.manifest(&at("1")).await.unwrap();
    assert_eq!(repository.small_blob(&blob).await.unwrap(), manifest());
}

#[tokio::test]
async fn a_real_registry_with_htpasswd_is_read_and_written() {
    let options = docker_registry::Options {
        htpasswd: Some(("AWS".into(), "secret".into())),
        ..Default::default()
    };
    let registry = docker_registry::start(&options).unwrap();
    let open = docker_registry::start(&docker_registry::Options::default()).unwrap();
    let layer = Layer::gzip(&tar::archive([&tar::Entry::file("a", "b")]));
    let image = Image::builder().layer(layer).build();
    Publisher::new(&open.url(), "team/app").image("1", &image).unwrap();
    let place = |address: &str, credentials: Credentials| {
        let client = portolan_oci::Client::new(settings(), Arc::new(Always(credentials))).unwrap();
        Place::Registry(client.repository(address, &"team/app".parse().unwrap()).unwrap())
    };
    let from = place(&open.address(), Credentials::Anonymous);
    let to = place(&registry.address(), basic("AWS", "secret"));
    let options = CopyOptions::default();
    copy(&from, &at("1"), &to, Some(&common::tag("1")), &options).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let limits = portolan_model::Limits::default();
    let layout = Place::Layout(Layout::create(dir.path(), &limits).await.unwrap());
    let copied = copy(&to, &at("1"), &layout, None, &options).await.unwrap();
    assert_eq!(copied.digest, Some(image.digest()));
    assert!(layout.resolve(&Target::Digest(image.digest())).await.unwrap().is_some());
    let wrong = place(&registry.address(), basic("AWS", "wrong"));
    let error = copy(&from, &at("1"), &wrong, None, &options).await.unwrap_err();
    assert!(chain(&error).contains("answered 401 (asked as `AWS`)"), "{}", chain(&error));
}
