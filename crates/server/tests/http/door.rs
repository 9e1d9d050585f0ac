//! The door: who is let in, on every route, with no token, a wrong one and the right one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use portolan_model::{Entropy, Timestamp};
use portolan_server::{Reach, ServeError, router_for, serve};
use serde_json::json;
use tower::ServiceExt as _;

use crate::bed::{Answer, Bed};

crate::on_both_engines!(every_route_asks_for_its_scope, a_token_is_made_used_and_revoked);

/// Another secret each time.
#[derive(Debug, Default)]
struct Counting(std::sync::atomic::AtomicU8);

impl Entropy for Counting {
    fn secret(&self) -> Result<[u8; 32], String> {
        Ok([self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst); 32])
    }
}

/// A server that others ask, over the store of a bed.
struct Doors {
    bed: Bed,
    machine: Router,
    network: Router,
}

const LOCAL: &str = "127.0.0.1:5094";
const FAR: &str = "portolan.example:5094";

async fn ask(
    router: &Router,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = if parts.headers.get("content-type").is_some_and(|it| it == "text/event-stream") {
        // It is told without end.
        Vec::new()
    } else {
        body.collect().await.unwrap().to_bytes().to_vec()
    };
    Answer { status: parts.status, headers: parts.headers, body }
}

impl Doors {
    fn of(mut bed: Bed) -> Self {
        let mut settings = (*bed.app.settings).clone();
        settings.entropy = Some(Arc::new(Counting::default()));
        bed.app.settings = Arc::new(settings);
        bed.router = portolan_server::router(bed.app.clone());
        let machine = router_for(bed.app.clone(), Reach::Machine);
        let network = router_for(bed.app.clone(), Reach::Network);
        Self { bed, machine, network }
    }

    /// Makes a token from within; what it is.
    async fn token(&self, name: &str, scopes: &[&str], expires_at: Option<Timestamp>) -> String {
        let wish = json!({ "name": name, "scopes": scopes, "expiresAt": expires_at });
        let made = self.bed.send("POST", "/tokens", &[], wish.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        assert_eq!(made.header("cache-control"), "no-store");
        made.json()["token"].as_str().unwrap().to_owned()
    }

    async fn here(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        self.ask(&self.machine, LOCAL, method, path, token).await
    }

    async fn afar(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        self.ask(&self.network, FAR, method, path, token).await
    }

    async fn ask(
        &self,
        router: &Router,
        host: &str,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("host", host)];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        ask(router, method, path, &headers, "").await
    }
}

/// The scope that a change asks for; everything that is not listed here asks for `admin`.
fn scope(path: &str) -> &'static str {
    match path {
        "/commits"
        | "/releases"
        | "/releases/xidx/quarantine"
        | "/ui/releases"
        | "/ui/release/x/quarantine" => "release",
        "/plans"
        | "/rollouts"
        | "/rollouts/xidx/approve"
        | "/ui/plan"
        | "/ui/back"
        | "/ui/rollout/x/approve"
        | "/ui/rollout/x/refuse" => "deploy:staging",
        // No token is one for this environment.
        "/environments/xnamex/freeze" => "deploy:xnamex",
        "/events" | "/deployments" => "events",
        _ if path.starts_with("/v2/") => "push",
        _ => "admin",
    }
}

