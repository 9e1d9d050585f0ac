//! Each command of `portolan assets`, with a repository.

use std::process::Command;

use serde_json::Value;

use super::Yard;

fn git(yard: &Yard, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(yard.path().join("repo")).args(arguments);
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "ann");
        command.env(format!("GIT_{who}_EMAIL"), "ann@example.com");
    }
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn commit(yard: &Yard, path: &str, text: &str) {
    let place = yard.path().join("repo").join(path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, text).unwrap();
    git(yard, &["add", "--all"]);
    git(yard, &["commit", "--quiet", "-m", "more"]);
}

fn yard() -> Yard {
    let yard = Yard::new();
    std::fs::create_dir(yard.path().join("repo")).unwrap();
    git(&yard, &["init", "--quiet", "."]);
    commit(&yard, "src/main.py", "print(1)\n");
    std::fs::create_dir(yard.path().join("out")).unwrap();
    std::fs::write(yard.path().join("out/app.zip"), "ZIP").unwrap();
    yard
}

const INPUTS: [&str; 6] = ["--repo", "repo", "--include", "src", "--key", "toolchain=1"];

/// How a command ended, what it answered, and what it said.
fn run(yard: &Yard, arguments: &[&str]) -> (i32, Value, String) {
    let output = yard.run(&[arguments, &["--output", "json"]].concat());
    let answer = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap_or(-1), answer, said)
}

fn with<'a>(first: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [first, more].concat()
}

#[test]
fn a_pipeline_builds_equal_inputs_once() {
    let yard = yard();
    let check = with(&["check", "--exit-code"], &INPUTS);
    let (code, answer, said) = run(&yard, &check);
    assert_eq!((code, answer["answer"].as_str()), (1, Some("missing")), "{said}");
    let outputs = yard.path().join("outputs");
    std::fs::write(&outputs, "before=1\n").unwrap();
    let upload = with(&["upload", "out", "--github-output", "outputs"], &INPUTS);
    let (code, answer, said) = run(&yard, &upload);
    assert_eq!((code, answer["outcome"].as_str()), (0, Some("written")), "{said}");
    // As `printf ZIP | openssl dgst -sha256 -binary | base64` prints it.
    let digest = "6spLMGkoiNAYOit3FDY3Z2kJQTEIznKAjXv3Q4Z5U2o=";
    let told = std::fs::read_to_string(&outputs).unwrap();
    assert_eq!(answer["set"]["files"][0]["path"], "app.zip");
    assert!(told.starts_with("before=1\noutcome=written\n"), "{told}");
    assert_eq!(answer["set"]["files"][0]["sha256Base64"], digest);
    assert!(told.contains(&format!("sha256={{\"app.zip\":\"{digest}\"}}\n")), "{told}");
    // What is not an input changes nothing.
    commit(&yard, "README", "hello\n");
    let (code, answer, said) = run(&yard, &with(&check, &["--github-output", "outputs"]));
    assert_eq!((code, answer["source"].as_str()), (0, Some("inputs")), "{said}");
    assert_eq!(answer["written"], true);
    let told = std::fs::read_to_string(&outputs).unwrap();
    assert!(told.contains("\nfound=true\nanswer=found\nsource=inputs\ninputs="), "{told}");
    assert_eq!(run(&yard, &check).1["source"], "commit");
    let (code, answer, said) = run(&yard, &["fetch", "HEAD", "to", "--repo", "repo"]);
    assert_eq!((code, answer["filesWritten"].as_u64()), (0, Some(1)), "{said}");
    assert_eq!(std::fs::read_to_string(yard.path().join("to/app.zip")).unwrap(), "ZIP");
    let (code, answer, said) = run(&yard, &["list"]);
    assert_eq!((code, answer["total"].as_u64()), (0, Some(2)), "{said}");
    // Another key, another build; another file, and it is told which.
    commit(&yard, "NOTES", "1");
    let other = ["--repo", "repo", "--include", "src", "--key", "toolchain=2"];
    let (_, answer, _) = run(&yard, &with(&["check"], &other));
    assert_eq!(answer["answer"], "missing");
    commit(&yard, "src/more.py", "print(2)\n");
    let (code, answer, said) = run(&yard, &with(&["explain"], &INPUTS));
    assert_eq!(code, 0, "{said}");
    let changed = serde_json::json!([{"name": "src/more.py", "difference": "added"}]);
    assert_eq!(answer["changedFiles"], changed);
    let (code, answer, said) = run(&yard, &["prune", "--unused-for", "30d", "--plan"]);
    assert_eq!((code, answer["kept"].as_u64()), (0, Some(2)), "{said}");
}

