//! Registries that are slow, broken, or mean harm.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{
    MANIFEST, at, chain, get, manifest, refused, repository, repository_with, served, settings, tag,
};
use portolan_model::{Digest, Target, media};
use portolan_oci::credentials::NoCredentials;
use portolan_oci::{BlobReader, Descriptor, Settings};
use serde_json::json;
use tokio::io::AsyncReadExt;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn fails(server: &MockServer) -> String {
    chain(&repository(server).manifest(&at("1")).await.unwrap_err())
}

#[tokio::test]
async fn what_is_transient_is_asked_again_and_not_without_end() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "0");
    Mock::given(path(MANIFEST)).respond_with(busy).up_to_n_times(1).mount(&server).await;
    let broken = ResponseTemplate::new(503);
    Mock::given(path(MANIFEST)).respond_with(broken).up_to_n_times(1).mount(&server).await;
    get(&server, MANIFEST, served()).await;
    repository(&server).manifest(&at("1")).await.unwrap();
    let server = MockServer::start().await;
    Mock::given(path(MANIFEST))
        .respond_with(ResponseTemplate::new(500))
        .expect(3)
        .mount(&server)
        .await;
    assert!(fails(&server).await.contains("the registry answered 500"));
}

#[tokio::test]
async fn what_is_final_is_asked_once() {
    let server = MockServer::start().await;
    Mock::given(path(MANIFEST)).respond_with(refused(403, "DENIED")).expect(1).mount(&server).await;
    let text = fails(&server).await;
    assert!(text.contains("403 DENIED: so it says"), "{text}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let server = MockServer::start().await;
    get(&server, MANIFEST, served().set_delay(Duration::from_secs(30))).await;
    let settings =
        Settings { response_timeout: Duration::from_millis(50), attempts: 2, ..settings() };
    let repository = repository_with(&server, settings, Arc::new(NoCredentials));
    let error = repository.manifest(&at("1")).await.unwrap_err();
    assert!(error.is_transient() && chain(&error).contains("nothing moved"), "{error:?}");
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_are_refused() {
    let server = MockServer::start().await;
    let digest = Digest::of(b"what was asked for");
    get(&server, &format!("/v2/team/app/manifests/{digest}"), served()).await;
    let error = repository(&server).manifest(&Target::Digest(digest)).await.unwrap_err();
    assert!(chain(&error).contains("the bytes that came are"), "{}", chain(&error));
    let lie = served().insert_header("docker-content-digest", digest.to_string());
    get(&server, MANIFEST, lie).await;
    assert!(fails(&server).await.contains("the bytes that came are"));
}

#[tokio::test]
async fn a_blob_is_proven_as_it_passes() {
    let server = MockServer::start().await;
    let blob = Descriptor::of("application/x", b"right");
    let at = format!("/v2/team/app/blobs/{}", blob.digest);
    get(&server, &at, ResponseTemplate::new(200).set_body_bytes("wrong")).await;
    let mut out = Vec::new();
    let mut reader = repository(&server).blob(&blob).await.unwrap();
    let error = reader.read_to_end(&mut out).await.unwrap_err();
    assert!(error.to_string().contains("the bytes that came are"), "{error}");
    let larger = Descriptor { size: 6, ..blob };
    let error = repository(&server).blob(&larger).await.unwrap_err();
    assert!(chain(&error).contains("there were only 5"), "{}", chain(&error));
}

#[tokio::test]
async fn a_manifest_past_the_limit_is_not_read() {
    let server = MockServer::start().await;
    let body = vec![b' '; 5 * 1024 * 1024];
    let large = ResponseTemplate::new(200).set_body_raw(body, media::OCI_MANIFEST);
    get(&server, MANIFEST, large).await;
    assert!(fails(&server).await.contains("over the limit of 4194304"));
}

#[tokio::test]
async fn redirects_are_limited_and_lead_nowhere_they_must_not() {
    for (location, words) in [
        (MANIFEST, "redirected more than 5 times"),
        ("http://169.254.169.254/latest/meta-data/", "metadata services are; never asked"),
        ("ftp://127.0.0.1/", "is not followed"),
        ("file:///etc/passwd", "is not followed"),
    ] {
        let server = MockServer::start().await;
        let to = ResponseTemplate::new(302).insert_header("location", location);
        get(&server, MANIFEST, to).await;
        let text = fails(&server).await;
        assert!(text.contains(words), "{location}: {text}");
    }
}

#[tokio::test]
async fn lists_end_and_do_not_lead_to_another_host() {
    let server = MockServer::start().await;
    let list = "/v2/team/app/tags/list";
    let page = |link: &str| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"tags": ["a", "not a tag", "b"]}))
            .insert_header("link", format!("<{link}>; rel=\"next\""))
    };
    get(&server, list, page("http://169.254.169.254/v2/team/app/tags/list")).await;
    let error = repository(&server).tags().await.unwrap_err();
    assert!(chain(&error).contains("at another host"), "{}", chain(&error));

    let server = MockServer::start().await;
    get(&server, list, page("/v2/team/app/tags/list?last=b&n=1")).await;
    let settings = Settings { most_tags: 7, ..settings() };
    let endless = repository_with(&server, settings, Arc::new(NoCredentials));
    assert!(endless.tags().await.unwrap().len() <= 7);

    let server = MockServer::start().await;
    get(&server, list, ResponseTemplate::new(200).set_body_json(json!({"tags": null}))).await;
    assert_eq!(repository(&server).tags().await.unwrap(), []);
}

#[tokio::test]
async fn wrong_bytes_are_never_closed_into_a_blob() {
    let server = MockServer::start().await;
    let session = || ResponseTemplate::new(202).insert_header("location", "/session/1?state=s");
    Mock::given(method("POST")).respond_with(session()).mount(&server).await;
    Mock::given(method("PATCH")).respond_with(session()).mount(&server).await;
    Mock::given(method("PUT"))
        .respond_with(ResponseTemplate::new(201))
        .expect(0)
        .mount(&server)
        .await;
    let reader = BlobReader::new(&b"wrong"[..], Digest::of(b"right"), 5);
    let error = repository(&server).put_blob(reader).await.unwrap_err();
    assert!(chain(&error).contains("the bytes that came are"), "{}", chain(&error));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn what_is_about_an_image_is_entered_under_a_tag_where_the_api_is_missing() {
    let server = MockServer::start().await;
    let subject = Digest::of(b"subject");
    let tagged = format!("/v2/team/app/manifests/sha256-{}", subject.hex());
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let mut value: serde_json::Value = serde_json::from_slice(&manifest()).unwrap();
    value["subject"] = json!(Descriptor::new(media::OCI_MANIFEST, subject, 7));
    value["artifactType"] = json!("application/vnd.example.sbom");
    let bytes = bytes::Bytes::from(value.to_string());
    let repository = repository(&server);
    let digest =
        repository.put_manifest(Some(&tag("sbom")), media::OCI_MANIFEST, bytes).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let entered = requests
        .iter()
        .find(|request| request.method.as_str() == "PUT" && request.url.path() == tagged);
    let index = entered.unwrap().body.clone();
    get(&server, &tagged, ResponseTemplate::new(200).set_body_raw(index, media::OCI_INDEX)).await;
    let found = repository.referrers(&subject).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].digest, digest);
    assert_eq!(found[0].artifact_type.as_deref(), Some("application/vnd.example.sbom"));
}
