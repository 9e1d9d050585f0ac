//! Messages of SNS, signed by somebody else's hand: OpenSSL's.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::io::Write as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use portolan_aws::sns::{Fetch, Kind, SnsError, SnsVerifier};
use portolan_testkit::process;
use serde_json::{Value, json};
use url::Url;

const CERTIFICATE: &str = "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-abc.pem";
const SUBSCRIBE: &str = "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=t0";

/// A key with its certificate, in files.
struct Signer {
    dir: tempfile::TempDir,
}

impl Signer {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut make = openssl();
        make.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        make.args(["-subj", "/CN=sns.amazonaws.com", "-keyout", "key.pem", "-out", "cert.pem"]);
        process::output(make.current_dir(dir.path())).unwrap();
        Self { dir }
    }

    fn certificate(&self) -> Vec<u8> {
        std::fs::read(self.dir.path().join("cert.pem")).unwrap()
    }

    fn sign(&self, hash: &str, text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().write_all(text.as_bytes()).unwrap();
        let mut sign = openssl();
        sign.args(["dgst", hash, "-sign", "key.pem"]).arg(file.path());
        let done = sign.current_dir(self.dir.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        STANDARD.encode(done.stdout)
    }
}

fn openssl() -> Command {
    Command::new(process::find("openssl", "openssl").unwrap())
}

/// What answers for SNS, and what it was asked.
#[derive(Debug, Default)]
struct Desk {
    answer: Mutex<Option<Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

impl Desk {
    fn with(answer: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { answer: Mutex::new(Some(answer)), asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Fetch for Desk {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.asked.lock().unwrap().push(url.to_string());
        let answer = self.answer.lock().unwrap().clone().ok_or_else(|| "no route".to_owned());
        Box::pin(std::future::ready(answer))
    }
}

fn notification() -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-2:123456789012:pushes",
        "Subject": "A push",
        "Message": "{\"detail\": {}}\nof two lines",
        "Timestamp": "2026-11-01T09:00:00.123Z",
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": "https://sns.eu-west-2.amazonaws.com/?Action=Unsubscribe",
    })
}

/// The text that AWS documents as the one to sign, written out by hand.
const NOTIFICATION: &str = "Message\n{\"detail\": {}}\nof two lines\nMessageId\n\
    22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubject\nA push\nTimestamp\n2026-11-01T09:00:00.123Z\n\
    TopicArn\narn:aws:sns:eu-west-2:123456789012:pushes\nType\nNotification\n";
const WITHOUT_SUBJECT: &str = "Message\n{\"detail\": {}}\nof two lines\nMessageId\n\
    22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nTimestamp\n2026-11-01T09:00:00.123Z\n\
    TopicArn\narn:aws:sns:eu-west-2:123456789012:pushes\nType\nNotification\n";

fn handshake(kind: &str) -> (Value, String) {
    let mut message = notification();
    message["Type"] = json!(kind);
    message["Token"] = json!("t0");
    message["SubscribeURL"] = json!(SUBSCRIBE);
    message.as_object_mut().unwrap().remove("Subject");
    let text = format!(
        "Message\n{{\"detail\": {{}}}}\nof two lines\nMessageId\n\
         22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\nSubscribeURL\n{SUBSCRIBE}\nTimestamp\n\
         2026-11-01T09:00:00.123Z\nToken\nt0\nTopicArn\n\
         arn:aws:sns:eu-west-2:123456789012:pushes\nType\n{kind}\n"
    );
    (message, text)
}

fn signed(mut message: Value, signer: &Signer, version: &str, text: &str) -> Value {
    let hash = if version == "1" { "-sha1" } else { "-sha256" };
    message["SignatureVersion"] = json!(version);
    message["Signature"] = json!(signer.sign(hash, text));
    message
}

async fn verify(verifier: &SnsVerifier, message: &Value) -> Result<Kind, SnsError> {
    verifier.verify(message.to_string().as_bytes()).await.map(|message| message.kind)
}

#[tokio::test]
async fn what_sns_signed_is_taken_in_both_versions() {
    let signer = Signer::new();
    let desk = Desk::with(signer.certificate());
    let verifier = SnsVerifier::new(desk.clone());
    let mut bare = notification();
    bare.as_object_mut().unwrap().remove("Subject");
    let (subscribe, subscribe_text) = handshake("SubscriptionConfirmation");
    let (unsubscribe, unsubscribe_text) = handshake("UnsubscribeConfirmation");
    for version in ["1", "2"] {
        for (message, text, kind) in [
            (notification(), NOTIFICATION, Kind::Notification),
            (bare.clone(), WITHOUT_SUBJECT, Kind::Notification),
            (subscribe.clone(), &subscribe_text, Kind::SubscriptionConfirmation),
            (unsubscribe.clone(), &unsubscribe_text, Kind::UnsubscribeConfirmation),
        ] {
            let message = signed(message, &signer, version, text);
            assert_eq!(verify(&verifier, &message).await.unwrap(), kind, "{message}");
        }
    }
    assert_eq!(desk.asked(), [CERTIFICATE], "one certificate serves many messages");
}

