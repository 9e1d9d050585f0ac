//! What runs where, from the command line: now, and at three moments of a rollout and a rollback.

use std::time::Duration;

use portolan_testkit::server::{Options, Server};
use serde_json::{Value, json};

use crate::run::Place;

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Makes a version of the service's image; its digest.
fn made(place: &Place, version: &str, commit: &str) -> String {
    std::fs::write(place.path().join("app.json"), version).unwrap();
    let name = format!("shop/orders-api:{version}");
    let label = format!("org.opencontainers.image.revision={commit}");
    let made = place.done(&[
        "image",
        "append",
        "--file",
        "app.json:/app/app.json",
        "--label",
        &label,
        &name,
        "--output",
        "json",
    ]);
    json(&made)["digest"].as_str().unwrap().to_owned()
}

/// A word that a version was deployed.
fn deployed(at: &str, environment: &str, what: &str, (version, digest): (&str, &str)) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{environment}-{at}"), "source": "ci", "time": at,
        "type": format!("org.example.service.{what}"),
        "data": {
            "environment": environment, "service": "orders-api", "by": "Ada",
            "image": format!("shop/orders-api:{version}"), "digest": digest,
        },
    })
}

/// 1.0.0 in staging on the 1st and in production on the 2nd of November; 1.1.0 on the 3rd and the 4th;
/// on the 5th production goes back.
fn told() -> (Server, Place, [String; 2]) {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = Place::new().with("PORTOLAN_SERVER", &server.url(""));
    let old = made(&place, "1.0.0", "aaaaaaaaaaaa0001");
    let new = made(&place, "1.1.0", "bbbbbbbbbbbb0002");
    let (one, two) = (("1.0.0", old.as_str()), ("1.1.0", new.as_str()));
    let events = [
        deployed("2026-11-01T09:00:00Z", "staging", "deployed", one),
        deployed("2026-11-02T09:00:00Z", "production", "deployed", one),
        deployed("2026-11-03T09:00:00Z", "staging", "upgraded", two),
        deployed("2026-11-04T09:00:00Z", "production", "upgraded", two),
        deployed("2026-11-05T09:00:00Z", "production", "rolledback", one),
    ];
    let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    std::fs::write(place.path().join("events"), lines).unwrap();
    place.done(&["events", "ingest", "events"]);
    let shown = |path: &str, many: usize| {
        server
            .eventually(path, Duration::from_secs(20), |answer| {
                answer.json().is_ok_and(|list| list.as_array().is_some_and(|it| it.len() == many))
            })
            .unwrap();
    };
    shown("/deployments", 5);
    shown("/whats-running-where", 2);
    (server, place, [old, new])
}

