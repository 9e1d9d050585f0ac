//! Releases in the table of weco-deploy: what the original does is seen here, and what is done here
//! the original sees.

use std::process::Output;

use portolan_testkit::weco::{World, repository};
use serde_json::{Value, json};

use crate::world::BINARY;

/// A world whose project is read and written in the table, too.
fn world(images: usize) -> World {
    let world = World::plain(images).unwrap();
    world.make_table().unwrap();
    world.fake.run(5_000.0);
    let config = "[releases]\npoll_millis = 50\n[environments.stage]\nclusters = [\"stage\"]\n\
                  [environments.prod]\nclusters = [\"prod\"]\n\
                  [projects.golden]\nfile = \".wellcome_project\"\ntable = true\n";
    std::fs::write(world.path().join("portolan.toml"), config).unwrap();
    world
}

fn text(output: &Output) -> String {
    let both = [&output.stdout, &output.stderr];
    both.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// What our command says, which must end with `code`.
fn ours(world: &World, code: i32, arguments: &[&str]) -> String {
    let mut command = world.command(BINARY.as_ref(), arguments);
    let output = command.env("USER", "ann").output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn json(world: &World, arguments: &[&str]) -> Value {
    let mut command =
        world.command(BINARY.as_ref(), &[arguments, &["--output", "json", "-q"]].concat());
    let output = command.env("USER", "ann").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the original says, which must end well.
fn original(world: &World, arguments: &[&str]) -> String {
    let output = world.original(arguments).unwrap().output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The release that the original prepares of all that is labelled `latest`.
fn prepared(world: &World) -> String {
    let said = original(
        world,
        &["-y", "prepare", "--from-label", "latest", "--description", "from the original"],
    );
    said.lines().find_map(|line| line.strip_prefix("Created release ")).unwrap().to_owned()
}

/// Deployments of the release `id`, as the table has them.
fn deployments(world: &World, id: &str) -> Vec<Value> {
    let items = world.fake.items(&world.table());
    let item = items.into_iter().find(|item| item["release_id"]["S"] == *id).unwrap();
    item["deployments"]["L"].as_array().unwrap().iter().map(|it| it["M"].clone()).collect()
}

#[test]
fn what_the_original_prepares_is_deployed_here_and_the_original_sees_it() {
    let world = world(3);
    let id = prepared(&world);
    let listed = json(&world, &["release", "list"]);
    assert_eq!(listed[0]["id"], id);
    assert_eq!(listed[0]["description"], "from the original");
    assert_eq!(listed[0]["source"]["from"], "table");
    let shown = ours(&world, 0, &["release", "show", &id]);
    assert!(shown.contains("weco-deploy") && shown.contains(&world.commits()[1][..11]), "{shown}");
    ours(&world, 0, &["deploy", &id, "--env", "stage", "--yes"]);
    for service in 0..3 {
        assert_eq!(world.runs("stage", &format!("svc-{service:02}")).unwrap(), "B");
    }
    assert_eq!(world.tags("stage"), "BBB");
    let told = original(&world, &["show-deployments"]);
    assert!(told.contains(&id) && told.contains("ann") && told.contains("just now"), "{told}");
    let [one] = deployments(&world, &id).try_into().unwrap();
    let details = &one["details"]["M"]["image_00"]["M"];
    let result = |name: &str| details["tag_result"]["M"][name]["S"].as_str().unwrap();
    assert_eq!(result("target"), "uk.ac.wellcome/image_00:env.stage");
    assert_eq!(result("source"), format!("uk.ac.wellcome/image_00:ref.{}", world.commits()[1]));
    assert_eq!(result("status"), "success");
    let service = &details["ecs_deployments"]["L"][0]["M"]["service_arn"]["S"];
    assert!(service.as_str().unwrap().ends_with(":service/stage/stage-svc-00"), "{service}");
    // It is there once, whoever looks again.
    assert_eq!(json(&world, &["release", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn what_is_prepared_here_the_original_deploys() {
    let world = world(2);
    let made = json(&world, &["release", "prepare", "--tag", "latest", "--description", "ours"]);
    let id = made["id"].as_str().unwrap();
    let shown: Value = serde_json::from_str(&original(&world, &["show-release", id])).unwrap();
    assert_eq!(shown["images"]["image_01"], format!("ref.{}", world.commits()[1]));
    assert_eq!((&shown["description"], &shown["requested_by"]), (&json!("ours"), &json!("ann")));
    assert_eq!(shown["digests"]["image_01"], made["images"][1]["digest"]);
    let arguments = ["-y", "deploy", "--release-id", id, "--environment-id", "prod"];
    original(&world, &[&arguments[..], &["--description", "theirs"]].concat());
    assert_eq!(world.tags("prod"), "BB");
    ours(&world, 0, &["deploy", id, "--env", "stage", "--yes"]);
    let told = original(&world, &["show-deployments"]);
    assert!(told.contains("theirs") && told.contains("stage"), "{told}");
    assert_eq!(deployments(&world, id).len(), 2);
    // Before the first rollout to prod, the original deployed there.
    let next =
        json(&world, &["release", "prepare", "--tag", &format!("ref.{}", world.commits()[0])]);
    ours(&world, 0, &["deploy", next["id"].as_str().unwrap(), "--env", "prod", "--yes"]);
    assert_eq!(world.tags("prod"), "AA");
    let back = ours(&world, 0, &["rollback", "--env", "prod", "--yes"]);
    assert!(back.contains(id), "{back}");
    assert_eq!(world.tags("prod"), "BB");
    assert_eq!(json(&world, &["release", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_table_that_is_down_fails_nothing_and_hears_of_it_later() {
    let world = world(2);
    let all = ["GetItem", "PutItem", "UpdateItem", "Query"];
    let down = |times| {
        for action in all {
            world.fake.refuse(action, "InternalServerError", "down", times);
        }
    };
    down(usize::MAX);
    let made = json(&world, &["release", "prepare", "--tag", "latest"]);
    let id = made["id"].as_str().unwrap();
    let said = ours(&world, 0, &["deploy", id, "--env", "stage", "--yes"]);
    assert!(said.contains("succeeded"), "{said}");
    assert_eq!(world.tags("stage"), "BB");
    assert!(world.fake.items(&world.table()).is_empty());
    world.fake.forgive();
    // Whatever is done next brings it there too.
    let second = json(&world, &["release", "prepare", "--tag", "latest"]);
    assert_eq!(deployments(&world, id).len(), 1);
    assert_eq!(deployments(&world, second["id"].as_str().unwrap()).len(), 0);
}

#[test]
fn what_is_no_longer_there_is_shown_and_refused() {
    let world = world(2);
    let uri = format!("{}:ref.{}", world.fake.image(&repository("image_00")), world.commits()[1]);
    let id = "0e6b5a52-5f7c-4ce5-8b38-0d5a9b6a8f01";
    let item = json!({
        "release_id": { "S": id }, "project_id": { "S": "golden" },
        "date_created": { "S": "2020-05-05T15:00:00.000001" },
        "requested_by": { "S": "arn:aws:sts::1:assumed-role/ci/bob" },
        "description": { "S": "of long ago" },
        "images": { "M": {
            "image_00": { "S": uri },
            "image_01": { "S": "ref.0000000" },
            "left": { "S": "ref.1111111" },
            "never": { "NULL": true },
        } },
        "deployments": { "L": [] },
    });
    world.fake.call("PutItem", &json!({ "TableName": world.table(), "Item": item })).unwrap();
    let shown = ours(&world, 0, &["release", "show", id]);
    for part in [
        "by bob",
        "image image_01 is lost: ref.0000000 is not in",
        "image left is lost: the project has no such image",
        "image_00 ",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let refused = ours(&world, 5, &["deploy", id, "--env", "stage", "--yes"]);
    assert!(refused.contains("image image_01: ref.0000000 is not in"), "{refused}");
    assert!(refused.contains("--set image_01=TAG"), "{refused}");
    assert_eq!(world.tags("stage"), "AA");
    // With an image in its place it is a release like any other.
    let missing = ours(&world, 4, &["release", "prepare", "--from-release", id]);
    assert!(missing.contains("image_01: ref.0000000"), "{missing}");
    let arguments = ["release", "prepare", "--from-release", id, "--set", "image_01=latest"];
    let made = json(&world, &arguments);
    ours(&world, 0, &["deploy", made["id"].as_str().unwrap(), "--env", "stage", "--yes"]);
    assert_eq!(world.tags("stage"), "BB");
}
