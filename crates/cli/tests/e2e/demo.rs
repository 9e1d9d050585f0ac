//! `portolan demo`: the whole story without an engine and with podman, killed and told again.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::containers::Containers;
use portolan_testkit::http::Client;
use portolan_testkit::process::Process;
use serde_json::Value;

/// How long a story may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(5);

struct Told {
    code: i32,
    steps: Vec<Value>,
    stderr: String,
}

impl Told {
    fn titles(&self) -> Vec<&str> {
        self.steps.iter().map(|step| step["title"].as_str().unwrap()).collect()
    }

    /// The only step whose title has this in it.
    fn step(&self, part: &str) -> &Value {
        let titles = self.titles();
        let mut found = self.steps.iter().filter(|it| it["title"].as_str().unwrap().contains(part));
        let step = found.next().unwrap_or_else(|| panic!("no {part} in {titles:?}"));
        assert!(found.next().is_none(), "{part} in {titles:?}");
        step
    }
}

/// The command in a folder of its own, with nothing of the developer's.
fn command(folder: &Path, engine: Option<&Containers>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.current_dir(folder);
    if let Some(containers) = engine {
        command.envs(containers.environment());
    } else {
        // Nothing to be found there.
        command.env_clear().env("PATH", folder);
    }
    command.env("HOME", folder).env("USER", "ann");
    command.args(["demo", "--output", "json"]);
    command
}

fn tell(folder: &Path, engine: Option<&Containers>) -> Told {
    let mut command = command(folder, engine);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Told {
        code: output.status.code().unwrap_or(-1),
        steps: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What runs of `pilot` after a step: version, tasks, and whether it is but recorded.
fn pilot(step: &Value) -> (String, u64, bool) {
    let running = step["answer"]["running"].as_array().unwrap();
    let pilot = running.iter().find(|it| it["service"] == "pilot").unwrap();
    let version = pilot["version"].as_str().unwrap().to_owned();
    (version, pilot["runningCount"].as_u64().unwrap(), pilot["recordedOnly"] == true)
}

fn version(version: &str) -> (String, u64, bool) {
    (version.to_owned(), 2, false)
}

#[test]
fn without_an_engine_the_story_is_told_twice_and_says_that_it_is_recorded_only() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let told = tell(folder.path(), None);
        assert_eq!(told.code, 0, "{:?}: {}", told.titles(), told.stderr);
        let staged = told.step("2.0.0 is deployed to staging");
        assert_eq!(pilot(staged), ("2.0.0".to_owned(), 2, true));
        let notes = staged["answer"]["notes"].to_string();
        assert!(notes.contains("recorded only") && notes.contains("no podman"), "{notes}");
        let differs = told.step("What differs");
        assert_eq!(differs["answer"]["diff"]["differ"], 1);
        let changes = differs["answer"]["packages"].to_string();
        assert!(changes.contains("lodash 4.17.20 -> 4.17.21"), "{changes}");
        let back = told.step("How do we go back?");
        assert_eq!(pilot(back), ("1.0.0".to_owned(), 2, true));
        let history = told.step("What became of pilot");
        let chapters = history["answer"]["history"].as_array().unwrap();
        let versions: Vec<_> = chapters.iter().map(|it| it["version"].clone()).collect();
        assert_eq!(versions, ["1.0.0", "2.0.0", "1.0.0"]);
        assert!(chapters.iter().all(|it| it["user"] == "ann"), "{chapters:?}");
    }
}

#[test]
fn with_podman_a_bad_version_is_taken_back_and_nothing_is_left() {
    let containers = Containers::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let told = tell(folder.path(), Some(&containers));
    assert_eq!(told.code, 0, "{:?}: {}", told.titles(), told.stderr);
    assert_eq!(pilot(told.step("2.0.0 is deployed to staging")), version("2.0.0"));
    let failed = told.step("fails in production");
    assert_eq!(failed["answer"]["rollout"]["state"], "rolled-back");
    let why = failed["answer"]["rollout"].to_string();
    assert!(why.contains("ended with 3") && why.contains("TIDES_URL is not set"), "{why}");
    assert_eq!(pilot(failed), version("1.0.0"));
    assert_eq!(pilot(told.step("2.0.1 is promoted")), version("2.0.1"));
    assert_eq!(pilot(told.step("How do we go back?")), version("1.0.0"));
    let left = containers.podman(&["ps", "--all", "--quiet"]).unwrap();
    assert_eq!(left, "", "all containers are gone");
}

#[test]
fn one_that_is_killed_is_told_again_and_every_page_of_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let start = |failpoint: Option<&str>, log: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
        command.current_dir(folder.path()).env("HOME", folder.path());
        command.env("PORTOLAN_FAILPOINT", failpoint.unwrap_or_default());
        command.args(["demo", "--record", "--stay", "--output", "json"]);
        Process::spawn("demo", &command, &folder.path().join(log)).unwrap()
    };
    let mut killed = start(Some("rollout.after-act:5"), "first");
    killed.wait(PATIENCE).unwrap();
    assert!(!killed.log().contains("How do we go back?"), "{}", killed.log());

    let mut stays = start(None, "second");
    let deadline = Instant::now() + PATIENCE;
    while !stays.log().contains("What became of pilot") {
        assert!(Instant::now() < deadline && stays.exited().is_none(), "{}", stays.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    // A second one in the same place is refused.
    let refused = tell(folder.path(), None);
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    let told = stays.log();
    let steps = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let pages: Vec<String> =
        steps.filter_map(|step| Some(step["page"].as_str()?.to_owned())).collect();
    assert!(pages.len() > 8, "{told}");
    let client = Client::new();
    for page in &pages {
        let answer = client.get(page).unwrap();
        assert_eq!(answer.status, 200, "{page}");
    }
    let wall = client.get(&pages[0].replace("/ui/images", "/ui/")).unwrap().text();
    assert!(wall.contains("recorded only"), "{wall}");
    assert!(stays.terminate(Duration::from_secs(30)).unwrap().success());
}