#[test]
fn a_rollout_and_a_rollback_are_told_at_three_moments() {
    let (_server, place, _) = told();
    let at = |moment: &str| place.done(&["running", "--env", "production", "--at", moment]);
    insta::assert_snapshot!(at("2026-11-02T12:00Z"), @r"
    SERVICE     ENVIRONMENT  VERSION  STATUS   TASKS  SINCE  BY
    orders-api  production   1.0.0    RUNNING    1/1  3 h    Ada
    ");
    insta::assert_snapshot!(at("2026-11-04T12:00Z"), @r"
    SERVICE     ENVIRONMENT  VERSION  STATUS   TASKS  SINCE  BY
    orders-api  production   1.1.0    RUNNING    1/1  3 h    Ada
    ");
    insta::assert_snapshot!(at("2026-11-05T12:00Z"), @r"
    SERVICE     ENVIRONMENT  VERSION  STATUS   TASKS  SINCE  BY
    orders-api  production   1.0.0    RUNNING    1/1  3 h    Ada
    ");
    let both = place.done(&["running", "orders-api", "--at", "2026-11-04", "--output", "json"]);
    let both = json(&both);
    assert_eq!(both["at"], "2026-11-04T00:00:00.000Z");
    let versions: Vec<_> =
        both["running"].as_array().unwrap().iter().map(|it| &it["version"]).collect();
    assert_eq!(versions, ["1.1.0", "1.0.0"], "staging comes first");
    let none = place.run(&["running", "none", "--output", "json"]);
    assert_eq!((none.code, json(&none.stdout)["running"].clone()), (0, json!([])));
    assert_eq!(none.stderr, "nowhere does none run then or there\n");
}

#[test]
fn where_something_runs_is_found_by_what_is_known_of_it() {
    let (_server, place, [old, new]) = told();
    let at = ["--at", "2026-11-04T12:00Z"];
    let table = place.done(&[&["where", "shop/orders-api"][..], &at].concat());
    let table = table.replace(&new[..19], "DIGEST");
    insta::assert_snapshot!(table, @r"
    SERVICE     ENVIRONMENT  VERSION  TASKS  SINCE  BY   DIGEST
    orders-api  staging      1.1.0        1  27 h   Ada  DIGEST
    orders-api  production   1.1.0        1  3 h    Ada  DIGEST
    ");
    let places = |arguments: &[&str]| -> Vec<String> {
        let found = place.done(&[&["where", "--output", "json"][..], arguments].concat());
        let found = json(&found)["found"].clone();
        let name = |it: &Value| it["environment"].as_str().unwrap().to_owned();
        found.as_array().unwrap().iter().map(name).collect()
    };
    assert_eq!(places(&[&old, "--at", "2026-11-05T12:00Z"]), ["production"]);
    assert_eq!(places(&[&old, "--at", "2026-11-02T12:00Z"]), ["staging", "production"]);
    assert_eq!(places(&[&old, "--at", "2026-11-02T12:00Z", "--env", "staging"]), ["staging"]);
    assert_eq!(places(&["bbbbbbb", "--at", "2026-11-05T12:00Z"]), ["staging"]);
    assert_eq!(places(&["app/app.json", "--at", "2026-11-05T12:00Z"]), ["staging", "production"]);
    assert_eq!(places(&["--image", "shop/orders-api:1.1.0"]), ["staging"]);
    let label = "org.opencontainers.image.revision=bbbbbbbbbbbb0002";
    assert_eq!(places(&["--label", label]), ["staging"]);
    let none = place.run(&["where", "nothing"]);
    assert_eq!(
        (none.code, none.stderr.as_str()),
        (
            0,
            "no task runs the image nothing (0 images \
        known); --help tells the flags that say what is meant\n"
        )
    );
    for wrong in [&["where"][..], &["where", "a", "--path", "b"], &["where", "a", "--at", "soon"]] {
        place.fails(2, wrong);
    }
    assert!(place.fails(2, &["where", "--commit", "xyz"]).contains("hexadecimal"));
}

#[test]
fn environments_are_compared() {
    let (_server, place, _) = told();
    let moment = ["--at", "2026-11-03T12:00Z"];
    let diff = ["diff", "staging", "production"];
    insta::assert_snapshot!(place.done(&[&diff[..], &moment].concat()), @r"
    SERVICE     staging  production  HOW               COMMITS
    orders-api  1.1.0    1.0.0       staging is ahead  aaaaaaaa..bbbbbbbb
    1 different, 0 the same
    ");
    let ended = place.run(&[&diff[..], &moment, &["--exit-code"]].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, "error: staging and production differ\n"));
    let same = ["--at", "2026-11-04T12:00Z", "--exit-code"];
    assert_eq!(place.done(&[&diff[..], &same].concat()), "0 different, 1 the same\n");
    let all = place.done(&[&diff[..], &same, &["--all"]].concat());
    assert!(all.contains("orders-api  1.1.0    1.1.0       same  bbbbbbbb"), "{all}");
    let then = ["diff", "production", "production", "--at", "2026-11-04T12:00Z", "--at-b", "-1m"];
    let then = json(&place.done(&[&then[..], &["--output", "json"]].concat()));
    assert_eq!(then["services"][0]["direction"], "ahead");
    assert!(place.fails(4, &["diff", "staging", "moon"]).contains("environment moon"));
}

#[test]
fn a_history_is_told_newest_first() {
    let (_server, place, _) = told();
    let at = ["--at", "2026-11-06"];
    let history = place.done(&[&["history", "orders-api"][..], &at].concat());
    insta::assert_snapshot!(history, @r"
    DEPLOYED              ENVIRONMENT  VERSION  BEFORE  OUTCOME      RAN          BY   WHY
    2026-11-05T09:00:00Z  production   1.0.0    1.1.0   RUNNING      15 h, still  Ada
    2026-11-04T09:00:00Z  production   1.1.0    1.0.0   ROLLED_BACK  24 h         Ada
    2026-11-03T09:00:00Z  staging      1.1.0    1.0.0   RUNNING      2 d, still   Ada
    2026-11-02T09:00:00Z  production   1.0.0    -       STOPPED      2 d          Ada
    2026-11-01T09:00:00Z  staging      1.0.0    -       STOPPED      2 d          Ada
    ");
    let one = place.run(
        &[&["history", "orders-api", "--env", "production", "--limit", "1"][..], &at].concat(),
    );
    assert_eq!((one.code, one.stdout.lines().count()), (0, 2));
    assert_eq!(one.stderr, "1 of 3; --limit shows more\n");
    assert!(place.fails(4, &["history", "none"]).contains("none was not found"));
}
