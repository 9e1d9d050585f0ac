//! What runs where, what differs, what became of it, and where something is.

use http::StatusCode;
use serde_json::{Value, json};

use crate::bed::{Bed, service};
use crate::deployments::with_places;
use crate::story::{Told, say, shop, told};

/// Service, environment, version and status of each.
fn lines(list: &Value) -> Vec<String> {
    let line = |it: &Value| {
        let text = |name: &str| it[name].as_str().unwrap_or("?").to_owned();
        format!(
            "{} {} {} {}",
            text("service"),
            text("environment"),
            text("version"),
            text("status")
        )
    };
    list.as_array().unwrap().iter().map(line).collect()
}

async fn the_newest_that_runs_is_what_runs(bed: Bed) {
    told(&bed).await;
    let now = bed.json("/whats-running-where").await;
    let expected =
        ["cart test 2.0.0 RUNNING", "shop test 1.1.0 RUNNING", "shop prod 1.0.0 RUNNING"];
    assert_eq!(lines(&now), expected);
    for (query, expected) in [
        ("?environments=prod", vec!["shop prod 1.0.0 RUNNING"]),
        ("?environments=prod&environments=nowhere", vec!["shop prod 1.0.0 RUNNING"]),
        ("/shop", vec!["shop test 1.1.0 RUNNING", "shop prod 1.0.0 RUNNING"]),
        ("/none", vec![]),
        ("?at=2026-11-20T08:00Z", vec![]),
        ("?at=2026-11-20T09:30Z", vec!["shop test 1.0.0 RUNNING"]),
        // During the rollout the newer one counts as soon as something of it runs.
        ("/shop?at=2026-11-20T12:00:30Z&environments=test", vec!["shop test 1.0.0 RUNNING"]),
        ("/shop?at=2026-11-20T12:01:30Z&environments=test", vec!["shop test 1.1.0 RUNNING"]),
        ("/shop?at=2026-11-20T14:05Z&environments=prod", vec!["shop prod 1.1.0 RUNNING"]),
        ("/shop?at=2026-11-20T14:09Z&environments=prod", vec!["shop prod 1.0.0 RUNNING"]),
    ] {
        let list = bed.json(&format!("/whats-running-where{query}")).await;
        assert_eq!(lines(&list), expected, "{query}");
    }
    let shouted = bed.json("/cdp-portal-backend/Whats-Running-Where/shop").await;
    assert_eq!(lines(&shouted).len(), 2);
}

async fn running_services_tell_what_is_on_its_way_too(bed: Bed) {
    told(&bed).await;
    bed.push("cart", "2.1.0", &service("cart", "2.1.0")).await;
    let on_its_way =
        Told { place: "prod", service: "cart", version: "2.1.0", deployment: 2, task: 1 };
    say(&bed, [on_its_way.task("2026-11-20T17:59:00Z", None, None)]).await;
    let all = bed.json("/running-services").await;
    let expected = [
        "cart test 2.0.0 RUNNING",
        "cart prod 2.1.0 PENDING",
        "shop test 1.1.0 RUNNING",
        "shop prod 1.0.0 RUNNING",
    ];
    assert_eq!(lines(&all), expected);
    assert_eq!(lines(&bed.json("/whats-running-where").await).len(), 3);
    assert_eq!(lines(&bed.json("/running-services?status=pending").await), [expected[1]]);
    assert_eq!(lines(&bed.json("/running-services?service=shop").await), expected[2..]);
    let one = bed.json("/running-services/cart?environments=test&at=2026-11-20T16:00Z").await;
    assert_eq!(lines(&one), [expected[0]]);
}