#[test]
fn what_cannot_be_done_ends_with_its_own_code() {
    let yard = yard();
    let (code, _, said) = run(&yard, &["check", "--repo", "repo", "--include", "srcs"]);
    assert!(code == 3 && said.contains("`srcs`") && said.contains("did you mean `src`"), "{said}");
    let (code, _, said) = run(&yard, &["fetch", &"a".repeat(40), "to"]);
    assert!(code == 4 && !yard.path().join("to").exists(), "{said}");
    assert_eq!(run(&yard, &["check", "--repo", "repo", "--commit", "nowhere"]).0, 4);
    assert_eq!(run(&yard, &["check", "--repo", "out"]).0, 3);
    assert_eq!(run(&yard, &with(&["upload", "out"], &INPUTS)).0, 0);
    // The same files, built otherwise: nobody is served them for that.
    let other = ["--repo", "repo", "--include", "src", "--key", "toolchain=2"];
    let again = yard.run(&with(&["upload", "out"], &other));
    let told = String::from_utf8(again.stdout).unwrap();
    assert!(again.status.success() && told.contains("variants of one commit"), "{told}");
    assert_eq!(run(&yard, &with(&["check"], &other)).1["passedOver"], "main");
    std::fs::write(yard.path().join("out/app.zip"), "other").unwrap();
    let (code, _, said) = run(&yard, &with(&["upload", "out"], &INPUTS));
    assert!(code == 5 && said.contains("`app.zip`"), "{said}");
    let (code, _, said) = run(&yard, &with(&["upload", "out", "--read-only"], &INPUTS));
    assert!(code == 3 && said.contains("read_only"), "{said}");
    // Nobody listens there.
    let nowhere = ["--url", "s3://nowhere", "--timeout", "1s"];
    let asked = with(&with(&["check"], &INPUTS), &nowhere);
    let output = yard
        .command(&with(&asked, &["--output", "json"]))
        .env("PORTOLAN_ASSETS_ENDPOINT", "http://127.0.0.1:9")
        .env("PORTOLAN_ASSETS_REGION", "eu-west-1")
        .envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), answer["answer"].as_str()), (Some(8), Some("unknown")));
    // A byte of a blob is another one.
    let blobs = yard.path().join("bucket/shop/main/blobs/sha256");
    for blob in std::fs::read_dir(blobs).unwrap() {
        std::fs::write(blob.unwrap().path(), "PIZ").unwrap();
    }
    let (code, answer, said) = run(&yard, &["verify", "HEAD", "--repo", "repo"]);
    assert_eq!((code, answer["whole"].as_bool()), (7, Some(false)), "{said}");
    assert_eq!(run(&yard, &["fetch", "HEAD", "to", "--repo", "repo"]).0, 7);
}

#[test]
fn a_pull_request_never_writes_what_main_finds() {
    let yard = yard();
    let proposed = |arguments: &[&str]| {
        let mut command = yard.command(&with(arguments, &["--output", "json"]));
        let output = command.env("GITHUB_EVENT_NAME", "pull_request").output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), answer, String::from_utf8(output.stderr).unwrap())
    };
    let (code, answer, said) = proposed(&with(&["upload", "out"], &INPUTS));
    assert_eq!((code, answer["set"]["scope"].as_str()), (Some(0), Some("pull-request")), "{said}");
    let (code, answer, said) = run(&yard, &with(&["check"], &INPUTS));
    assert_eq!((code, answer["answer"].as_str()), (0, Some("missing")), "{said}");
    let (code, _, said) = proposed(&with(&["upload", "out", "--scope", "main"], &INPUTS));
    assert!(code == Some(3) && said.contains("GITHUB_EVENT_NAME"), "{said}");
}

#[test]
fn who_has_no_key_is_not_believed() {
    let yard = yard();
    let (code, answer, said) = run(&yard, &["keygen", "main.pem"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(run(&yard, &["keygen", "main.pem"]).0, 5, "it is there");
    let secret = std::fs::read_to_string(yard.path().join("main.pem")).unwrap();
    let public = answer["publicKey"].as_str().unwrap();
    let file = format!("[assets]\nkeys = {{ main = [\"{public}\"] }}\n");
    std::fs::write(yard.path().join("portolan.toml"), &file).unwrap();
    assert_eq!(run(&yard, &with(&["upload", "out"], &INPUTS)).0, 0);
    let (code, _, said) = run(&yard, &with(&["check"], &INPUTS));
    assert!(code == 7 && said.contains("no signature"), "{said}");
    std::fs::write(yard.path().join("portolan.toml"), format!("{file}sign_with = \"main.pem\"\n"))
        .unwrap();
    commit(&yard, "src/b", "1");
    assert_eq!(run(&yard, &with(&["upload", "out"], &INPUTS)).0, 0);
    let (code, answer, said) = run(&yard, &with(&["check", "-vv"], &INPUTS));
    assert_eq!((code, answer["answer"].as_str()), (0, Some("found")), "{said}");
    let body = secret.lines().nth(1).unwrap();
    assert!(answer["set"]["signedBy"].is_string() && !said.contains(body));
}

#[test]
fn both_layouts_are_written_and_read_while_a_team_moves() {
    let yard = yard();
    let (code, _, said) = run(&yard, &with(&["upload", "out", "--legacy"], &INPUTS));
    assert_eq!(code, 0, "{said}");
    let stored = std::fs::read_dir(yard.path().join("bucket/artifacts")).unwrap();
    let stored: Vec<_> = stored.map(|entry| entry.unwrap().path().join("app.zip")).collect();
    assert!(stored.iter().any(|path| path.is_file()), "{stored:?}");
    // What only the original stored.
    std::fs::remove_dir_all(yard.path().join("bucket/shop")).unwrap();
    let (_, answer, said) = run(&yard, &with(&["check"], &INPUTS));
    assert_eq!(answer["answer"], "missing", "{said}");
    let (code, answer, said) = run(&yard, &with(&["check", "--legacy", "--exit-code"], &INPUTS));
    assert_eq!((code, answer["source"].as_str()), (0, Some("legacy")), "{said}");
    std::fs::create_dir(yard.path().join("out/deep")).unwrap();
    std::fs::write(yard.path().join("out/deep/x"), "").unwrap();
    let (code, _, said) = run(&yard, &with(&["upload", "out", "--legacy"], &INPUTS));
    assert!(code == 3 && said.contains("`deep/x`"), "{said}");
}
