//! The wire shapes of ECR and STS, from a server of canned answers.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use portolan_aws::{EcrCredentials, EcrError, EcrHost, EcrSettings, StaticKey};
use portolan_model::{Clock, Secret, Timestamp};
use wiremock::matchers::{body_string_contains, header, header_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const HOUR: i64 = 60 * 60 * 1000;
/// `AWS:secret` in base64.
const TOKEN: &str = "QVdTOnNlY3JldA==";

#[derive(Debug, Default)]
struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn host() -> EcrHost {
    EcrHost::parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com").unwrap()
}

fn settings(server: &MockServer) -> EcrSettings {
    EcrSettings {
        endpoint: Some(server.uri()),
        key: Some(StaticKey {
            id: "AKIATEST".into(),
            secret: Secret::new("hunter2".into()),
            session: None,
        }),
        timeout: Duration::from_secs(5),
        ..EcrSettings::default()
    }
}

fn answer(token: &str, expires_at: i64) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(
        format!(
            r#"{{"authorizationData": [{{"authorizationToken": "{token}",
            "expiresAt": {}, "proxyEndpoint": "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"}}]}}"#,
            expires_at / 1000
        ),
        "application/x-amz-json-1.1",
    )
}

#[tokio::test]
async fn one_password_serves_until_well_before_it_expires() {
    let server = MockServer::start().await;
    let target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
    Mock::given(header("x-amz-target", target))
        .and(header_regex("authorization", "Credential=AKIATEST/.*/eu-west-1/ecr/aws4_request"))
        .respond_with(answer(TOKEN, 12 * HOUR))
        .mount(&server)
        .await;
    let clock = Arc::new(Hands::default());
    let ecr = EcrCredentials::new(settings(&server), clock.clone());
    let login = ecr.login(&host()).await.unwrap();
    assert_eq!((login.username.as_str(), login.password.expose().as_str()), ("AWS", "secret"));
    assert_eq!(login.expires_at, Timestamp::from_millis(12 * HOUR));
    assert!(!format!("{login:?} {ecr:?}").contains("hunter2"));
    assert!(!format!("{login:?} {ecr:?}").contains("\"secret\""));
    clock.0.store(8 * HOUR, Ordering::SeqCst);
    ecr.login(&host()).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    clock.0.store(9 * HOUR, Ordering::SeqCst);
    ecr.login(&host()).await.unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_password_that_is_still_good_bridges_an_outage() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(answer(TOKEN, 12 * HOUR))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let refused = ResponseTemplate::new(400).set_body_raw(
        r#"{"__type": "AccessDeniedException", "message": "no"}"#,
        "application/x-amz-json-1.1",
    );
    Mock::given(wiremock::matchers::any()).respond_with(refused).mount(&server).await;
    let clock = Arc::new(Hands::default());
    let ecr = EcrCredentials::new(settings(&server), clock.clone());
    ecr.login(&host()).await.unwrap();
    clock.0.store(11 * HOUR, Ordering::SeqCst);
    assert_eq!(ecr.login(&host()).await.unwrap().username, "AWS");
    clock.0.store(13 * HOUR, Ordering::SeqCst);
    let error = ecr.login(&host()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("AccessDeniedException") && text.contains("eu-west-1"), "{text}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn many_callers_make_one_call() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(answer(TOKEN, 12 * HOUR))
        .expect(1)
        .mount(&server)
        .await;
    let ecr = EcrCredentials::new(settings(&server), Arc::new(Hands::default()));
    let host = host();
    let logins = tokio::join!(ecr.login(&host), ecr.login(&host), ecr.login(&host));
    assert!(logins.0.is_ok() && logins.1.is_ok() && logins.2.is_ok());
}

#[tokio::test]
async fn a_role_is_taken_on_first() {
    let server = MockServer::start().await;
    let assumed = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
        <SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
        </AssumeRoleResponse>"#;
    Mock::given(body_string_contains("Action=AssumeRole"))
        .and(body_string_contains("role%2Fportolan"))
        .respond_with(ResponseTemplate::new(200).set_body_raw(assumed, "text/xml"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(header_regex("authorization", "Credential=ASIAROLE/"))
        .and(header("x-amz-security-token", "session"))
        .respond_with(answer(TOKEN, 12 * HOUR))
        .expect(1)
        .mount(&server)
        .await;
    let role_arn = Some("arn:aws:iam::123456789012:role/portolan".to_owned());
    let settings = EcrSettings { role_arn, ..settings(&server) };
    let ecr = EcrCredentials::new(settings, Arc::new(Hands::default()));
    ecr.login(&host()).await.unwrap();
}

#[tokio::test]
async fn what_makes_no_sense_or_does_not_come_is_an_error() {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(answer("not base64!", 12 * HOUR))
        .mount(&server)
        .await;
    let ecr = EcrCredentials::new(settings(&server), Arc::new(Hands::default()));
    let error = ecr.login(&host()).await.unwrap_err();
    assert!(matches!(error, EcrError::Answer { .. }), "{error}");

    let server = MockServer::start().await;
    let slow = answer(TOKEN, 12 * HOUR).set_delay(Duration::from_secs(20));
    Mock::given(wiremock::matchers::any()).respond_with(slow).mount(&server).await;
    let settings = EcrSettings { timeout: Duration::from_millis(300), ..settings(&server) };
    let ecr = EcrCredentials::new(settings, Arc::new(Hands::default()));
    let error = ecr.login(&host()).await.unwrap_err();
    assert!(matches!(error, EcrError::Timeout { .. } | EcrError::Call { .. }), "{error}");
}