const BLOB: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Every route that there is: those of the document, and those that are in none.
async fn routes(bed: &Bed) -> Vec<(String, String)> {
    let document = bed.json("/openapi.json").await;
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "x");
        routes.extend(item.as_object().unwrap().keys().map(|it| (it.to_uppercase(), path.clone())));
    }
    let more = [
        ("GET", "/ui/".to_owned()),
        ("GET", "/ui/journal".to_owned()),
        ("POST", "/ui/journal/x/replay".to_owned()),
        ("GET", "/ui/releases".to_owned()),
        ("POST", "/ui/releases".to_owned()),
        ("POST", "/ui/release/x/quarantine".to_owned()),
        ("POST", "/ui/plan".to_owned()),
        ("POST", "/ui/back".to_owned()),
        ("POST", "/ui/rollout/x/approve".to_owned()),
        ("POST", "/ui/rollout/x/refuse".to_owned()),
        ("GET", "/openapi.json".to_owned()),
        ("GET", "/nowhere".to_owned()),
        ("POST", "/nowhere".to_owned()),
        ("GET", "/v2/_catalog".to_owned()),
        ("GET", "/v2/a/tags/list".to_owned()),
        ("HEAD", "/v2/a/manifests/1".to_owned()),
        ("PUT", "/v2/a/manifests/1".to_owned()),
        ("DELETE", "/v2/a/manifests/1".to_owned()),
        ("GET", format!("/v2/a/blobs/{BLOB}")),
        ("DELETE", format!("/v2/a/blobs/{BLOB}")),
        ("POST", "/v2/a/blobs/uploads/".to_owned()),
        ("PATCH", "/v2/a/blobs/uploads/x".to_owned()),
        ("PUT", "/v2/a/blobs/uploads/x".to_owned()),
        ("DELETE", "/v2/a/blobs/uploads/x".to_owned()),
        ("POST", "/cdp-portal-backend/Admin/Backfill".to_owned()),
    ];
    routes.extend(more.map(|(method, path)| (method.to_owned(), path)));
    routes
}

async fn every_route_asks_for_its_scope(bed: Bed) {
    let doors = Doors::of(bed);
    let routes = routes(&doors.bed).await;
    assert!(routes.iter().any(|(method, path)| method == "POST" && path == "/admin/rebuild"));
    for (method, path) in &routes {
        // Without tokens this machine may do everything.
        let open = doors.here(method, path, None).await.status;
        assert!(!is_refusal(open, path), "{method} {path}: {open}");
        // And nobody else anything, should a server be left without.
        let far = doors.afar(method, path, None).await.status;
        assert_eq!(is_refusal(far, path), !is_always_open(path), "{method} {path}: {far}");
    }
    let mut tokens = Vec::new();
    for name in ["read", "push", "events", "release", "deploy:staging", "admin"] {
        let called = name.replace(':', "-");
        tokens.push((name, doors.token(&called, &[name], None).await));
    }
    let now = doors.bed.app.store.now();
    let expired = doors.token("old", &["admin"], Some(now.plus_millis(1))).await;
    doors.bed.pass(1);
    for (method, path) in &routes {
        let reads = matches!(method.as_str(), "GET" | "HEAD") && !path.starts_with("/tokens");
        let (always, login) = (is_always_open(path), path == "/v2/");
        for (where_from, open) in [("here", always || reads && !login), ("afar", always)] {
            let asked = format!("{method} {path} from {where_from}");
            let ask = async |token: Option<&str>| {
                if where_from == "here" {
                    doors.here(method, path, token).await
                } else {
                    doors.afar(method, path, token).await
                }
            };
            for wrong in [None, Some("portolan_wrong"), Some(expired.as_str())] {
                let answer = ask(wrong).await;
                assert_eq!(is_unknown(&answer, path), !open, "{asked}: {}", answer.status);
                assert!(!answer.text().contains(&expired), "{asked}");
            }
            for (name, token) in &tokens {
                let answer = ask(Some(token)).await;
                assert!(open || !is_unknown(&answer, path), "{asked} with {name}");
                let fits = open || reads || *name == "admin" || *name == scope(path);
                let forbidden = answer.status == StatusCode::FORBIDDEN;
                assert_eq!(forbidden, !fits, "{asked} with {name}: {}", answer.text());
                if forbidden {
                    let needed = match scope(path) {
                        deploy if deploy.starts_with("deploy:") => "`deploy:".to_owned(),
                        scope => format!("`{scope}`"),
                    };
                    assert!(answer.text().contains(&needed), "{asked}: {}", answer.text());
                }
            }
        }
    }
}

fn is_always_open(path: &str) -> bool {
    matches!(path, "/health" | "/ready")
}

fn is_refusal(status: StatusCode, path: &str) -> bool {
    status == StatusCode::UNAUTHORIZED
        || path.starts_with("/ui/") && status == StatusCode::SEE_OTHER
}

