//! Signing with a key of KMS, as its documentation describes the wire.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portolan_assets::keys::{SignError, Signer};
use portolan_aws::{Aws, AwsSettings, Kms, StaticKey};
use portolan_model::Secret;
use serde_json::{Value, json};
use wiremock::matchers::{header, header_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::bed::{Bed, commit, run, signed, trusting, upload};

const ID: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd";
/// What KMS takes unhashed at most, in bytes.
const MOST: usize = 4096;

fn spki(pair: &Ed25519KeyPair) -> Vec<u8> {
    let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    [&head[..], pair.public_key().as_ref()].concat()
}

async fn kms(server: &MockServer) -> Kms {
    let key = StaticKey { id: "AKIATEST".into(), secret: Secret::new("x".into()), session: None };
    let settings = AwsSettings {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(server.uri()),
        key: Some(key),
        ..AwsSettings::default()
    };
    Kms::of(&Aws::open(&settings).await)
}

/// A KMS whose key has the public half `public`, and signs with `pair`.
async fn server(public: Vec<u8>, pair: Ed25519KeyPair) -> MockServer {
    let server = MockServer::start().await;
    let answer = json!({"KeyId": ID, "PublicKey": BASE64_STANDARD.encode(public)});
    Mock::given(header("x-amz-target", "TrentService.GetPublicKey"))
        .and(header_regex("authorization", "/eu-west-1/kms/aws4_request"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let sign = move |request: &Request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let text = BASE64_STANDARD.decode(asked["Message"].as_str().unwrap()).unwrap();
        let fits = asked["MessageType"] == "RAW"
            && asked["SigningAlgorithm"] == "ED25519_SHA_512"
            && asked["KeyId"] == ID
            && text.len() <= MOST;
        if !fits {
            let refused = json!({"__type": "ValidationException", "message": "no"});
            return ResponseTemplate::new(400).set_body_json(refused);
        }
        let signature = BASE64_STANDARD.encode(pair.sign(&text).as_ref());
        ResponseTemplate::new(200).set_body_json(json!({"KeyId": ID, "Signature": signature}))
    };
    Mock::given(header("x-amz-target", "TrentService.Sign"))
        .respond_with(sign)
        .mount(&server)
        .await;
    server
}

fn pair(byte: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[byte; 32]).unwrap()
}

#[tokio::test]
async fn a_manifest_of_any_size_is_signed() {
    let server = server(spki(&pair(1)), pair(1)).await;
    let signer = Signer::from_kms(kms(&server).await, ID).await.unwrap();
    let public = signer.public().clone();
    let bed = Bed::directory().await;
    let files: Vec<_> = (0..100).map(|n| (format!("file-{n}"), "text")).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let writer = bed.seen(signed(run("main", &[]), signer));
    upload(&writer, &commit('a'), bed.built(&files), None).await.unwrap();
    let reader = bed.seen(trusting(run("main", &[]), "main", &[&public]));
    let found = reader.find(&commit('a')).await.unwrap();
    assert_eq!(found.signed_by, Some(public.id()));
}

#[tokio::test]
async fn a_key_of_another_kind_and_a_wrong_signature_are_refused() {
    let rsa = server(vec![0x30, 0x82, 0x01, 0x22], pair(1)).await;
    let refused = Signer::from_kms(kms(&rsa).await, ID).await.unwrap_err();
    assert!(matches!(&refused, SignError::Kind { .. }), "{refused}");
    let liar = server(spki(&pair(1)), pair(2)).await;
    let signer = Signer::from_kms(kms(&liar).await, ID).await.unwrap();
    let bed = Bed::directory().await;
    let writer = bed.seen(signed(run("main", &[]), signer));
    let refused = upload(&writer, &commit('a'), bed.built(&[("a", "1")]), None).await;
    assert!(refused.is_err());
    assert!(bed.main().find(&commit('a')).await.is_err(), "nothing is visible");
}
