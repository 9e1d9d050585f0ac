//! The configuration from outside: what is printed, and what wins.

use crate::run::Place;

#[test]
fn the_printed_default_is_a_configuration() {
    let place = Place::new();
    let text = place.done(&["config", "default"]);
    std::fs::write(place.path().join("portolan.toml"), &text).unwrap();
    let shown = place.done(&["doctor", "--print-config"]);
    for line in shown.lines().skip(1) {
        assert!(line.contains("DIR/portolan.toml:"), "{line}");
    }
}

#[test]
fn each_value_says_where_it_came_from() {
    let place = Place::new()
        .with("PORTOLAN_STORE_URL", "postgres://portolan:hunter2@db.example/portolan")
        .with("PORTOLAN_WORKERS_JOBS", "7");
    let file = "[workers]\njobs = 3\nattempts = 5\n[registry]\ninsecure = [\"r.example\"]\n";
    std::fs::write(place.path().join("portolan.toml"), file).unwrap();
    let shown = place.done(&["doctor", "--print-config", "--data", "d"]);
    assert!(!shown.contains("hunter2"));
    insta::assert_snapshot!(shown);
    let json = place.done(&["doctor", "--print-config", "--output", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let jobs = json.as_array().unwrap().iter().find(|row| row["key"] == "workers.jobs").unwrap();
    insta::assert_json_snapshot!(jobs);
}

#[test]
fn a_file_is_named_by_flag_or_variable() {
    let place = Place::new().with("PORTOLAN_CONFIG", "other.toml");
    std::fs::write(place.path().join("other.toml"), "[workers]\njobs = 3\n").unwrap();
    std::fs::write(place.path().join("third.toml"), "[workers]\njobs = 4\n").unwrap();
    assert!(place.done(&["doctor", "--print-config"]).contains("other.toml:2"));
    let shown = place.done(&["doctor", "--print-config", "--config", "third.toml"]);
    assert!(shown.contains("third.toml:2"));
}

#[test]
fn what_is_wrong_in_the_file_is_said_with_its_line() {
    let place = Place::new();
    let file = place.path().join("portolan.toml");
    std::fs::write(&file, "[server]\nlisen = \"127.0.0.1:1\"\n").unwrap();
    insta::assert_snapshot!(place.fails(3, &["up"]), @r"
    error: DIR/portolan.toml:2: there is no configuration key `server.lisen`
    hint: did you mean `server.listen`?
    ");
    std::fs::write(&file, "[store]\nconnections = \"eight\"\n").unwrap();
    insta::assert_snapshot!(place.fails(3, &["image", "list"]), @r"
    error: DIR/portolan.toml:2: `store.connections` must be a whole number that is not negative, not a text
    hint: `portolan config default` shows every section and key
    ");
    insta::assert_snapshot!(place.fails(3, &["up", "--config", "none.toml"]), @r"
    error: could not read the configuration file DIR/none.toml
      because: No such file or directory (os error 2)
    hint: `portolan config default > portolan.toml` makes one
    ");
}

#[test]
fn a_doctor_tells_what_is_wrong_and_ends_with_3() {
    let place = Place::new().with("PORTOLAN_BLOBS_URL", "file:/proc/blobs");
    let ended = place.run(&["doctor"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(ended.stderr, "error: one thing is wrong\n");
    let wrong: Vec<_> = ended.stdout.lines().filter(|line| line.starts_with("WRONG")).collect();
    assert!(matches!(&wrong[..], [line] if line.contains("/proc")), "{}", ended.stdout);
    let ended = place.run(&["doctor", "--output", "json"]);
    let checks: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let names: Vec<_> =
        checks.as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    let expected = ["configuration", "store", "blobs", "address", "logins", "registry", "tools"];
    assert_eq!(names, expected);
}