/// Whether the answer asks who it is; the pages lead to where one says so.
fn is_unknown(answer: &Answer, path: &str) -> bool {
    let to_login = answer.header("location").starts_with("/ui/login?to=");
    assert!(to_login || !is_refusal(answer.status, path) || !path.starts_with("/ui/"));
    to_login || answer.status == StatusCode::UNAUTHORIZED
}

async fn a_token_is_made_used_and_revoked(bed: Bed) {
    let doors = Doors::of(bed);
    assert_eq!(doors.here("POST", "/admin/rebuild", None).await.status, StatusCode::ACCEPTED);
    // The first is made on the open server, and closes it at once.
    let wish = json!({ "name": "boss", "scopes": ["admin", "push", "admin"] }).to_string();
    let made = ask(&doors.machine, "POST", "/tokens", &[("host", LOCAL)], &wish).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let boss = made.json()["token"].as_str().unwrap().to_owned();
    assert!(boss.starts_with("portolan_") && boss.len() == 52, "{boss}");
    assert_eq!(made.json()["scopes"], json!(["admin", "push"]));
    let refused = doors.here("POST", "/admin/rebuild", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"portolan\"");
    assert!(refused.json()["message"].as_str().unwrap().contains("portolan token create"));
    let done = doors.here("POST", "/admin/rebuild", Some(&boss)).await;
    assert_eq!(done.status, StatusCode::ACCEPTED);
    let basic = format!("Basic {}", STANDARD.encode(format!("whoever:{boss}")));
    let headers = [("host", LOCAL), ("authorization", basic.as_str())];
    let done = ask(&doors.machine, "POST", "/admin/rebuild", &headers, "").await;
    assert_eq!(done.status, StatusCode::ACCEPTED);

    // What is told of it never tells the token.
    let told = doors.here("GET", "/tokens", Some(&boss)).await;
    assert!(!told.text().contains(&boss), "{}", told.text());
    let told = &told.json()["tokens"][0];
    assert_eq!((&told["name"], &told["state"]), (&json!("boss"), &json!("live")));
    let used = async |moment: &str| {
        let begun = std::time::Instant::now();
        while doors.bed.json("/tokens").await["tokens"][0]["lastUsedAt"] != moment {
            assert!(begun.elapsed() < Duration::from_secs(10), "not written down: {moment}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    used("2026-11-20T18:00:00.000Z").await;
    // It is not written down again within a minute, also where the tokens were read again.
    doors.bed.pass(59);
    for _ in 0..2 {
        doors.here("POST", "/admin/rebuild", Some(&boss)).await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
    used("2026-11-20T18:00:00.000Z").await;
    doors.bed.pass(1);
    doors.here("POST", "/admin/rebuild", Some(&boss)).await;
    used("2026-11-20T18:01:00.000Z").await;

    let again = ask(&doors.machine, "POST", "/tokens", &headers, &wish).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.text());
    let revoked = doors.here("DELETE", "/tokens/boss", Some(&boss)).await;
    assert_eq!((revoked.status, &revoked.json()["state"]), (StatusCode::OK, &json!("revoked")));
    // The last one is gone, and so this machine may do everything again.
    assert_eq!(doors.here("DELETE", "/tokens/boss", None).await.status, StatusCode::NOT_FOUND);
    let id = revoked.json()["id"].as_str().unwrap().to_owned();
    let again = doors.here("DELETE", &format!("/tokens/{id}"), None).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(doors.afar("GET", "/running-services", Some(&boss)).await.status, 401);
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused() {
    let doors = Doors::of(Bed::sqlite().await);
    let long = "x".repeat(65);
    for wish in [
        json!({}),
        json!({ "name": "a" }),
        json!({ "name": "a", "scopes": [] }),
        json!({ "name": "a", "scopes": ["everything"] }),
        json!({ "name": "a", "scopes": ["deploy:"] }),
        json!({ "name": "", "scopes": ["read"] }),
        json!({ "name": "a b", "scopes": ["read"] }),
        json!({ "name": long, "scopes": ["read"] }),
        json!({ "name": "00000000-0000-0000-0000-000000000001", "scopes": ["read"] }),
        json!({ "name": "a", "scopes": ["read"], "expiresAt": "2026-11-20T18:00:00Z" }),
        json!({ "name": "a", "scopes": ["read"], "expires": "90d" }),
        json!([]),
    ] {
        let answer = doors.bed.send("POST", "/tokens", &[], wish.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wish}: {}", answer.text());
    }
    let large = doors.bed.send("POST", "/tokens", &[], "x".repeat(20_000)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(doors.bed.json("/tokens").await["total"], 0);
    let bare = Bed::sqlite().await;
    let wish = json!({ "name": "a", "scopes": ["read"] }).to_string();
    let answer = bare.send("POST", "/tokens", &[], wish).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_knows_a_new_token_within_a_second() {
    let doors = Doors::of(Bed::postgres().await);
    let replica = router_for(doors.bed.replica().await, Reach::Machine);
    let change =
        async |token| doors.ask(&replica, LOCAL, "POST", "/admin/rebuild", token).await.status;
    assert_eq!(change(None).await, StatusCode::ACCEPTED);
    let token = doors.token("boss", &["admin"], None).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(change(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(change(Some(&token)).await, StatusCode::ACCEPTED);
    doors.bed.send("DELETE", "/tokens/boss", &[], "").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let far = doors.afar("POST", "/admin/rebuild", Some(&token)).await.status;
    assert_eq!(far, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_registry_asks_for_a_login_first() {
    let doors = Doors::of(Bed::sqlite().await);
    assert_eq!(doors.here("GET", "/v2/", None).await.status, StatusCode::OK);
    let token = doors.token("ci", &["push"], None).await;
    let refused = doors.here("GET", "/v2/", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.header("www-authenticate"), "Basic realm=\"portolan\"");
    assert_eq!(refused.header("docker-distribution-api-version"), "registry/2.0");
    assert_eq!(refused.json()["errors"][0]["code"], "UNAUTHORIZED");
    assert_eq!(doors.here("GET", "/v2/", Some("portolan_wrong")).await.status, 401);
    assert_eq!(doors.here("GET", "/v2/", Some(&token)).await.status, StatusCode::OK);
    // A client without a login sends an empty one, and may pull on this machine.
    let empty = [("host", LOCAL), ("authorization", "Basic Og==")];
    let pulled = ask(&doors.machine, "GET", "/v2/a/manifests/1", &empty, "").await;
    assert_eq!(pulled.status, StatusCode::NOT_FOUND);
    let pushed = ask(&doors.machine, "POST", "/v2/a/blobs/uploads/", &empty, "").await;
    assert_eq!(pushed.status, StatusCode::UNAUTHORIZED);
    let reader = doors.token("reader", &["read"], None).await;
    let denied = doors.here("POST", "/v2/a/blobs/uploads/", Some(&reader)).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN);
    assert_eq!(denied.json()["errors"][0]["code"], "DENIED");
}

#[tokio::test]
async fn what_a_proxy_passes_on_is_open_until_there_is_a_token() {
    let doors = Doors::of(Bed::sqlite().await);
    let passed = [("host", LOCAL), ("x-forwarded-for", "203.0.113.7")];
    let read = async || ask(&doors.machine, "GET", "/running-services", &passed, "").await.status;
    assert_eq!(read().await, StatusCode::OK);
    let token = doors.token("reader", &["read"], None).await;
    assert_eq!(read().await, StatusCode::UNAUTHORIZED);
    assert_eq!(doors.here("GET", "/running-services", None).await.status, StatusCode::OK);
    let bearer = format!("Bearer {token}");
    let headers = [passed[0], passed[1], ("authorization", bearer.as_str())];
    let answer = ask(&doors.machine, "GET", "/running-services", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn what_sns_signs_needs_no_token() {
    let doors = Doors::of(Bed::sqlite().await);
    doors.token("boss", &["admin"], None).await;
    let kind = ("x-amz-sns-message-type", "Notification");
    let headers = [("host", FAR), kind];
    let answer = ask(&doors.network, "POST", "/events", &headers, "{}").await;
    // It is the door of SNS that refuses it: nothing says that a topic is to be heard.
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text().contains("sns_topics"), "{}", answer.text());
    // What SNS sends raw is not signed.
    let raw = [("host", FAR), kind, ("x-amz-sns-rawdelivery", "true")];
    let answer = ask(&doors.network, "POST", "/events", &raw, "{}").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_browser_keeps_its_token() {
    let doors = Doors::of(Bed::sqlite().await);
    let open = doors.here("GET", "/ui/login", None).await;
    assert!(open.text().contains("There are no tokens"), "{}", open.text());
    let token = doors.token("ada", &["admin"], None).await;
    let refused = doors.here("GET", "/ui/login", None).await;
    assert!(refused.text().contains("type=\"password\""), "{}", refused.text());
    let led = doors.afar("GET", "/ui/journal?state=dead", None).await;
    assert_eq!(led.header("location"), "/ui/login?to=/ui/journal%3Fstate%3Ddead");
    let led = doors.here("POST", "/ui/journal/x/replay", None).await;
    assert_eq!(led.header("location"), "/ui/login?to=/ui/");

    let far = ("host", FAR);
    let form = [far, ("origin", "http://portolan.example:5094")];
    let wrong = ask(&doors.network, "POST", "/ui/login", &form, "token=portolan_x&to=/ui/").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(wrong.text().contains("not known") && wrong.header("set-cookie").is_empty());
    let evil = [far, ("origin", "http://evil.example")];
    let body = format!("to=%2Fui%2Fjournal&token={token}");
    let refused = ask(&doors.network, "POST", "/ui/login", &evil, &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let right = ask(&doors.network, "POST", "/ui/login", &form, &body).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/ui/journal"));
    let cookie = right.header("set-cookie").to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = ("cookie", cookie.split(';').next().unwrap());

    let page = ask(&doors.network, "GET", "/ui/journal", &[far, cookie], "").await;
    assert_eq!(page.status, StatusCode::OK);
    let page = ask(&doors.network, "GET", "/ui/login", &[far, cookie], "").await;
    assert!(page.text().contains("keeps the token <strong class=\"any\">ada"), "{}", page.text());
    assert!(!page.text().contains(&token));
    let replay = "/ui/journal/x/replay";
    let page = ask(&doors.network, "POST", replay, &[far, cookie, form[1]], "").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND, "let in, and there is no such event");
    // A browser sends the cookie to whatever runs on this machine, so a page must be of this server.
    for origin in [None, Some(("origin", "http://localhost:3000"))] {
        let headers: Vec<_> = [far, cookie].into_iter().chain(origin).collect();
        let page = ask(&doors.network, "POST", replay, &headers, "").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{origin:?}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
    let out = ask(&doors.network, "POST", "/ui/logout", &[far, cookie, form[1]], "").await;
    assert!(out.header("set-cookie").starts_with("portolan_token=; Path=/; Max-Age=0;"));
}

#[tokio::test]
async fn other_addresses_are_listened_on_with_a_token_that_lets_in() {
    let doors = Doors::of(Bed::sqlite().await);
    let start = async || {
        let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
        serve(doors.bed.app.clone(), listener, async {}).await
    };
    assert!(matches!(start().await, Err(ServeError::NoToken(_))));
    let soon = doors.bed.app.store.now().plus_millis(1000);
    let boss = doors.token("boss", &["admin"], Some(soon)).await;
    start().await.unwrap();
    doors.bed.pass(1);
    assert!(matches!(start().await, Err(ServeError::NoToken(_))), "it has expired");
    // The door that it closed does not open by itself.
    let change = doors.here("POST", "/admin/rebuild", Some(&boss)).await;
    assert_eq!(change.status, StatusCode::UNAUTHORIZED);
    assert!(change.text().contains("expired at 2026-11-20T18:00:01.000Z"), "{}", change.text());
}