async fn an_answer_is_kept_until_something_changes(bed: Bed) {
    told(&bed).await;
    let first = bed.get("/whats-running-where").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 10);
    let same = bed.send("GET", "/whats-running-where", &[("if-none-match", &tag)], "").await;
    assert_eq!((same.status, same.body.len()), (StatusCode::NOT_MODIFIED, 0));
    let gone = shop("prod", "1.0.0", 1, 1);
    let other = shop("prod", "1.0.0", 1, 2);
    let (made, ran) = ("2026-11-20T10:00:00Z", Some("2026-11-20T10:01:00Z"));
    let end = Some("2026-11-20T17:00:00Z");
    say(&bed, [gone.task(made, ran, end)]).await;
    let less = bed.json("/whats-running-where?environments=prod").await;
    assert_eq!(less[0]["runningCount"], 1, "what was told is seen at once");
    say(&bed, [other.task(made, ran, end)]).await;
    let none = bed.send("GET", "/whats-running-where", &[("if-none-match", &tag)], "").await;
    assert_eq!(none.status, StatusCode::OK);
    assert_eq!(lines(&none.json()), ["cart test 2.0.0 RUNNING", "shop test 1.1.0 RUNNING"]);
    // The past is as it was.
    let then = bed.json("/whats-running-where?environments=prod&at=2026-11-20T16:00Z").await;
    assert_eq!(then[0]["runningCount"], 2);
}

async fn environments_are_told_in_order(bed: Bed) {
    told(&bed).await;
    let held = Told { place: "prod", service: "dark", version: "1", deployment: 1, task: 1 };
    say(&bed, [held.task("2026-11-20T17:00:00Z", Some("2026-11-20T17:00:01Z"), None)]).await;
    let all = bed.json("/environments").await;
    let told = |it: &Value| {
        let numbers = ["services", "running", "held"].map(|name| it[name].as_u64().unwrap());
        (it["name"].as_str().unwrap().to_owned(), it["protected"] == true, numbers)
    };
    let told: Vec<_> = all.as_array().unwrap().iter().map(told).collect();
    assert_eq!(told, [("test".into(), false, [2, 2, 0]), ("prod".into(), true, [1, 2, 1])]);
    assert_eq!((&all[0]["account"], &all[0]["lastSweep"]), (&json!("111111111111"), &Value::Null));
    let early = bed.json("/environments?at=2026-11-20T09:30Z").await;
    assert_eq!((&early[0]["running"], &early[1]["running"]), (&json!(1), &json!(0)));
}

async fn environments_are_compared(bed: Bed) {
    told(&bed).await;
    let diff = bed.json("/diff/test/prod").await;
    let counts = ["same", "differ", "onlyA", "onlyB"].map(|name| diff[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 1, 0]);
    let services = diff["services"].as_array().unwrap();
    assert_eq!(services[0]["service"], "cart");
    assert_eq!((&services[0]["relation"], &services[0]["b"]), (&json!("onlyA"), &Value::Null));
    let shop = &services[1];
    assert_eq!((&shop["relation"], &shop["direction"]), (&json!("differ"), &json!("ahead")));
    let versions = (&shop["a"]["version"], &shop["b"]["version"]);
    assert_eq!(versions, (&json!("1.1.0"), &json!("1.0.0")));
    assert_eq!((&shop["b"]["commit"], &shop["b"]["tasks"]), (&json!("0123abcd"), &json!(2)));
    assert_eq!(shop["a"]["digests"], json!([service("shop", "1.1.0").digest()]));
    let before = bed.json("/diff/test/prod?at=2026-11-20T11:00Z").await;
    assert_eq!((&before["same"], &before["differ"]), (&json!(1), &json!(0)));
    let itself = bed.json("/diff/test/test?at=2026-11-20T11:00Z&atB=2026-11-20T13:00Z").await;
    assert_eq!(itself["services"][0]["direction"], "behind");
}

