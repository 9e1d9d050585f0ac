//! Back to what ran at a moment: by what events told, and by what was brought there.

use std::thread::sleep;
use std::time::{Duration, SystemTime};

use portolan_model::Timestamp;
use portolan_testkit::moto::{ACCOUNT, REGION};
use serde_json::{Value, json};

use crate::shop::{IMAGES, Shop};

/// A task of a service that ran a version of its image from one moment to another, as ECS tells it
/// at both: before the fake's time begins, from when on sweeps tell of its services.
fn told(
    shop: &Shop,
    (image, service): (&str, &str),
    version: u32,
    from: &str,
    to: &str,
) -> Vec<Value> {
    let digest = shop.fake.tagged(image, &format!("v{version}")).unwrap();
    let arn = format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task/staging/{service}{version}");
    let event = |number: u32, status: &str, at: &str, stopped: Option<&str>| {
        let mut detail = json!({
            "taskArn": arn, "clusterArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/staging"),
            "taskDefinitionArn": format!("arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{service}:1"),
            "group": format!("service:{service}"), "startedBy": format!("ecs-svc/{service}{version}"),
            "lastStatus": status, "desiredStatus": status, "version": number,
            "createdAt": from, "startedAt": from, "updatedAt": at,
            "containers": [{
                "name": "main", "image": format!("{}:v{version}", shop.fake.image(image)),
                "imageDigest": digest, "lastStatus": status,
            }],
        });
        if let Some(stopped) = stopped {
            detail["stoppingAt"] = json!(stopped);
            detail["stoppedAt"] = json!(stopped);
        }
        json!({
            "version": "0", "id": format!("{service}-{version}-{number}"),
            "detail-type": "ECS Task State Change", "source": "aws.ecs", "account": ACCOUNT,
            "time": at, "region": REGION, "resources": [arn], "detail": detail,
        })
    };
    vec![event(3, "RUNNING", from, None), event(5, "STOPPED", to, Some(to))]
}

#[test]
fn what_events_told_is_there_again() {
    let (shop, _server) = Shop::served(None);
    let mut events = Vec::new();
    for (image, services) in IMAGES {
        for service in services {
            let own = (image, *service);
            for (version, from, to) in [
                (3, "2026-08-01T08:00:00Z", "2026-08-01T10:00:00Z"),
                (2, "2026-08-01T10:00:30Z", "2026-08-01T12:00:00Z"),
            ] {
                events.extend(told(&shop, own, version, from, to));
            }
        }
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    std::fs::write(shop.folder.path().join("events"), lines.join("\n")).unwrap();
    shop.ended(0, &["events", "ingest", "events"]);
    // What is heard is applied by a worker.
    let back = ["rollback", "--env", "staging", "--to", "2026-08-01T09:00:00Z", "--yes"];
    let mut tries = 0..100;
    while shop.run(&[&back[..5], &["--plan"]].concat()).code != 0 {
        assert!(tries.next().is_some(), "{:?}", shop.run(&back));
        sleep(Duration::from_millis(100));
    }
    let done = shop.ended(0, &back);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert_eq!(shop.whole("staging"), 3);
    let newest = shop.json(&["release", "list"])[0].clone();
    assert_eq!(newest["description"], "what ran in staging at 2026-08-01T09:00:00.000Z");
    shop.ended(0, &["rollback", "--env", "staging", "--to", "2026-08-01T11:00:00Z", "--yes"]);
    assert_eq!(shop.whole("staging"), 2);
    let before = ["rollback", "--env", "staging", "--to", "2026-07-01T11:00:00Z", "--yes"];
    let none = shop.ended(4, &before);
    assert!(none.stderr.contains("api in"), "{}", none.stderr);
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
}

#[expect(clippy::disallowed_methods, reason = "events are told by the wall's clock")]
fn now() -> String {
    let passed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(passed.as_millis()).unwrap()).to_string()
}

#[test]
fn without_events_what_was_brought_there_is() {
    let shop = Shop::new();
    let deploy = |tag: &str| {
        let arguments = ["release-deploy", "--tag", tag, "--env", "staging", "--yes"];
        shop.ended(0, &arguments);
        sleep(Duration::from_millis(50));
        let at = now();
        sleep(Duration::from_millis(50));
        at
    };
    let second = deploy("v2");
    deploy("v3");
    assert_eq!(shop.whole("staging"), 3);
    shop.ended(0, &["rollback", "--env", "staging", "--to", &second, "--yes"]);
    assert_eq!(shop.whole("staging"), 2);
}

#[test]
fn what_is_left_is_kept_from_coming_again() {
    let shop = Shop::new();
    let (second, third) = (shop.prepare("v2"), shop.prepare("v3"));
    for release in [&second, &third] {
        shop.ended(0, &["deploy", release, "--env", "staging", "--yes"]);
    }
    let back = ["rollback", "--env", "staging", "--to", &second, "--quarantine", "--yes"];
    let done = shop.ended(0, &back);
    assert!(done.stderr.contains(&format!("release {third} is in quarantine")), "{}", done.stderr);
    assert_eq!(shop.whole("staging"), 2);
    let shown = shop.json(&["release", "show", &third]);
    let reason = shown["quarantine"]["reason"].as_str().unwrap();
    assert_eq!(reason, format!("staging was rolled back from it to {second}"));
    let refused = shop.ended(5, &["deploy", &third, "--env", "production", "--yes"]);
    assert!(refused.stderr.contains("quarantine"), "{}", refused.stderr);
    assert_eq!(shop.whole("production"), 1);
    // Going back again does not go to it.
    let again = shop.ended(4, &["rollback", "--env", "staging", "--yes"]);
    assert!(again.stderr.contains("succeeded"), "{}", again.stderr);
}
