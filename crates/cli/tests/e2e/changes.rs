//! What a release changes, told by the built binary: commits from the checkout it is prepared in, and
//! files of images that were scanned.

use std::path::Path;
use std::process::Command;

use portolan_testkit::Server;
use portolan_testkit::server::Options;
use serde_json::Value;

use crate::shop::Shop;

/// git in `folder`, by somebody, whatever this machine's configuration says. All is committed in one
/// second, as a rebase does: which commit came after which is told by their parents.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=ann", "-c", "user.email=ann@shop.example"]);
    command.args(arguments).current_dir(folder);
    command.env("GIT_COMMITTER_DATE", "1790000000 +0000");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(folder: &Path, subject: &str) -> String {
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", subject]);
    git(folder, &["rev-parse", "HEAD"])
}

#[test]
fn the_commits_between_what_runs_and_what_shall_run_are_told() {
    let shop = Shop::new();
    let folder = shop.folder.path();
    git(folder, &["init", "--quiet"]);
    let first = commit(folder, "Open the shop");
    commit(folder, "Sell ships");
    let second = commit(folder, "Sell charts \u{1b}[31mof the sea");
    for (image, builds) in [("api", [&first, &second]), ("worker", [&first, &second])] {
        for (version, built) in builds.into_iter().enumerate() {
            let tag = format!("ref.{built}");
            let content = format!("{image} {}", version + 1);
            shop.fake.push(image, &content, &[&tag]).unwrap();
        }
    }
    let prepared = |commit: &str| {
        let made = shop.json(&["release", "prepare", "--commit", commit]);
        made["id"].as_str().unwrap().to_owned()
    };
    let one = prepared(&first);
    shop.ended(0, &["deploy", &one, "--env", "staging", "--yes"]);
    let two = prepared(&second);

    let plan = shop.ended(0, &["deploy", &two, "--env", "staging", "--plan"]).stdout;
    let told = "commits of api, worker:\n";
    let lines: Vec<&str> = plan.split_once(told).expect(&plan).1.lines().take(2).collect();
    assert_eq!(lines[0], format!("  + {} Sell charts [31mof the sea (ann)", &second[..8]));
    assert!(lines[1].contains("Sell ships (ann)"), "{plan}");
    shop.ended(0, &["deploy", &two, "--env", "staging", "--yes"]);

    let changes = shop.json(&["release", "changes", &two]);
    assert_eq!(changes["against"], one.as_str());
    let span = &changes["images"][0]["commits"];
    assert_eq!((&span["gainedTotal"], &span["whole"]), (&2.into(), &true.into()), "{changes}");
    assert_eq!(span["gained"][0]["id"], second.as_str());
    let back = shop.json(&["release", "changes", &one, "--env", "staging"]);
    let span = &back["images"][1]["commits"];
    assert_eq!((&span["gainedTotal"], &span["lostTotal"]), (&0.into(), &2.into()), "{back}");
    let back = shop.ended(0, &["release", "changes", &one, "--env", "staging"]).stdout;
    assert!(back.contains("against what runs in staging") && back.contains("  - "), "{back}");
    let same = shop.ended(0, &["release", "changes", &two, "--env", "staging"]).stdout;
    assert!(same.contains("api: the same,"), "{same}");
    let first = shop.ended(0, &["release", "changes", &one]).stdout;
    assert!(first.contains("against nothing") && first.contains("api: new,"), "{first}");
    shop.ended(4, &["release", "changes", &one, "--env", "mars"]);
    shop.ended(2, &["release", "changes", &one, "--env", "staging", "--against", &two]);
}

#[test]
fn a_release_is_prepared_where_no_commit_is_known() {
    let shop = Shop::new();
    shop.fake.push("api", "api 1", &[&format!("ref.{}", "a".repeat(40))]).unwrap();
    let one = shop.prepare("v1");
    let two = shop.prepare("v2");
    let changes = shop.json(&["release", "changes", &two, "--against", &one]);
    for image in changes["images"].as_array().unwrap() {
        assert_eq!((&image["commits"], &image["files"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn the_files_that_a_release_changes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("portolan.toml");
    std::fs::write(
        &config,
        "[projects.shop.images.api]\nrepository = \"shop/api\"\nservices = [\"api\"]\n\
         [projects.shop.environments]\nstaging = { runs = \"local\" }\n",
    )
    .unwrap();
    let environment = vec![("PORTOLAN_CONFIG".to_owned(), config.display().to_string())];
    let options = Options { environment, ..Options::default() };
    let server = Server::start(env!("CARGO_BIN_EXE_portolan"), options).unwrap();
    let host = server.url("").trim_start_matches("http://").trim_end_matches('/').to_owned();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.args(["--server", &server.url("")]).args(arguments);
        let output = command.current_dir(folder.path()).env("USER", "ann").output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let files = [("one", "lock 1"), ("two", "lock 2"), ("same", "same")];
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let append = |tag: &str, files: &[&str]| {
        let name = format!("{host}/shop/api:{tag}");
        let mut arguments = vec!["image", "append", "--base", "scratch"];
        arguments.extend(files.iter().flat_map(|file| ["--file", file]));
        arguments.push(&name);
        run(&arguments);
        run(&["image", "scan", &format!("shop/api:{tag}")]);
    };
    append("v1", &["one:/app/lock", "same:/app/same", "same:/app/old"]);
    append("v2", &["two:/app/lock", "same:/app/same", "same:/app/new"]);
    run(&["release", "prepare", "--tag", "v1"]);
    run(&["release", "prepare", "--tag", "v2"]);
    let told = run(&["release", "changes", "latest"]);
    for line in ["files: 1 added, 1 changed, 1 removed", "~ app/lock", "+ app/new", "- app/old"] {
        assert!(told.contains(line), "{line} in {told}");
    }
    assert!(!told.contains("app/same"), "{told}");
}