async fn a_history_says_what_became_of_a_service(bed: Bed) {
    told(&bed).await;
    let history = bed.json("/history/shop?environment=prod").await;
    let [failed, first] = history["history"].as_array().unwrap().as_slice() else {
        panic!("{history}")
    };
    for (name, expected) in [
        ("from", json!("2026-11-20T14:01:00.000Z")),
        ("until", json!("2026-11-20T14:09:00.000Z")),
        ("status", json!("FAILED")),
        ("previousVersion", json!("1.0.0")),
        ("commit", json!("0123abcd")),
        ("sourceUrl", json!("https://git.example/shop")),
    ] {
        assert_eq!(failed[name], expected, "{name}");
    }
    assert_eq!(
        (&first["from"], &first["until"]),
        (&json!("2026-11-20T10:01:00.000Z"), &Value::Null)
    );
    assert_eq!(bed.json("/history/shop?size=1&page=2").await["history"][0]["environment"], "test");
    assert_eq!(bed.json("/history/shop?at=2026-11-20T08:00Z").await["history"], json!([]));
    assert_eq!(bed.get("/history/none").await.status, StatusCode::NOT_FOUND);
}

async fn a_fact_leads_to_what_runs(bed: Bed) {
    told(&bed).await;
    let (old, new) = (service("shop", "1.0.0").digest(), service("shop", "1.1.0").digest());
    let lines = |found: &Value| -> Vec<String> {
        let line = |it: &Value| {
            let text = |name: &str| it[name].as_str().unwrap_or("?").to_owned();
            let many = it["tasks"].as_array().unwrap().len();
            assert_eq!(it["taskCount"], json!(many));
            format!("{} {} {} {many}", text("service"), text("environment"), text("version"))
        };
        found["found"].as_array().unwrap().iter().map(line).collect()
    };
    let everything = ["cart test 2.0.0 1", "shop test 1.1.0 1", "shop prod 1.0.0 2"];
    for (query, expected) in [
        (format!("digest={old}"), vec![everything[2]]),
        (format!("digest={old}&at=2026-11-20T11:00Z"), vec!["shop test 1.0.0 1", everything[2]]),
        (format!("digest={new}&at=2026-11-20T14:05Z"), vec![everything[1], "shop prod 1.1.0 1"]),
        (format!("digest={new}&at=2026-11-20T14:05Z&environment=prod"), vec!["shop prod 1.1.0 1"]),
        ("image=shop:1.1.0".into(), vec![everything[1]]),
        ("image=shop".into(), everything[1..].to_vec()),
        ("image=cart".into(), vec![everything[0]]),
        (format!("image=shop@{old}"), vec![everything[2]]),
        ("image=shop:9".into(), vec![]),
        ("commit=0123ABCD".into(), everything.to_vec()),
        ("commit=0123".into(), everything.to_vec()),
        ("commit=0124".into(), vec![]),
        ("path=/app/package.json".into(), everything.to_vec()),
        ("path=app".into(), everything.to_vec()),
        ("path=app/none".into(), vec![]),
        ("label=defra.cdp.service.name=cart".into(), vec![everything[0]]),
        ("label=defra.cdp.service.name=car".into(), vec![]),
        ("label=%25=cart".into(), vec![]),
    ] {
        let found = bed.json(&format!("/where?{query}")).await;
        assert_eq!(lines(&found), expected, "{query}");
    }
    let one = bed.json(&format!("/where?digest={old}")).await;
    assert_eq!((&one["tasks"], &one["images"]), (&json!(2), &json!(1)));
    let found = &one["found"][0];
    assert_eq!(found["since"], "2026-11-20T10:01:00.000Z");
    assert_eq!((&found["user"], &found["commit"]), (&json!("n/a"), &json!("0123abcd")));
    assert_eq!(found["deploymentId"], json!(shop("prod", "1.0.0", 1, 1).key()));
}

with_places!(
    the_newest_that_runs_is_what_runs,
    running_services_tell_what_is_on_its_way_too,
    an_answer_is_kept_until_something_changes,
    environments_are_told_in_order,
    environments_are_compared,
    a_history_says_what_became_of_a_service,
    a_fact_leads_to_what_runs,
);
