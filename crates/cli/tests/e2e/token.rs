//! The door, with real clients: who has no token pulls and does not push.

use std::time::Duration;

use portolan_testkit::Browser;
use portolan_testkit::containers::Containers;
use portolan_testkit::layout::Layout;
use portolan_testkit::process::{self, Process};
use serde_json::Value;

use crate::images;
use crate::pages::{draw, open, quiet};
use crate::world::{BINARY, Engine, PATIENCE, World};

on_both_stores!(who_logs_in_may_push, podman_logs_in_and_out);

/// Runs the binary on the store of `world`, as somebody on the server's own machine, beside it.
fn beside(world: &World, arguments: &[&str]) -> String {
    let mut command = std::process::Command::new(BINARY);
    command.current_dir(world.data()).args(arguments).env("HOME", world.data());
    command.env("PORTOLAN_STORE_URL", world.store_url());
    command.env("PORTOLAN_BLOBS_URL", format!("file:{}", world.data().join("blobs").display()));
    process::output(&mut command).unwrap()
}

/// Makes a token beside the running server, and waits until that has seen it.
fn token(world: &World, name: &str, scope: &str) -> String {
    let token = beside(world, &["--quiet", "token", "create", name, "--scope", scope]);
    let token = token.trim().to_owned();
    assert!(token.starts_with("portolan_"), "a token alone is printed");
    std::thread::sleep(Duration::from_millis(1100));
    token
}

fn who_logs_in_may_push(engine: Engine) {
    let mut world = World::start(engine);
    let (owner, stranger) = (Containers::new().unwrap(), Containers::new().unwrap());
    let mut layout = Layout::create(&owner.home().join("made")).unwrap();
    layout.image("one", &images::service("orders-api", "1.0.0", "linux/amd64")).unwrap();
    let address = world.address();
    let remote = |tag: &str| format!("docker://{address}/shop/orders-api:{tag}");
    let push = |client: &Containers, tag: &str| {
        client.skopeo(&["copy", "--dest-tls-verify=false", &layout.name("one"), &remote(tag)])
    };
    push(&stranger, "before").unwrap();

    let ci = token(&world, "ci", "push");
    let refused = push(&stranger, "refused").unwrap_err().to_string();
    assert!(refused.contains("uthori") || refused.contains("denied"), "{refused}");
    // Wrong words are not taken for a login.
    let login = |client: &Containers, password: &str| {
        let login = ["login", "--tls-verify=false", "--username", "ci", "--password", password];
        client.skopeo(&[&login, &[address.as_str()][..]].concat())
    };
    assert!(login(&owner, "portolan_wrong").is_err());
    login(&owner, &ci).unwrap();
    push(&owner, "1.0.0").unwrap();
    world.artifact("shop/orders-api", "1.0.0");
    // Whoever has no login may still pull, on this machine.
    let pulled = format!("oci:{}:one", stranger.home().join("pulled").display());
    stranger.skopeo(&["copy", "--src-tls-verify=false", &remote("1.0.0"), &pulled]).unwrap();
    let delete = ["delete", "--tls-verify=false", &remote("1.0.0")];
    stranger.skopeo(&delete).unwrap_err();
    assert_eq!(world.get("/v2/shop/orders-api/manifests/refused").unwrap().status, 404);

    // A token that may only read does not push.
    let reader = token(&world, "reader", "read");
    login(&stranger, &reader).unwrap();
    push(&stranger, "refused").unwrap_err();
    assert_eq!(world.get("/v2/shop/orders-api/manifests/refused").unwrap().status, 404);

    // What was revoked lets nobody in.
    beside(&world, &["token", "revoke", "ci"]);
    std::thread::sleep(Duration::from_millis(1100));
    push(&owner, "refused").unwrap_err();
    assert!(login(&owner, &ci).is_err());
    owner.skopeo(&delete).unwrap_err();
    let log = world.process().log();
    assert!(!log.contains(&ci) && !log.contains(&reader));
}

fn podman_logs_in_and_out(engine: Engine) {
    let world = World::start(engine);
    let containers = Containers::new().unwrap();
    let (address, ci) = (world.address(), token(&world, "ci", "push"));
    let name = format!("{address}/tools/busybox:1.0.0");
    containers.build("FROM scratch\nCOPY busybox /bin/busybox\n", &name).unwrap();
    let push = ["push", "--quiet", "--tls-verify=false", &name];
    containers.podman(&push).unwrap_err();
    let login = ["login", "--tls-verify=false", "--username", "any", "--password", &ci, &address];
    containers.podman(&login).unwrap();
    containers.podman(&push).unwrap();
    world.artifact("tools/busybox", "1.0.0");
    containers.podman(&["logout", &address]).unwrap();
    containers.podman(&push).unwrap_err();
    containers.podman(&["rmi", &name]).unwrap();
    containers.podman(&["pull", "--quiet", "--tls-verify=false", &name]).unwrap();
}

