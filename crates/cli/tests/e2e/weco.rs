//! `weco-deploy` by name, beside the original in the same world.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use portolan_testkit::fake_ecs::Fate;
use portolan_testkit::weco::{World, WorldImage, WorldService, repository};
use serde_json::{Value, json};

use crate::world::BINARY;

const RELEASE_DEPLOY: &[&str] = &[
    "--confirm",
    "release-deploy",
    "--from-label",
    "latest",
    "--environment-id",
    "stage",
    "--description",
    "try",
    "--confirmation-wait-for",
    "30",
    "--confirmation-interval",
    "1",
];

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// The binary under the name `weco-deploy`.
fn linked(world: &World) -> PathBuf {
    let path = world.path().join("weco-deploy");
    if !path.exists() {
        std::os::unix::fs::symlink(BINARY, &path).unwrap();
    }
    path
}

fn command(world: &World, arguments: &[&str]) -> Command {
    world.command(&linked(world), arguments)
}

fn ours(world: &World, arguments: &[&str]) -> Ended {
    ended(command(world, arguments).output().unwrap())
}

fn original(world: &World, arguments: &[&str]) -> Ended {
    ended(world.original(arguments).unwrap().output().unwrap())
}

/// What it says, with what differs between two runs called by one name.
fn golden(world: &World, text: &str) -> String {
    let mut text = text.replace(world.path().to_str().unwrap(), "DIR");
    for item in world.fake.items(&world.table()) {
        let mut ids = vec![item["release_id"]["S"].as_str().unwrap_or_default().to_owned()];
        for commit in world.commits() {
            ids.push(commit[..7].to_owned());
        }
        for (id, name) in ids.iter().zip(["RELEASE", "commitA", "commitB"]) {
            // A column is as wide as what is in it.
            if !id.contains("lease") {
                text = text.replace(id, name);
            }
        }
    }
    // How long it took depends on the machine.
    let is_told =
        |line: &&str| !line.starts_with("Trying again") && !line.starts_with("Check took");
    let lines = text.lines().filter(is_told).map(|line| {
        let moment = line.find("Date created: ").map(|at| at + "Date created: ".len());
        match (moment, line.find("deploy_2")) {
            (Some(at), _) => format!("{}MOMENT", &line[..at]),
            (None, Some(at)) => format!("{}deploy_MOMENT.json", &line[..at]),
            (None, None) => line.to_owned(),
        }
    });
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

#[test]
fn on_a_plain_world_it_does_what_the_original_does() {
    let worlds: Vec<_> = [false, true]
        .into_iter()
        .map(|is_original| {
            let mut world = World::plain(10).unwrap();
            world.fake.run(5_000.0);
            let run = if is_original { original } else { ours };
            let ended = run(&world, RELEASE_DEPLOY);
            assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
            let rolled = world.rolled().unwrap();
            (golden(&world, &ended.stdout), world.tags("stage"), world.tags("prod"), rolled, world)
        })
        .collect();
    let [ours, theirs] = worlds.as_slice() else { unreachable!() };
    assert_eq!((&ours.1, &ours.2, &ours.3), (&theirs.1, &theirs.2, &theirs.3));
    assert_eq!((ours.1.as_str(), ours.2.as_str()), ("BBBBBBBBBB", "AAAAAAAAAA"));
    let stage: BTreeSet<_> = (0..10).map(|at| format!("stage-svc-{at:02}")).collect();
    assert_eq!(ours.3, stage);
    // The words are the same too, but for how an environment is called.
    let told = |text: &str| text.replace("Environment(id='stage', name='Stage')", "Stage");
    assert_eq!(told(&ours.0), told(&theirs.0));
    insta::assert_snapshot!(ours.0);
}

/// What was asked that changes something.
fn writes(world: &World) -> Vec<String> {
    let reads = ["Describe", "List", "Get", "BatchGet", "Query", "AssumeRole"];
    let calls = world.fake.calls().into_iter();
    calls.filter(|call| !reads.iter().any(|read| call.starts_with(read))).collect()
}

/// The one release that `prepare` made last, by what it said.
fn created(said: &str) -> String {
    let line = said.lines().find_map(|line| line.strip_prefix("Created release "));
    line.unwrap().to_owned()
}

fn prepared(world: &World) -> String {
    let ended = ours(world, &["-y", "prepare"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    created(&ended.stdout)
}

const DEPLOY: &[&str] = &["-y", "deploy", "--confirmation-interval", "1"];

#[test]
fn ten_services_take_fifty_calls() {
    let world = World::plain(10).unwrap();
    world.make_table().unwrap();
    world.fake.run(5_000.0);
    world.fake.counts();
    world.fake.latency(Duration::from_millis(5));
    world.fake.most_at_once();
    assert_eq!(ours(&world, RELEASE_DEPLOY).code, 0);
    let counts = world.fake.counts();
    // One to find them, and one look; more looks depend on time alone.
    let others: usize = counts.values().sum::<usize>() - counts["DescribeServices"];
    assert!(others + 2 <= 50, "{counts:?}");
    assert_eq!((counts["AssumeRole"], counts["PutImage"], counts["UpdateService"]), (1, 10, 10));
    let at_once = world.fake.most_at_once();
    assert!(at_once <= 10, "{at_once}");
}

/// One image to three services, two images in one task, an image without the label, a service that
/// is not there, and a sidecar of another registry.
fn tricky() -> World {
    let image = |id, services, is_new| WorldImage { id, services, is_new };
    let service = |id, images, has_sidecar| WorldService { id, images, has_sidecar };
    let world = World::new(
        &[
            image("fan", &["fan-a", "fan-b", "fan-c"], true),
            image("left", &["pair"], true),
            image("right", &["pair"], true),
            image("quiet", &["ghost"], true),
            image("tagonly", &[], true),
            image("unlabelled", &["lone"], false),
        ],
        &[
            service("fan-a", &["fan"], false),
            service("fan-b", &["fan"], false),
            service("fan-c", &["fan"], false),
            service("pair", &["left", "right"], false),
            service("lone", &["unlabelled"], false),
            service("other", &["fan"], true),
        ],
    );
    let world = world.unwrap();
    let label = json!({ "imageTag": "latest" });
    let asked = json!({ "repositoryName": repository("unlabelled"), "imageIds": [label] });
    world.fake.call("BatchDeleteImage", &asked).unwrap();
    world.fake.run(5_000.0);
    world
}

#[test]
fn on_a_tricky_world_it_does_what_the_original_only_shows() {
    let (mut own, mut theirs) = (tricky(), tricky());
    let ended = ours(&own, RELEASE_DEPLOY);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    // It waits to the end for a task that runs one image of each version.
    let patience = ["--confirmation-wait-for", "2"];
    original(&theirs, &[RELEASE_DEPLOY, &patience].concat());
    // The tags are the same: `unlabelled` stays where it was.
    assert_eq!((own.tags("stage").as_str(), theirs.tags("stage").as_str()), ("BBBBBA", "BBBBBA"));
    let rolled = |world: &mut World| world.rolled().unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(rolled(&mut own), ["stage-fan-a", "stage-fan-b", "stage-fan-c", "stage-pair"]);
    // The original rolls the last of an image's services alone.
    assert_eq!(rolled(&mut theirs), ["stage-fan-c", "stage-pair"]);
    for (id, runs) in [("fan-a", "B"), ("fan-b", "B"), ("fan-c", "B"), ("pair", "B"), ("lone", "A")]
    {
        assert_eq!(own.runs("stage", id).unwrap(), runs, "{id}");
    }
    // It started the task of two images between the two tags.
    theirs.fake.settle_all().unwrap();
    assert_eq!(theirs.runs("stage", "pair").unwrap(), "AB");
    assert!(ended.stderr.contains("deployment:service=ghost"), "{}", ended.stderr);
    assert!(ended.stderr.contains("no image of unlabelled"), "{}", ended.stderr);
    insta::assert_snapshot!(golden(&own, &ended.stdout));
    // What the original left undone is done by whoever deploys next, though no tag moves any more.
    assert_eq!(ours(&theirs, DEPLOY).code, 0);
    for id in ["fan-a", "fan-b", "fan-c", "pair"] {
        assert_eq!(theirs.runs("stage", id).unwrap(), "B", "{id}");
    }
    assert_eq!(rolled(&mut theirs), ["stage-fan-a", "stage-fan-b", "stage-pair"]);
}

#[test]
fn a_sidecar_stops_the_original_alone() {
    let image = WorldImage { id: "app", services: &["app"], is_new: true };
    let service = WorldService { id: "app", images: &["app"], has_sidecar: true };
    let world = || {
        let world =
            World::new(std::slice::from_ref(&image), std::slice::from_ref(&service)).unwrap();
        world.fake.run(5_000.0);
        world
    };
    let (own, theirs) = (world(), world());
    let ended = original(&theirs, RELEASE_DEPLOY);
    assert!(ended.code == 1 && ended.stderr.contains("Traceback"), "{}", ended.stderr);
    assert_eq!(ours(&own, RELEASE_DEPLOY).code, 0);
    let confirmed = ours(&own, &["-y", "confirm-deploy"]);
    assert_eq!(confirmed.code, 0, "{}", confirmed.stdout);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let mut world = World::plain(3).unwrap();
    world.make_table().unwrap();
    world.fake.calls();
    let ended = ours(&world, &[&["--dry-run"], RELEASE_DEPLOY].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(writes(&world), Vec::<String>::new());
    assert!(world.rolled().unwrap().is_empty() && world.tags("stage") == "AAA");
    assert!(world.fake.items(&world.table()).is_empty());
    let text = ended.stdout.trim_end();
    assert!(text.contains("Services that would be started anew: svc-00, svc-01, svc-02"), "{text}");
    assert!(text.ends_with("Dry run: nothing was changed"), "{text}");
    // Told before the command, the original takes note of it and goes on.
    let id = prepared(&world);
    world.fake.calls();
    let dry = ours(&world, &["-y", "-d", "deploy", "--release-id", &id]);
    assert_eq!(dry.code, 0);
    assert_eq!(writes(&world), Vec::<String>::new());
}

#[test]
fn what_only_reads_makes_no_table() {
    let world = World::plain(2).unwrap();
    let images = ours(&world, &["show-images"]);
    assert_eq!(images.code, 0, "{}", images.stdout);
    let deployments = ours(&world, &["show-deployments"]);
    assert_eq!(deployments.code, 0, "{}", deployments.stdout);
    let release = ours(&world, &["show-release"]);
    assert_eq!(release.code, 1);
    assert_eq!(writes(&world), Vec::<String>::new());
    let text = [images, deployments, release].map(|it| golden(&world, &it.stdout)).join("");
    insta::assert_snapshot!(text.replace(&world.commits()[1], "COMMIT"));
    // The one that has something to keep makes it.
    prepared(&world);
    assert_eq!(world.fake.items(&world.table()).len(), 1);
}

#[test]
fn either_goes_on_where_the_other_ended() {
    let mut world = World::plain(3).unwrap();
    world.fake.run(5_000.0);
    let theirs =
        original(&world, &["-y", "prepare", "--from-label", "latest", "--description", "x"]);
    assert_eq!(theirs.code, 0, "{}", theirs.stderr);
    let id = created(&theirs.stdout);
    let deployed = ours(&world, &["-y", "deploy", "--release-id", &id, "--description", "ours"]);
    assert_eq!(deployed.code, 0, "{}{}", deployed.stdout, deployed.stderr);
    assert_eq!((world.tags("stage").as_str(), world.rolled().unwrap().len()), ("BBB", 3));
    let shown = original(&world, &["show-deployments"]);
    assert!(shown.code == 0 && shown.stdout.contains(&id), "{}{}", shown.stdout, shown.stderr);
    assert!(shown.stdout.contains("just now") && shown.stdout.contains("ours"), "{}", shown.stdout);
    let release = |ended: Ended| serde_json::from_str::<Value>(&ended.stdout).unwrap();
    let both = [&["show-release", &id][..], &["show-release"]].map(|arguments| {
        let (own, theirs) = (ours(&world, arguments), original(&world, arguments));
        assert_eq!(own.stdout, theirs.stdout);
        release(own)
    });
    assert_eq!(both[0], both[1]);
    let details = &both[0]["deployments"][0]["details"]["image_00"];
    assert_eq!(details["tag_result"]["target"], "uk.ac.wellcome/image_00:env.stage");
    assert_eq!(details["ecs_deployments"].as_array().unwrap().len(), 1);
    // The original deploys to the other environment what ours prepares.
    let prepared = prepared(&world);
    let arguments = ["-y", "deploy", "--release-id", &prepared, "--environment-id", "prod"];
    let theirs = original(&world, &[&arguments[..], &["--description", "theirs"]].concat());
    assert_eq!(theirs.code, 0, "{}{}", theirs.stdout, theirs.stderr);
    assert_eq!(world.tags("prod"), "BBB");
    // With a release's id, and west of Greenwich, the original dies.
    let mut command = command(&world, &["show-deployments", &prepared]);
    let shown = ended(command.env("TZ", "America/New_York").output().unwrap());
    assert!(shown.code == 0 && shown.stdout.contains("theirs"), "{}", shown.stdout);
    assert!(shown.stdout.contains("just now"), "{}", shown.stdout);
    let none = ours(&world, &["show-deployments", &prepared, "--environment-id", "stage"]);
    assert!(none.code == 0 && !none.stdout.contains("theirs"), "{}", none.stdout);
}

#[test]
fn releases_of_long_ago_are_deployed() {
    let world = World::plain(1).unwrap();
    world.make_table().unwrap();
    world.fake.run(5_000.0);
    let uri = format!("{}:ref.{}", world.fake.image(&repository("image_00")), world.commits()[1]);
    let item = json!({
        "release_id": { "S": "old" }, "project_id": { "S": "golden" },
        "date_created": { "S": "2020-05-05T15:00:00.000001" }, "requested_by": { "S": "a/b" },
        "images": { "M": { "image_00": { "S": uri }, "gone": { "NULL": true } } },
        "deployments": { "L": [] }, "extra": { "S": "kept" },
    });
    let asked = json!({ "TableName": world.table(), "Item": item });
    world.fake.call("PutItem", &asked).unwrap();
    let ended = ours(&world, &["-y", "deploy", "--release-id", "old"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(world.tags("stage"), "B");
    let shown = ours(&world, &["show-release", "old"]).stdout;
    assert!(shown.contains("\"extra\": \"kept\""), "{shown}");
}

#[test]
fn services_that_were_left_behind_are_started_by_the_next() {
    let mut world = World::plain(10).unwrap();
    world.fake.run(5_000.0);
    prepared(&world);
    world.fake.refuse("UpdateService", "AccessDeniedException", "not you", 3);
    let first = ours(&world, DEPLOY);
    assert_eq!(first.code, 1, "{}", first.stdout);
    assert!(
        first.stdout.contains("was not started anew") && first.stdout.contains("not you"),
        "{}",
        first.stdout
    );
    assert_eq!((world.tags("stage").as_str(), world.rolled().unwrap().len()), ("BBBBBBBBBB", 7));
    let shown = ours(&world, &["show-deployments"]).stdout;
    assert!(shown.contains("FAILED (svc-"), "{shown}");
    world.fake.settle_all().unwrap();
    assert_eq!(ours(&world, DEPLOY).code, 0);
    assert_eq!(world.rolled().unwrap().len(), 3);
    // Then there is nothing left to do.
    assert_eq!(ours(&world, DEPLOY).code, 0);
    assert!(world.rolled().unwrap().is_empty());
}

#[test]
fn nothing_is_changed_where_something_is_missing() {
    let mut world = World::plain(3).unwrap();
    let id = prepared(&world);
    let tag = json!({ "imageTag": format!("ref.{}", world.commits()[1]) });
    let label = json!({ "imageTag": "latest" });
    let asked = json!({ "repositoryName": repository("image_01"), "imageIds": [tag, label] });
    world.fake.call("BatchDeleteImage", &asked).unwrap();
    let mut said = Vec::new();
    for arguments in [
        &["-y", "deploy", "--release-id", &id][..],
        &["-y", "deploy", "--environment-id", "nowhere"],
        &["-y", "release-deploy", "--environment-id", "nowhere"],
        &["-y", "confirm-deploy", "--environment-id", "stgae"],
        &["-y", "deploy", "--release-id", "none"],
        &["-y", "update", "--service-ids", "image_01"],
        &["-y", "update", "--service-ids", "image_00,other"],
        &["-i", "nobody", "show-images"],
    ] {
        world.fake.calls();
        let ended = ours(&world, arguments);
        assert_eq!(ended.code, 1, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(writes(&world), Vec::<String>::new(), "{arguments:?}");
        said.push(golden(&world, &ended.stdout).replace(&world.commits()[1], "COMMIT"));
    }
    assert!(world.rolled().unwrap().is_empty() && world.tags("stage") == "AAA");
    insta::assert_snapshot!(said.join(""));
    let usage = ended(command(&world, &["show-images"]).current_dir("/").output().unwrap());
    assert_eq!(usage.code, 2, "{}", usage.stderr);
}

#[test]
fn tags_that_moved_go_back_where_one_cannot() {
    let mut world = World::plain(3).unwrap();
    prepared(&world);
    world.fake.refuse("PutImage", "AccessDeniedException", "not you", 1);
    let ended = ours(&world, DEPLOY);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("no tag has moved"), "{}", ended.stdout);
    assert!(world.rolled().unwrap().is_empty() && world.tags("stage") == "AAA");
    // Nobody is locked out by that.
    world.fake.run(5_000.0);
    assert_eq!(ours(&world, DEPLOY).code, 0);
}

#[test]
fn two_at_once_never_mix() {
    let mut world = World::plain(6).unwrap();
    world.make_table().unwrap();
    world.fake.run(3_000.0);
    let new = prepared(&world);
    for image in 0..6 {
        let (name, tag) = (repository(&format!("image_{image:02}")), &world.commits()[0]);
        let asked =
            json!({ "repositoryName": name, "imageIds": [{ "imageTag": format!("ref.{tag}") }] });
        let mut told = world.fake.call("BatchGetImage", &asked).unwrap();
        let manifest = told["images"][0]["imageManifest"].take();
        let asked = json!({ "repositoryName": name, "imageManifest": manifest, "imageTag": "old" });
        world.fake.call("PutImage", &asked).unwrap();
    }
    let old = created(&ours(&world, &["-y", "prepare", "--from-label", "old"]).stdout);
    world.fake.latency(Duration::from_millis(15));
    let mut refused = 0;
    for _ in 0..5 {
        let start = |id: &str| {
            let arguments = [DEPLOY, &["--release-id", id]].concat();
            command(&world, &arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let both = [start(&new), start(&old)];
        for child in both {
            let ended = ended(child.wait_with_output().unwrap());
            refused += usize::from(ended.stdout.contains("is deploying release"));
        }
        world.fake.settle_all().unwrap();
        let tags = world.tags("stage");
        assert!(tags == "AAAAAA" || tags == "BBBBBB", "{tags}");
        for service in 0..6 {
            assert_eq!(world.runs("stage", &format!("svc-{service:02}")).unwrap(), tags[..1]);
        }
    }
    assert!(refused > 0, "they never met");
    assert!(!world.rolled().unwrap().is_empty());
}

#[test]
fn a_deployment_that_does_not_come_up_says_why() {
    let world = World::plain(2).unwrap();
    world.fake.run(2_000.0);
    let tag = format!("ref.{}", world.commits()[1]);
    let digest = world.fake.tagged(&repository("image_01"), &tag).unwrap();
    world.fake.fate(&digest, Fate::Exits { code: 3, after: Duration::from_secs(2) });
    world.fake.says(&digest, &["no such table: orders"]);
    let start = Instant::now();
    let ended = ours(&world, RELEASE_DEPLOY);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(start.elapsed() < Duration::from_secs(20), "it is known long before the time is over");
    for part in ["to stage failed", "stage-svc-01", "ended with 3", "no such table: orders"] {
        assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    }
}

#[test]
fn an_old_release_is_not_what_runs() {
    let world = World::plain(2).unwrap();
    let id = prepared(&world);
    let check = |wait: &str| {
        let arguments =
            ["-y", "confirm-deploy", "--release-id", &id, "--confirmation-wait-for", wait];
        ours(&world, &arguments)
    };
    let ended = check("0");
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("stage-svc-00: image_00"), "{}", ended.stdout);
    world.fake.run(5_000.0);
    assert_eq!(ours(&world, DEPLOY).code, 0);
    assert_eq!(check("5").code, 0);
}

#[test]
fn nobody_waits_for_an_answer_that_does_not_come() {
    let world = World::plain(1).unwrap();
    world.fake.run(5_000.0);
    prepared(&world);
    let closed = ours(&world, &["deploy"]);
    assert_eq!(closed.code, 1);
    assert!(
        closed.stderr.starts_with("Aborted!\n") && closed.stderr.contains("-y"),
        "{}",
        closed.stderr
    );
    // A pipe that stays open, in which nothing is.
    let mut silent = command(&world, &["deploy"]);
    let start = Instant::now();
    let mut child =
        silent.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let held = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(held);
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(world.tags("stage"), "A");
    // One that answers.
    let mut answered = command(&world, &["deploy", "--confirmation-interval", "1"]);
    let mut child = answered.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"\nstage\n\ny\n").unwrap();
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert!(ended.stdout.starts_with("Release ID to deploy [latest]: "), "{}", ended.stdout);
    assert!(ended.stdout.contains("Create deployment? [y/N]: "), "{}", ended.stdout);
    assert_eq!(world.tags("stage"), "B");
}
