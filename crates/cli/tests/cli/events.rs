//! The journal: events taken in from files, listed, replayed.

use std::process::Stdio;

use portolan_testkit::server::{Options, Server};
use serde_json::{Value, json};

use crate::run::{Ended, Place};

const BINARY: &str = env!("CARGO_BIN_EXE_portolan");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An event with an identity that is of no interest.
fn event(id: usize) -> Value {
    json!({ "id": format!("e-{id}"), "detail-type": "ECS Service Action", "detail": {} })
}

fn ingest(place: &Place, content: &str) -> Ended {
    std::fs::write(place.path().join("events"), content).unwrap();
    place.run(&["events", "ingest", "events", "--output", "json"])
}

#[test]
fn a_file_is_taken_in_once_in_each_of_its_forms() {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = Place::new().with("PORTOLAN_SERVER", &server.url(""));
    let events: Vec<Value> = (0..1200).map(event).collect();
    let lines = events.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let array = serde_json::to_string_pretty(&events).unwrap();
    let ended = ingest(&place, &lines);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    assert_eq!(json(&ended.stdout), json!({ "recorded": 1200, "repeated": 0, "refused": 0 }));
    let ended = ingest(&place, &lines);
    assert_eq!(json(&ended.stdout), json!({ "recorded": 0, "repeated": 1200, "refused": 0 }));
    // The bytes are others, and so is the event by the journal's rule, but not its number.
    let ended = ingest(&place, &array);
    assert_eq!(json(&ended.stdout)["refused"], 0, "{}", ended.stdout);
    let list = place.done(&["events", "list", "--limit", "2", "--output", "json"]);
    assert_eq!(json(&list)["events"].as_array().unwrap().len(), 2);
}

#[test]
fn a_bad_line_is_told_and_the_others_are_taken() {
    let server = Server::start(BINARY, Options::default()).unwrap();
    let place = Place::new().with("PORTOLAN_SERVER", &server.url(""));
    let nested = format!("{}1{}", "[".repeat(9), "]".repeat(9));
    let content = format!("{}\ngarbage\n{{\"a\":{nested}}}\n[{nested}]\n{}\n", event(1), event(2));
    let ended = ingest(&place, &content);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(json(&ended.stdout), json!({ "recorded": 3, "repeated": 0, "refused": 2 }));
    assert!(ended.stderr.contains("line 2: not JSON: expected value"), "{}", ended.stderr);
    assert!(ended.stderr.contains("line 4: the event is wrapped more"), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: 2 events of events refused"), "{}", ended.stderr);
    let said = place.fails(4, &["events", "ingest", "none"]);
    assert!(said.contains("could not read none"), "{said}");
}

#[test]
fn dead_events_are_listed_shown_and_replayed() {
    let mut server = Server::start(BINARY, Options::default()).unwrap();
    let data = server.data().clone();
    server.process().terminate(std::time::Duration::from_secs(20)).unwrap();
    let place = Place::new()
        .with("PORTOLAN_STORE_URL", &format!("sqlite:{}", data.join("portolan.db").display()))
        .with("PORTOLAN_BLOBS_URL", &format!("file:{}", data.join("blobs").display()));
    let mut command = place.command(&["events", "ingest", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"{\"hello\": \"w\\u0007rld\"}\n").unwrap();
    drop(stdin);
    let ended = place.ended(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "recorded 1 event\n"), "{}", ended.stderr);
    // Without a server, the journal is acted on before the command ends.
    let dead = json(&place.done(&["events", "list", "--dead", "--output", "json"]));
    assert_eq!(
        (&dead["total"], &dead["events"][0]["kind"]),
        (&json!(1), &json!("other")),
        "{dead}"
    );
    let id = dead["events"][0]["id"].as_str().unwrap();
    let table = place.done(&["events", "list"]);
    assert!(table.starts_with("ID ") && table.contains(id) && table.contains("dead"), "{table}");
    let shown = place.done(&["events", "show", id]);
    assert!(shown.contains("reason    no kind of event"), "{shown}");
    assert!(shown.contains("\"hello\"") && !shown.contains('\u{7}'), "{shown}");
    assert_eq!(place.done(&["events", "replay", id]), "replayed 1 event\n");
    assert_eq!(place.done(&["events", "replay", "--dead"]), "replayed 1 event\n");
    let replayed = place.done(&["events", "replay", "--dead", "--kind", "s3", "--output", "json"]);
    assert_eq!(json(&replayed), json!({ "replayed": 0 }));
    for (code, arguments) in [
        (4, &["events", "show", "none"][..]),
        (4, &["events", "replay", "none"]),
        (2, &["events", "replay"]),
        (2, &["events", "replay", "--dead", id]),
        (2, &["events", "list", "--state", "asleep"]),
        (2, &["events", "ingest", "-", "--key", "a b"]),
    ] {
        place.fails(code, arguments);
    }
}