#[test]
fn commands_send_the_token_they_are_given() {
    let world = World::start(Engine::Sqlite);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("package.json"), "{}").unwrap();
    let boss = token(&world, "boss", "admin");
    let run = |token: Option<&str>, arguments: &[&str]| {
        let mut command = std::process::Command::new(BINARY);
        command.current_dir(folder.path()).args(arguments).env("HOME", folder.path());
        command.env("PORTOLAN_SERVER", world.url(""));
        command.envs(token.map(|token| ("PORTOLAN_TOKEN", token)));
        process::output(&mut command)
    };
    let append =
        ["image", "append", "--file", "package.json:/app/package.json", "shop/orders-api:1.0.0"];
    assert!(run(None, &append).is_err());
    run(Some(&boss), &append).unwrap();
    world.artifact("shop/orders-api", "1.0.0");
    let refused = run(None, &["image", "scan", "shop/orders-api:1.0.0"]).unwrap_err().to_string();
    assert!(
        refused.contains("the scope `admin`") && refused.contains("PORTOLAN_TOKEN"),
        "{refused}"
    );
    run(Some(&boss), &["image", "scan", "shop/orders-api:1.0.0"]).unwrap();
    run(Some(&boss), &["image", "tag", "shop/orders-api:1.0.0", "stable"]).unwrap();
    // Reading needs none on this machine.
    run(None, &["image", "list"]).unwrap();

    let made =
        run(Some(&boss), &["token", "create", "ci", "--scope", "events,push", "--output=json"]);
    let made: Value = serde_json::from_str(&made.unwrap()).unwrap();
    let ci = made["token"].as_str().unwrap();
    let refused = run(Some(ci), &["token", "list"]).unwrap_err().to_string();
    assert!(refused.contains("has not the scope `admin`") && !refused.contains(ci), "{refused}");
    let listed = run(Some(&boss), &["token", "list"]).unwrap();
    assert!(listed.contains("events push") && !listed.contains("portolan_"), "{listed}");
    // A file does as well as a variable, and is not told.
    std::fs::write(folder.path().join("secret"), format!("{boss}\n")).unwrap();
    std::fs::write(folder.path().join("portolan.toml"), "[server]\ntoken_file = \"secret\"\n")
        .unwrap();
    run(None, &["token", "revoke", "ci"]).unwrap();
    let listed = run(None, &["token", "list", "--all", "--output", "json"]).unwrap();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&"ci".into(), &"revoked".into()));
    std::fs::write(folder.path().join("portolan.toml"), format!("[server]\ntoken = \"{boss}\"\n"))
        .unwrap();
    let shown = run(None, &["doctor", "--print-config"]).unwrap();
    assert!(shown.contains("\"***\"") && !shown.contains(&boss), "{shown}");
    run(None, &["token", "list"]).unwrap();
}

#[test]
fn all_addresses_are_listened_on_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let port = portolan_testkit::port::free().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = std::process::Command::new(BINARY);
        command.current_dir(folder.path()).args(arguments).env("HOME", folder.path());
        command
    };
    let listen = format!("0.0.0.0:{port}");
    let up = ["up", "--listen", &listen];
    let refused = process::output(&mut command(&up)).unwrap_err().to_string();
    assert!(refused.contains("portolan token create NAME --scope admin"), "{refused}");
    let create = ["--quiet", "token", "create", "boss", "--scope", "admin"];
    let boss = process::output(&mut command(&create)).unwrap();
    let log = folder.path().join("log");
    let mut server = Process::spawn("portolan", &command(&up), &log).unwrap();
    let client = portolan_testkit::http::Client::new();
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let ready = || client.get(&url("/ready")).is_ok_and(|answer| answer.status == 200);
    server.wait_until(Duration::from_secs(30), ready).unwrap();
    for path in ["/running-services", "/v2/", "/metrics", "/v2/_catalog"] {
        assert_eq!(client.get(&url(path)).unwrap().status, 401, "{path}");
        let bearer = format!("Bearer {}", boss.trim());
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(client.send("GET", &url(path), &headers, &[]).unwrap().status, 200, "{path}");
    }
    assert_eq!(client.get(&url("/ui/")).unwrap().header("location"), Some("/ui/login?to=/ui/"));
    server.terminate(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_reader_of_the_pages_logs_in_to_change_something() {
    let world = World::start(Engine::Sqlite);
    // Of an account that no environment has, and so dead.
    let event = serde_json::json!({
        "id": "x", "detail-type": "ECS Task State Change", "source": "aws.ecs",
        "account": "999999999999", "region": "eu-west-2", "time": "2026-11-02T10:00:00Z",
        "detail": { "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "containers": [] },
    });
    let body = event.to_string();
    let sent = world.client.send("POST", &world.url("/events"), &[], body.as_bytes()).unwrap();
    assert_eq!(sent.status, 202, "{}", sent.text());
    world.eventually("/events?dead", PATIENCE, |it| it.json().unwrap()["total"] == 1).unwrap();
    let boss = token(&world, "boss", "admin");

    let browser = Browser::start().unwrap();
    open(&browser, &world, "/ui/journal");
    browser.click("form.inline button").unwrap();
    browser.wait_for("h1", "Log in").unwrap();
    quiet(&browser);
    browser.find("input[name=token]").unwrap().keys("portolan_wrong").unwrap();
    browser.click("main form button").unwrap();
    browser.wait_for(".why", "not known").unwrap();
    // The browser tells of the 401, and of nothing else.
    let told = browser.console().unwrap();
    assert!(told.len() == 1 && told[0].contains("401"), "{told:?}");
    draw(&browser, "login");
    browser.find("input[name=token]").unwrap().keys(&boss).unwrap();
    browser.click("main form button").unwrap();
    browser.wait_for("h1", "Journal").unwrap();
    assert_eq!(browser.script("return document.cookie").unwrap(), "");

    open(&browser, &world, "/ui/journal");
    browser.click("form.inline button").unwrap();
    browser.wait_for("h1", "ecs-task").unwrap();
    open(&browser, &world, "/ui/login");
    browser.wait_for("main", "boss").unwrap();
    browser.click("form[action='/ui/logout'] button").unwrap();
    browser.wait_for("main", "Changes need a token").unwrap();
    open(&browser, &world, "/ui/journal");
    browser.click("form.inline button").unwrap();
    browser.wait_for("h1", "Log in").unwrap();
}
