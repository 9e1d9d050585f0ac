//! The built binary takes releases to environments on a fake of AWS: there, on, and back; by a server
//! and without one; killed in the middle.

use std::time::Duration;

use portolan_testkit::fake_ecs::Fate;

use crate::shop::Shop;

#[test]
fn a_release_goes_to_staging_to_production_and_back() {
    let (shop, _server) = Shop::served(None);
    let (first, second) = (shop.prepare("v1"), shop.prepare("v2"));
    let listed = shop.ended(0, &["release", "list"]).stdout;
    assert!(listed.contains(&first) && listed.contains("tag v2"), "{listed}");

    let plan = shop.ended(0, &["deploy", &second, "--env", "staging", "--plan"]).stdout;
    assert!(plan.contains("worker") && plan.contains("change"), "{plan}");
    let unasked = shop.ended(2, &["deploy", &second, "--env", "staging"]).stderr;
    assert!(unasked.contains("--yes"), "{unasked}");
    assert_eq!(shop.whole("staging"), 1, "nothing was done yet");

    let done = shop.ended(0, &["deploy", &second, "--env", "staging", "--yes"]);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert!(done.stderr.contains("ok     watch worker"), "{}", done.stderr);
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
    // What runs in staging goes to production.
    let promoted = shop.json(&["deploy", &second, "--env", "production", "--yes"]);
    assert_eq!((&promoted["state"], &promoted["createdBy"]), (&"succeeded".into(), &"ann".into()));
    assert_eq!(shop.whole("production"), 2);

    let digest = shop.fake.tagged("worker", "v3").unwrap();
    shop.fake.fate(&digest, Fate::Exits { code: 7, after: Duration::from_secs(3) });
    shop.fake.says(&digest, &["starting", "no database"]);
    let failed = shop.ended(6, &["release-deploy", "--tag", "v3", "--env", "staging", "--yes"]);
    for part in ["FAILED watch worker", "exited with 7", "main | no database", "was undone"] {
        assert!(failed.stderr.contains(part), "{part} in {}", failed.stderr);
    }
    assert!(failed.stdout.contains("rolled-back"), "{}", failed.stdout);
    shop.fake.settle_all().unwrap();
    assert_eq!(shop.whole("staging"), 2, "it was undone");

    let back = ["rollback", "--env", "production", "--to", &first, "--quarantine", "--yes"];
    shop.ended(0, &back);
    assert_eq!(shop.whole("production"), 1);
    let refused = shop.ended(5, &["deploy", &second, "--env", "production", "--yes"]).stderr;
    assert!(refused.contains("quarantine"), "{refused}");
    shop.ended(0, &["release", "quarantine", &second, "--lift"]);
    let shown = shop.ended(0, &["release", "show", &second]).stdout;
    assert!(shown.contains("production") && shown.contains("succeeded"), "{shown}");
    shop.ended(0, &["rollback", "--env", "production", "--yes"]);
    assert_eq!(shop.whole("production"), 2, "without --to, what was there before");
    shop.ended(4, &["deploy", &second, "--env", "mars", "--yes"]);
}

#[test]
fn a_server_that_is_killed_goes_on_when_it_starts_again() {
    let (shop, mut server) = Shop::served(Some("rollout.after-act:4"));
    let second = shop.prepare("v2");
    shop.ended(0, &["deploy", &second, "--env", "staging", "--yes", "--no-wait"]);
    server.process().wait(Duration::from_secs(20)).unwrap();
    server.restart().unwrap();
    let done = shop.ended(0, &["confirm", "last", "--timeout", "60s"]);
    assert!(done.stdout.contains("succeeded"), "{done:?}");
    assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1));
}

#[test]
fn without_a_server_the_command_does_it_and_the_next_one_what_it_left() {
    let places = [
        "before-act:1",
        "after-act:4",
        "after-step:5",
        "before-act:8",
        "after-act:10",
        "before-end:1",
    ];
    for place in places {
        let shop = Shop::new();
        let second = shop.prepare("v2");
        let deploy = ["deploy", second.as_str(), "--env", "staging", "--yes"];
        let failpoint = format!("rollout.{place}");
        let killed = shop.run_with(&deploy, &[("PORTOLAN_FAILPOINT", &failpoint)]);
        assert_eq!(killed.code, -1, "{place}: {killed:?}");
        let done = shop.ended(0, &["confirm", "last", "--timeout", "60s"]);
        assert!(done.stdout.contains("succeeded"), "{place}: {done:?}");
        assert_eq!((shop.whole("staging"), shop.whole("production")), (2, 1), "{place}");
        let nothing = shop.ended(0, &["deploy", "latest", "--env", "staging", "--plan"]).stdout;
        assert!(nothing.contains("there is nothing to do"), "{place}: {nothing}");
    }
}

#[test]
fn two_must_agree_where_that_is_asked_for() {
    let shop = Shop::new();
    shop.protect();
    let second = shop.prepare("v2");
    let deploy = ["deploy", second.as_str(), "--env", "production", "--yes", "--timeout", "2s"];
    let waiting = shop.ended(8, &deploy).stderr;
    assert!(waiting.contains("waits for a second person"), "{waiting}");
    shop.ended(5, &["confirm", "last", "--approve"]);
    shop.ended(0, &["confirm", "last", "--approve", "--by", "ben"]);
    assert_eq!(shop.whole("production"), 2);
}
