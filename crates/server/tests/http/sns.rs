//! SNS over HTTPS, with messages that OpenSSL signs.

use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use portolan_aws::sns::{Fetch, SnsVerifier};
use portolan_server::SnsSettings;
use portolan_testkit::process;
use serde_json::{Value, json};

use crate::bed::{Answer, Bed};

const TOPIC: &str = "arn:aws:sns:eu-west-2:123456789012:pushes";
const CERTIFICATE: &str = "https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-abc.pem";
const SUBSCRIBE: &str = "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=t0";

/// What answers for SNS: its certificate, and whatever confirms.
#[derive(Debug)]
struct Desk {
    certificate: Vec<u8>,
    asked: Mutex<Vec<String>>,
}

impl Fetch for Desk {
    fn get(&self, url: url::Url) -> BoxFuture<'_, Result<Vec<u8>, String>> {
        self.asked.lock().unwrap().push(url.to_string());
        Box::pin(std::future::ready(Ok(self.certificate.clone())))
    }
}

/// A key, and a server that knows its certificate for SNS's.
struct World {
    dir: tempfile::TempDir,
    desk: Arc<Desk>,
    bed: Bed,
}

fn openssl() -> Command {
    Command::new(process::find("openssl", "openssl").unwrap())
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut make = openssl();
        make.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]);
        make.args(["-subj", "/CN=sns.amazonaws.com", "-keyout", "key.pem", "-out", "cert.pem"]);
        process::output(make.current_dir(dir.path())).unwrap();
        let certificate = std::fs::read(dir.path().join("cert.pem")).unwrap();
        let desk = Arc::new(Desk { certificate, asked: Mutex::default() });
        let verifier = SnsVerifier::new(desk.clone());
        let topics = vec![TOPIC.to_owned()];
        let bed = Bed::with(|settings| settings.sns = Some(SnsSettings { verifier, topics })).await;
        Self { dir, desk, bed }
    }

    /// A message of SNS, signed as AWS documents it.
    fn message(&self, kind: &str, topic: &str, message: &str) -> Value {
        let mut body = json!({
            "Type": kind, "MessageId": "m-1", "TopicArn": topic, "Message": message,
            "Timestamp": "2026-11-01T09:00:00.123Z", "SignatureVersion": "2",
            "SigningCertURL": CERTIFICATE,
        });
        let about = if kind == "Notification" {
            "Timestamp\n2026-11-01T09:00:00.123Z\n".to_owned()
        } else {
            (body["SubscribeURL"], body["Token"]) = (json!(SUBSCRIBE), json!("t0"));
            let sent = "Timestamp\n2026-11-01T09:00:00.123Z\nToken\nt0\n";
            format!("SubscribeURL\n{SUBSCRIBE}\n{sent}")
        };
        let signed =
            format!("Message\n{message}\nMessageId\nm-1\n{about}TopicArn\n{topic}\nType\n{kind}\n");
        std::fs::write(self.dir.path().join("text"), signed).unwrap();
        let mut sign = openssl();
        sign.args(["dgst", "-sha256", "-sign", "key.pem", "text"]).current_dir(self.dir.path());
        body["Signature"] = json!(STANDARD.encode(sign.output().unwrap().stdout));
        body
    }

    async fn send(&self, message: &Value) -> Answer {
        let kind = message["Type"].as_str().unwrap();
        let headers = [("x-amz-sns-message-type", kind), ("content-type", "text/plain")];
        self.bed.send("POST", "/events", &headers, message.to_string()).await
    }
}

const PUSH: &str = r#"{"detail":{"result":"SUCCESS","action-type":"OTHER","image-tag":"1","repository-name":"a"}}"#;

#[tokio::test]
async fn a_signed_notification_is_taken_once() {
    let world = World::new().await;
    let message = world.message("Notification", TOPIC, PUSH);
    for repeated in [0, 1] {
        let answer = world.send(&message).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.json()["repeated"], repeated);
    }
    let shown = world.bed.json("/events").await;
    assert_eq!(shown["events"][0]["source"], format!("sns:{TOPIC}"));
    assert_eq!(shown["events"][0]["occurredAt"], "2026-11-01T09:00:00.123Z");
}

#[tokio::test]
async fn a_subscription_is_confirmed() {
    let world = World::new().await;
    let answer = world.send(&world.message("SubscriptionConfirmation", TOPIC, "Confirm")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(*world.desk.asked.lock().unwrap(), [CERTIFICATE, SUBSCRIBE]);
    let answer = world.send(&world.message("UnsubscribeConfirmation", TOPIC, "Gone")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.desk.asked.lock().unwrap().len(), 2, "who unsubscribed means it");
}

#[tokio::test]
async fn what_is_not_signed_or_of_another_topic_is_refused() {
    let world = World::new().await;
    let other = "arn:aws:sns:eu-west-2:999999999999:pushes";
    for kind in ["Notification", "SubscriptionConfirmation"] {
        let answer = world.send(&world.message(kind, other, PUSH)).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
        assert!(answer.text().contains("sns_topics"), "{}", answer.text());
    }
    assert_eq!(*world.desk.asked.lock().unwrap(), [CERTIFICATE], "nothing was confirmed");
    let mut forged = world.message("Notification", TOPIC, PUSH);
    forged["Message"] = json!("{}");
    assert_eq!(world.send(&forged).await.status, 403);
    let unheard = Bed::sqlite().await;
    let headers = [("x-amz-sns-message-type", "Notification")];
    let answer = unheard.send("POST", "/events", &headers, forged.to_string()).await;
    assert_eq!(answer.status, 403);
    let answer = world.bed.send("POST", "/events", &headers, "garbage").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(world.bed.json("/events").await["total"], 0);
}
