//! Notifications of the built binary: somebody is told, also by a server that was killed.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use portolan_testkit::receiver::{Receiver, Reply};
use portolan_testkit::server::Options;

use crate::world::{Engine, PATIENCE, World};

on_both_stores!(somebody_is_told_though_the_server_is_killed, a_rule_is_tried_out);

/// The variables of a rule `ops` that tells `receiver` of dead events.
fn variables(receiver: &Receiver) -> Vec<(String, String)> {
    [
        ("", "ops".to_owned()),
        ("_OPS_URL", receiver.url("/hook/hunter2")),
        ("_OPS_SECRET", "hunter3-hunter3-hunter3".to_owned()),
        ("_OPS_EVENTS", "event-dead".to_owned()),
        ("_OPS_PRIVATE", "true".to_owned()),
    ]
    .map(|(name, value)| (format!("PORTOLAN_NOTIFICATIONS{name}"), value))
    .to_vec()
}

fn somebody_is_told_though_the_server_is_killed(engine: Engine) {
    for (point, least) in [("notify.before-send", 1), ("notify.after-send", 2)] {
        let receiver = Receiver::start([]).unwrap();
        let options = Options {
            failpoint: Some(point.to_owned()),
            environment: variables(&receiver),
            ..Options::default()
        };
        let mut world = World::start_with(engine, options);
        // The rule looks from the first look on.
        std::thread::sleep(Duration::from_millis(1500));
        // Nobody said to which environment this account belongs.
        let event = r#"{"version": "0", "id": "11111111-2222-3333-4444-555555555555",
            "detail-type": "ECS Task State Change", "source": "aws.ecs", "account": "999999999999",
            "time": "2026-11-20T10:00:00Z", "region": "eu-west-2", "detail": {}}"#;
        let json = [("content-type", "application/json")];
        let answer = world.client.send("POST", &world.url("/events"), &json, event.as_bytes());
        assert!(answer.unwrap().status < 300);
        let ended = world.process().wait(PATIENCE).unwrap();
        assert_eq!(ended.signal(), Some(9), "{point}: {ended}");
        assert_eq!(receiver.received().len(), least - 1, "{point}");
        world.restart().unwrap();
        let requests = receiver.wait(least, PATIENCE).unwrap();
        let sent = |answer: &portolan_testkit::http::Answer| {
            answer.json().is_ok_and(|told| told["total"] == 1)
        };
        world.eventually("/notifications?state=sent", PATIENCE, sent).unwrap();
        assert_eq!(requests.len(), least, "{point}");
        let told = world.json("/notifications").unwrap();
        assert_eq!((&told["total"], &told["notifications"][0]["rule"]), (&1.into(), &"ops".into()));
        let id = told["notifications"][0]["id"].as_str();
        for request in &requests {
            assert_eq!(request.header("portolan-id"), id, "one identity: {point}");
            assert!(request.header("portolan-signature").unwrap().starts_with("v1="));
        }
        let log = world.process().log();
        assert!(!log.contains("hunter"), "{log}");
        assert!(!told.to_string().contains("hunter"));
    }
}

fn a_rule_is_tried_out(engine: Engine) {
    let receiver = Receiver::start([Reply::status(200), Reply::status(404)]).unwrap();
    let options = Options { environment: variables(&receiver), ..Options::default() };
    let world = World::start_with(engine, options);
    let told = world.cli(&["notifications", "test", "ops"]).unwrap();
    assert!(told.contains("the receiver answered 200"), "{told}");
    let failed = world.cli(&["notifications", "test", "ops"]).unwrap_err().to_string();
    assert!(failed.contains("the receiver answered 404"), "{failed}");
    assert!(!failed.contains("hunter"), "{failed}");
    let missing = world.cli(&["notifications", "test", "nobody"]).unwrap_err().to_string();
    assert!(missing.contains("nobody"), "{missing}");
    let list = world.cli(&["notifications", "list"]).unwrap();
    assert!(list.contains("failed") && list.contains("sent"), "{list}");
    let list = world.cli(&["--output", "json", "notifications", "list", "--state", "sent"]);
    let list: serde_json::Value = serde_json::from_str(&list.unwrap()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 1);
    let body = receiver.received()[0].json().unwrap();
    assert_eq!((&body["event"], &body["rule"]), (&"test".into(), &"ops".into()));
    let metrics = world.get("/metrics").unwrap().text();
    assert!(metrics.contains(r#"portolan_notifications{state="failed"} 1"#), "{metrics}");
}
