//! Killed at any named point, and started again: the same final state as if nothing had happened.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use portolan_model::failpoint;
use portolan_testkit::Publisher;
use portolan_testkit::docker_registry;
use portolan_testkit::server::Options;
use serde_json::Value;

use crate::dump::dump;
use crate::images;
use crate::world::{Engine, Outcome, PATIENCE, World};

on_both_stores!(a_push_killed_anywhere_converges, a_backfill_killed_anywhere_converges);

/// At which passings of each failpoint the server is killed.
const PASSINGS: [u64; 2] = [1, 2];

/// What is driven against a server: it fails when the server dies, and is then done again, as a
/// client would.
type Work<'a> = &'a mut dyn FnMut(&World) -> Outcome;

fn a_push_killed_anywhere_converges(engine: Engine) {
    let expected = run(engine, None, &[], &mut push);
    let others = ["backfill.", "sqs.", "rollout.", "notify.", "assets.", "bucket.", "legacy."];
    let during = |name: &&&str| {
        !others.iter().any(|start| name.starts_with(start)) && !name.ends_with("-track")
    };
    for failpoint in failpoint::ALL.iter().filter(during) {
        for passing in PASSINGS {
            let point = format!("{failpoint}:{passing}");
            let found = run(engine, Some(point.clone()), &[], &mut push);
            assert_same(&expected, &found, &point);
        }
    }
}

fn a_backfill_killed_anywhere_converges(engine: Engine) {
    let registry = docker_registry::start(&docker_registry::Options::default()).unwrap();
    for (name, version) in [("one", "1.0.0"), ("one", "1.1.0"), ("two", "2.0.0"), ("a/b", "3.0.0")]
    {
        let index = images::service_index(name, version);
        Publisher::new(&registry.url(), name).index(version, &index).unwrap();
    }
    let environment = [("PORTOLAN_REGISTRY_URL".to_owned(), registry.address())];
    let expected = run(engine, None, &environment, &mut backfill());
    assert_eq!(expected["artifacts"].as_array().unwrap().len(), 4);
    let during = |name: &&&str| name.starts_with("backfill.") || name.starts_with("scan.");
    for failpoint in failpoint::ALL.iter().filter(during) {
        // A backfill finishes once, so there is no second passing of some.
        let point = format!("{failpoint}:1");
        let found = run(engine, Some(point.clone()), &environment, &mut backfill());
        assert_same(&expected, &found, &point);
    }
}

/// Pushes three kinds of images, and waits until all is quiet.
fn push(world: &World) -> Outcome {
    let publisher = world.publisher("shop/orders/api");
    publisher.image("1.0.0", &images::service("orders-api", "1.0.0", "linux/amd64"))?;
    publisher.index("2.0.0", &images::service_index("orders-api", "2.0.0"))?;
    world.publisher("shop/docker").image("3.0.0", &images::docker("cart", "3.0.0"))?;
    for artifact in ["shop/orders/api/1.0.0", "shop/orders/api/2.0.0", "shop/docker/3.0.0"] {
        let path = format!("/artifacts/{artifact}");
        world.eventually(&path, PATIENCE, |answer| answer.status == 200)?;
    }
    world.quiet()
}

/// Asks once for a backfill, and waits until all is quiet: a backfill that was killed goes on by
/// itself.
fn backfill() -> impl FnMut(&World) -> Outcome {
    let mut asked = false;
    move |world| {
        if !asked {
            let answer = world.client.send("POST", &world.url("/admin/backfill"), &[], &[])?;
            if answer.status != 202 {
                return Err(format!("{} {}", answer.status, answer.text()).into());
            }
            asked = true;
        }
        world.quiet()
    }
}

/// The final state of `work` on a server that is killed at `failpoint`, and started again.
fn run(
    engine: Engine,
    failpoint: Option<String>,
    environment: &[(String, String)],
    work: Work<'_>,
) -> Value {
    let point = failpoint.clone();
    let options = Options { failpoint, environment: environment.to_vec(), ..Options::default() };
    let mut world = World::start_with(engine, options);
    match (work(&world), &point) {
        (Ok(()), None) => {}
        (Ok(()), Some(point)) => panic!("{point} was never passed"),
        (Err(error), None) => panic!("{error}"),
        (Err(error), Some(point)) => {
            let ended = world.process().wait(Duration::from_secs(10));
            let ended = ended.unwrap_or_else(|_| panic!("{point}: lives, but {error}"));
            assert_eq!(ended.signal(), Some(9), "{point}: {ended}");
            world.restart().unwrap();
            work(&world).unwrap_or_else(|error| panic!("after {point}: {error}"));
        }
    }
    dump(&world)
}

fn assert_same(expected: &Value, found: &Value, point: &str) {
    for (part, expected) in expected.as_object().unwrap() {
        assert_eq!(&found[part], expected, "`{part}` differs after {point}");
    }
}
