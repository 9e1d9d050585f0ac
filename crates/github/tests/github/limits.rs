//! GitHub's limits are kept: short waits here, long ones by whoever asked.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use portolan_github::GithubError;
use portolan_model::Timestamp;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::fake::{Hands, NOW, client, ok, organisation, read, server};

fn limited(status: u16) -> ResponseTemplate {
    let body = json!({ "message": "You have exceeded a secondary rate limit." });
    ResponseTemplate::new(status).set_body_json(body)
}

#[tokio::test]
async fn a_long_wait_is_the_callers() {
    let reset = (NOW / 1000 + 1800).to_string();
    let primary = json!({ "errors": [
        { "type": "RATE_LIMITED", "message": "API rate limit exceeded for installation ID 7." },
    ] });
    let primary = ok(&primary)
        .insert_header("x-ratelimit-remaining", "0")
        .insert_header("x-ratelimit-reset", &*reset);
    let secondary = json!({ "data": null, "errors": [
        { "message": "You have exceeded a secondary rate limit. Please wait a few minutes." },
    ] });
    let secondary = ok(&secondary).insert_header("retry-after", "45");
    for (what, answer, seconds) in [
        ("the primary limit", primary, 1800),
        ("the secondary limit, as data", secondary, 45),
        ("429", limited(429).insert_header("retry-after", "90"), 90),
        ("403", limited(403).insert_header("retry-after", "120"), 120),
        ("403 that says no time", limited(403), 60),
        ("a time out of all reason", limited(429).insert_header("retry-after", "99999999"), 7200),
    ] {
        let organisation = organisation(250, 1);
        let server = server(&organisation, "t1").await;
        organisation.fail(move |nth, _| (nth == 1).then(|| answer.clone()));
        let begun = Instant::now();
        let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(1), "{what}: nobody waits");
        let until = Timestamp::from_millis(NOW + seconds * 1000);
        assert_eq!(error.again_at(), Some(until), "{what}: {error}");
        assert!(error.is_transient() && error.to_string().contains("rate limit"), "{what}");
        assert_eq!(organisation.asked.load(Ordering::SeqCst), 2, "{what}: nor asks again");
    }
}

#[tokio::test]
async fn a_short_wait_is_waited() {
    let organisation = organisation(250, 1);
    let server = server(&organisation, "t1").await;
    organisation.fail(|nth, _| (nth == 1).then(|| limited(403).insert_header("retry-after", "1")));
    let begun = Instant::now();
    assert_eq!(read(&client(&server, &Hands::at_now())).await.unwrap().repositories.len(), 250);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn who_says_it_for_ever_is_not_asked_for_ever() {
    let organisation = organisation(1, 1);
    let server = server(&organisation, "t1").await;
    organisation.fail(|_, _| Some(limited(429).insert_header("retry-after", "0")));
    let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { .. }), "{error}");
    assert_eq!(organisation.asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn the_last_request_of_the_hour_is_the_last() {
    let organisation = organisation(250, 1);
    let server = server(&organisation, "t1").await;
    let inner = organisation.clone();
    let last = ok(&json!({ "data": { "organization": { "repositories": {
        "pageInfo": { "hasNextPage": true, "endCursor": "Y3100" }, "nodes": [],
    } } } }))
    .insert_header("x-ratelimit-remaining", "0")
    .insert_header("x-ratelimit-reset", &*(NOW / 1000 + 600).to_string());
    inner.fail(move |nth, _| (nth == 0).then(|| last.clone()));
    let clock = Hands::at_now();
    let client = client(&server, &clock);
    let until = Some(Timestamp::from_millis(NOW + 600_000));
    assert_eq!(read(&client).await.unwrap_err().again_at(), until);
    assert_eq!(read(&client).await.unwrap_err().again_at(), until);
    assert_eq!(organisation.asked.load(Ordering::SeqCst), 1, "GitHub is not even asked");
    clock.pass(601);
    assert_eq!(read(&client).await.unwrap().repositories.len(), 250);
}

#[tokio::test]
async fn a_right_that_is_missing_is_no_limit() {
    let organisation = organisation(1, 1);
    let server = server(&organisation, "t1").await;
    let body = json!({ "message": "Resource protected by organization SAML enforcement." });
    organisation.fail(move |_, _| Some(ResponseTemplate::new(403).set_body_json(&body)));
    let error = read(&client(&server, &Hands::at_now())).await.unwrap_err();
    assert!(error.to_string().contains("SAML") && !error.is_transient(), "{error}");
}
