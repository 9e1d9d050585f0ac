//! Commands against a server, and against the store that it left.

use std::time::Duration;

use portolan_testkit::process::Process;
use portolan_testkit::server::{Options, Server};
use serde_json::Value;

use crate::run::Place;

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");

/// A place with a file `package.json`, and an image with it in the server.
fn pushed(server: &Server) -> Place {
    let place = Place::new().with("PORTOLAN_SERVER", &server.url(""));
    std::fs::write(place.path().join("package.json"), "{}").unwrap();
    let arguments =
        ["image", "append", "--file", "package.json:/app/package.json", "shop/orders-api:1.0.0"];
    place.done(&arguments);
    server
        .eventually("/artifacts/shop/orders-api/1.0.0", Duration::from_secs(20), |answer| {
            answer.status == 200
        })
        .unwrap();
    place
}

#[test]
fn a_bare_name_is_in_the_server_s_registry() {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = pushed(&server);
    let list = place.done(&["image", "list"]);
    assert!(list.lines().nth(1).unwrap().starts_with("shop/orders-api     1       1  "), "{list}");
    assert_eq!(place.done(&["image", "cat", "shop/orders-api:1.0.0", "app/package.json"]), "{}");
    let files = place.done(&["image", "files", "shop/orders-api:1.0.0", "--kept"]);
    assert_eq!(files, "-0644      2 B kept app/package.json\n");
    let scanned = place.done(&["image", "scan", "shop/orders-api:1.0.0", "--output", "json"]);
    let scanned: Value = serde_json::from_str(&scanned).unwrap();
    assert_eq!(scanned["state"], "scanned");
    insta::assert_snapshot!(place.fails(4, &["image", "show", "shop/orders-api:none"]), @r"
    error: there is no image shop/orders-api:none
    hint: `portolan image list shop/orders-api` shows the tags that there are
    ");
    insta::assert_snapshot!(place.fails(4, &["image", "list", "shop/none"]), @r"
    error: there is no repository shop/none
    hint: `portolan image list` shows every repository
    ");
}

#[test]
fn a_tag_moves_in_the_registry_and_in_the_catalogue() {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = pushed(&server);
    let said = place.done(&["image", "tag", "shop/orders-api:1.0.0", "stable"]);
    assert!(said.starts_with("shop/orders-api:stable points to sha256:"), "{said}");
    let known = "/tags/history?repo=shop/orders-api&tag=stable";
    server.eventually(known, Duration::from_secs(20), |answer| answer.status == 200).unwrap();
    let remote = format!("{}/shop/orders-api", server.address());
    assert_eq!(place.done(&["image", "list", &remote]), "TAG\n1.0.0\nstable\n");
    let collected = place.done(&["registry", "gc", "--grace", "0s", "--output", "json"]);
    let collected: Value = serde_json::from_str(&collected).unwrap();
    assert_eq!((&collected["blobs"], &collected["plan"]), (&0.into(), &false.into()));
}

#[test]
fn the_store_answers_without_a_server() {
    let mut server = Server::start(BINARY, Options::default()).unwrap();
    let place = pushed(&server);
    server.process().terminate(Duration::from_secs(20)).unwrap();
    let data = server.data();
    let place = place
        .with("PORTOLAN_SERVER", "")
        .with("PORTOLAN_STORE_URL", &format!("sqlite:{}", data.join("portolan.db").display()))
        .with("PORTOLAN_BLOBS_URL", &format!("file:{}", data.join("blobs").display()));
    let shown = place.done(&["image", "show", "shop/orders-api:1.0.0", "--output", "json"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["state"], "scanned");
    place.done(&["image", "tag", "shop/orders-api:1.0.0", "stable"]);
    // The journal is acted on before the command ends: nobody else would.
    let tags = place.done(&["image", "list", "shop/orders-api", "--output", "json"]);
    let tags: Value = serde_json::from_str(&tags).unwrap();
    assert_eq!(tags["tags"].as_array().unwrap().len(), 2);
    let plan = place.done(&["registry", "gc", "--grace", "0s", "--plan"]);
    assert!(plan.starts_with("would remove 0 manifests, 0 blobs"), "{plan}");
}

#[test]
fn a_port_in_use_is_said_before_anything_is_made() {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = Place::new();
    let address = server.address();
    let said = place.fails(3, &["up", "--listen", &address, "--data", "d"]);
    insta::assert_snapshot!(said.replace(&address, "127.0.0.1:PORT"), @r"
    error: could not listen on 127.0.0.1:PORT
      because: Address already in use (os error 98)
    hint: something listens there already, perhaps Portolan itself: see http://127.0.0.1:PORT/ui/, or choose another port with --listen 127.0.0.1:0
    ");
    assert!(!place.path().join("d").exists());
    let checked = place.with("PORTOLAN_SERVER_LISTEN", &address).done(&["doctor"]);
    assert!(checked.contains(&format!("Portolan runs on {address}")), "{checked}");
}

#[test]
fn it_says_where_it_listens_and_stops_when_it_is_told() {
    let place = Place::new();
    let log = place.path().join("log");
    let command = place.command(&["up", "--listen", "127.0.0.1:0", "--data", "d"]);
    let mut process = Process::spawn("portolan", &command, &log).unwrap();
    process
        .wait_until(Duration::from_secs(30), || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("image list"))
        })
        .unwrap();
    let said = process.log();
    let url = said.lines().next().unwrap().strip_prefix("Portolan listens on ").unwrap().to_owned();
    assert!(said.contains(&format!("pages  {url}/ui/")), "{said}");
    assert!(said.contains("skopeo copy "), "{said}");
    let ready = portolan_testkit::http::Client::new().get(&format!("{url}/ready")).unwrap();
    assert_eq!(ready.status, 200);
    let status = process.terminate(Duration::from_secs(20)).unwrap();
    assert_eq!(status.code(), Some(0));
}