#[tokio::test]
async fn what_was_changed_or_signed_by_others_is_refused() {
    let signer = Signer::new();
    let verifier = SnsVerifier::new(Desk::with(signer.certificate()));
    let good = signed(notification(), &signer, "2", NOTIFICATION);
    for (field, value) in [
        ("Message", json!("{}")),
        ("MessageId", json!("other")),
        ("Subject", json!("other")),
        ("Subject", Value::Null),
        ("Timestamp", json!("2026-11-01T09:00:00.124Z")),
        ("TopicArn", json!("arn:aws:sns:eu-west-2:999999999999:pushes")),
        ("SignatureVersion", json!("1")),
        ("SignatureVersion", json!("3")),
        ("Signature", json!("")),
        ("Signature", json!("not base64!")),
    ] {
        let mut changed = good.clone();
        changed[field] = value;
        let refused = verify(&verifier, &changed).await;
        assert!(matches!(refused, Err(SnsError::Signature)), "{field}: {refused:?}");
    }
    let forged = signed(notification(), &Signer::new(), "2", NOTIFICATION);
    assert!(matches!(verify(&verifier, &forged).await, Err(SnsError::Signature)));
}

#[tokio::test]
async fn nothing_is_asked_of_others_than_sns() {
    let signer = Signer::new();
    let desk = Desk::with(signer.certificate());
    let verifier = SnsVerifier::new(desk.clone());
    let mut message = signed(notification(), &signer, "2", NOTIFICATION);
    for url in ["https://evil.example/SimpleNotificationService-abc.pem", "x", ""] {
        message["SigningCertURL"] = json!(url);
        assert!(matches!(verify(&verifier, &message).await, Err(SnsError::Address { .. })));
    }
    for garbage in ["", "[]", "{}", "null", "{\"Type\": \"Notification\"}"] {
        let refused = verifier.verify(garbage.as_bytes()).await;
        assert!(matches!(refused, Err(SnsError::Malformed(_))), "{garbage}");
    }
    assert!(desk.asked().is_empty());
}

#[tokio::test]
async fn a_subscription_is_confirmed_where_sns_says() {
    let signer = Signer::new();
    let desk = Desk::with(signer.certificate());
    let verifier = SnsVerifier::new(desk.clone());
    let (message, text) = handshake("SubscriptionConfirmation");
    let message = signed(message, &signer, "2", &text);
    let message = verifier.verify(message.to_string().as_bytes()).await.unwrap();
    verifier.confirm(&message).await.unwrap();
    assert_eq!(desk.asked(), [CERTIFICATE, SUBSCRIBE]);

    // Signed as it may be, an address elsewhere is not asked, nor another action.
    for url in ["https://evil.example/?Action=ConfirmSubscription", &SUBSCRIBE.replace("Conf", "X")]
    {
        let (mut message, text) = handshake("SubscriptionConfirmation");
        message["SubscribeURL"] = json!(url);
        let message = signed(message, &signer, "2", &text.replace(SUBSCRIBE, url));
        let message = verifier.verify(message.to_string().as_bytes()).await.unwrap();
        let refused = verifier.confirm(&message).await;
        assert!(matches!(refused, Err(SnsError::Address { .. })), "{refused:?}");
    }
    assert_eq!(desk.asked().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_read_is_worth_another_try_and_nonsense_is_not() {
    let signer = Signer::new();
    let desk = Arc::new(Desk::default());
    let verifier = SnsVerifier::new(desk.clone());
    let message = signed(notification(), &signer, "2", NOTIFICATION);
    assert!(verify(&verifier, &message).await.unwrap_err().is_transient());
    *desk.answer.lock().unwrap() = Some(b"<html>".to_vec());
    let error = verify(&verifier, &message).await.unwrap_err();
    assert!(matches!(error, SnsError::Certificate { .. }) && !error.is_transient(), "{error}");
    *desk.answer.lock().unwrap() = Some(signer.certificate());
    assert!(verify(&verifier, &message).await.is_ok(), "a failure is not kept");
}
