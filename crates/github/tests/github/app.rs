//! A GitHub App: what it claims, and how long it uses what it is given.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use portolan_github::{AppKey, Auth, Client, SetupError};
use portolan_model::Secret;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::fake::{Answers, Hands, NOW, Organisation, organisation, read, settings};

struct App {
    server: MockServer,
    organisation: Arc<Organisation>,
    key: KeyPair,
    given: Arc<AtomicUsize>,
    clock: Arc<Hands>,
}

/// Gives the tokens `i1`, `i2`, …, each for an hour.
struct Tokens(Arc<AtomicUsize>, Arc<Hands>);

impl Respond for Tokens {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let expires = portolan_model::Clock::now(&*self.1).plus_millis(3_600_000);
        ResponseTemplate::new(201).set_body_json(json!({
            "token": format!("i{number}"),
            "expires_at": expires.to_string(),
            "permissions": { "metadata": "read", "members": "read" },
        }))
    }
}

/// Answers whoever has the newest token, or a newer one than GitHub has revoked.
struct Newest(Arc<AtomicUsize>, Answers);

impl Respond for Newest {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let newest = format!("Bearer i{}", self.0.load(Ordering::SeqCst));
        if request.headers["authorization"] == newest.as_str() {
            return self.1.respond(request);
        }
        ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" }))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

impl App {
    async fn new() -> Self {
        let (organisation, given) = (organisation(120, 3), Arc::new(AtomicUsize::new(0)));
        let (server, clock) = (MockServer::start().await, Hands::at_now());
        Mock::given(method("POST"))
            .and(path("/app/installations/42/access_tokens"))
            .respond_with(Tokens(given.clone(), clock.clone()))
            .mount(&server)
            .await;
        Mock::given(path("/graphql"))
            .respond_with(Newest(given.clone(), Answers(organisation.clone())))
            .mount(&server)
            .await;
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { server, organisation, key, given, clock }
    }

    fn auth(installation: &str, key: String) -> Auth {
        Auth::App(AppKey {
            app_id: "123456".into(),
            installation_id: installation.into(),
            private_key: Secret::new(key),
        })
    }

    fn client(&self) -> Client {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.key).unwrap();
        let auth = Self::auth("42", pem("PRIVATE KEY", der.as_ref()));
        Client::new(settings(&self.server, auth), self.clock.clone()).unwrap()
    }

    async fn claims(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        let of_tokens = requests.iter().filter(|r| r.url.path().ends_with("access_tokens"));
        let claim = |r: &Request| r.headers["authorization"].to_str().unwrap()[7..].to_owned();
        of_tokens.map(claim).collect()
    }
}

#[tokio::test]
async fn one_token_serves_until_shortly_before_it_expires() {
    let app = App::new().await;
    let client = app.client();
    for (passed, tokens) in [(0, 1), (54 * 60, 1), (2 * 60, 2), (60 * 60, 3)] {
        app.clock.pass(passed);
        assert_eq!(read(&client).await.unwrap().repositories.len(), 120);
        assert_eq!(app.given.load(Ordering::SeqCst), tokens, "after {passed} s");
    }
}

#[tokio::test]
async fn the_claim_is_signed_and_short() {
    let app = App::new().await;
    read(&app.client()).await.unwrap();
    let claims = app.claims().await;
    let der = app.key.public_key();
    let key = DecodingKey::from_rsa_der(der.as_ref());
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let claim = jsonwebtoken::decode::<Value>(&claims[0], &key, &validation).unwrap().claims;
    assert_eq!(
        claim,
        json!({
            "iss": "123456", "iat": NOW / 1000 - 60, "exp": NOW / 1000 + 540,
        })
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_had_anew_once() {
    let app = App::new().await;
    let client = app.client();
    read(&client).await.unwrap();
    // GitHub forgets the token in the middle of a reading.
    let (given, first) = (app.given.clone(), app.organisation.asked.load(Ordering::SeqCst));
    app.organisation.fail(move |nth, _| {
        if nth == first {
            given.fetch_add(1, Ordering::SeqCst);
        }
        None
    });
    assert_eq!(read(&client).await.unwrap().repositories.len(), 120);
    assert_eq!(app.claims().await.len(), 2);
    // One that is refused whatever it is does not go round in circles.
    app.organisation.fail(|_, _| {
        Some(ResponseTemplate::new(401).set_body_json(json!({ "message": "Bad credentials" })))
    });
    let before = app.organisation.asked.load(Ordering::SeqCst);
    let error = read(&client).await.unwrap_err();
    assert!(error.to_string().contains("Bad credentials") && !error.is_transient(), "{error}");
    assert_eq!(app.organisation.asked.load(Ordering::SeqCst) - before, 2);
}

#[tokio::test]
async fn an_installation_that_is_refused_is_told() {
    let app = App::new().await;
    app.server.reset().await;
    let body = json!({ "message": "'Expiration time' claim ('exp') is too far in the future" });
    Mock::given(path("/app/installations/42/access_tokens"))
        .respond_with(ResponseTemplate::new(401).set_body_json(body))
        .expect(1)
        .mount(&app.server)
        .await;
    let error = read(&app.client()).await.unwrap_err();
    assert!(error.to_string().contains("too far in the future"), "{error}");
    assert!(error.to_string().contains("this machine's clock"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_at_once() {
    let app = App::new().await;
    let refused = |auth| Client::new(settings(&app.server, auth), app.clock.clone()).unwrap_err();
    let key = pem("RSA PRIVATE KEY", b"hunter2");
    assert!(matches!(refused(App::auth("42", "hunter2".into())), SetupError::Key(_)));
    for installation in ["", "../../graphql", "4 2"] {
        let error = refused(App::auth(installation, key.clone()));
        assert!(matches!(error, SetupError::Name { .. }), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
