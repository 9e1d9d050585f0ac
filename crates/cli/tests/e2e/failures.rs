//! What a person sees when a deployment goes wrong: what failed, why, what runs now, what to do.

use std::time::Duration;

use portolan_testkit::fake_ecs::Fate;
use serde_json::json;

use crate::shop::{Ended, Shop};

/// Deploys version 2 to staging, of whose worker becomes what `fate` says.
fn deploy(shop: &Shop, fate: Fate) -> (String, Ended) {
    let digest = shop.fake.tagged("worker", "v2").unwrap();
    shop.fake.fate(&digest, fate);
    shop.fake.says(&digest, &["starting", "no database"]);
    let second = shop.prepare("v2");
    let ended = shop.ended(6, &["deploy", &second, "--env", "staging", "--yes"]);
    shop.fake.settle_all().unwrap();
    (second, ended)
}

/// That all of it is said on standard error.
fn says(ended: &Ended, parts: &[&str]) {
    for part in parts {
        assert!(ended.stderr.contains(part), "`{part}` in:\n{}", ended.stderr);
    }
}

/// Shows all of it to whoever looks at the test's output.
#[expect(clippy::print_stdout, reason = "what a person sees is to be seen")]
fn shown(ended: &Ended) {
    println!("{}{}exit code {}", ended.stderr, ended.stdout, ended.code);
}

#[test]
fn a_circuit_breaker_that_fires() {
    let shop = Shop::new();
    let (release, ended) = deploy(&shop, Fate::Exits { code: 7, after: Duration::from_secs(3) });
    says(
        &ended,
        &[
            "FAILED watch worker: service worker:",
            "circuit breaker",
            "stopped: Essential container in task exited",
            " likewise",
            "main: exited with 7",
            "main | no database",
            "staging now: api, web, worker run what was there before",
            "error: it failed and was undone",
            &format!("portolan release quarantine {release}"),
        ],
    );
    assert_eq!(shop.whole("staging"), 1);
    shown(&ended);
}

#[test]
fn a_task_that_exits_where_no_circuit_breaker_is() {
    let shop = Shop::with_breaker(None);
    let (_, ended) = deploy(&shop, Fate::Exits { code: 1, after: Duration::from_secs(3) });
    says(
        &ended,
        &[
            "of its tasks failed, and it does not come up",
            "main: exited with 1",
            "main | no database",
            "staging now: api, web, worker run what was there before",
        ],
    );
    assert_eq!(shop.whole("staging"), 1);
    shown(&ended);
}

#[test]
fn a_secret_that_is_missing() {
    let shop = Shop::new();
    let (_, ended) = deploy(&shop, Fate::NoSecret);
    says(&ended, &["ResourceInitializationError", "secret", "staging now: api, web, worker run"]);
    assert_eq!(shop.whole("staging"), 1);
    shown(&ended);
}

#[test]
fn an_image_that_is_deleted_between_plan_and_apply() {
    let shop = Shop::new();
    shop.protect();
    let second = shop.prepare("v2");
    let deploy = ["deploy", &second, "--env", "production", "--yes", "--timeout", "1s"];
    shop.ended(8, &deploy);
    let digest = shop.fake.tagged("worker", "v2").unwrap();
    let asked = json!({ "repositoryName": "worker", "imageIds": [{ "imageDigest": digest }] });
    shop.fake.call("BatchDeleteImage", &asked).unwrap();
    let ended = shop.ended(5, &["confirm", "last", "--approve", "--by", "ben"]);
    says(
        &ended,
        &[
            "error: nothing was done: image worker: sha256:",
            "is not in",
            &format!("portolan deploy {second} --env production --plan"),
        ],
    );
    assert_eq!(shop.whole("production"), 1);
    shown(&ended);
}

#[test]
fn too_many_calls() {
    let shop = Shop::new();
    shop.fake.throttle_every(4);
    let second = shop.prepare("v2");
    let ended = shop.ended(0, &["deploy", &second, "--env", "staging", "--yes"]);
    assert_eq!(shop.whole("staging"), 2);
    shown(&ended);
    // And where it does not end.
    shop.fake.forgive();
    let third = shop.prepare("v3");
    let said = "Rate exceeded";
    shop.fake.refuse("UpdateService", "ThrottlingException", said, usize::MAX);
    let ended = shop.ended(6, &["deploy", &third, "--env", "staging", "--yes"]);
    says(&ended, &["waits", "Rate exceeded", "does not go on", "portolan confirm"]);
    shop.fake.forgive();
    shop.ended(0, &["confirm", "last"]);
    assert_eq!(shop.whole("staging"), 3);
    shown(&ended);
}

#[test]
fn credentials_that_expire_in_the_middle() {
    let shop = Shop::new();
    let second = shop.prepare("v2");
    let (ended, ()) = std::thread::scope(|scope| {
        let deploy =
            scope.spawn(|| shop.ended(6, &["deploy", &second, "--env", "staging", "--yes"]));
        let mut changed = 0;
        while changed < 2 {
            changed += shop.fake.counts().get("UpdateService").copied().unwrap_or_default();
            std::thread::sleep(Duration::from_millis(1));
        }
        for action in ["UpdateService", "DescribeServices", "PutImage", "ListTasks"] {
            let said = "The security token included in the request is expired";
            shop.fake.refuse(action, "ExpiredTokenException", said, usize::MAX);
        }
        (deploy.join().unwrap(), ())
    });
    says(
        &ended,
        &[
            "ExpiredTokenException",
            "renew them",
            "is not at its end, and does not go on",
            "staging now: api, web may run some of both",
            "portolan confirm",
        ],
    );
    shown(&ended);
    shop.fake.forgive();
    shop.ended(0, &["confirm", "last"]);
    assert_eq!(shop.whole("staging"), 2);
}
