//! A storm of events, repeated, out of order and mixed with garbage, on a server that is killed again
//! and again: nothing is lost, and what is told is what was so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use portolan_model::Timestamp;
use portolan_testkit::http::Client;
use portolan_testkit::server::Options;
use portolan_testkit::story::{self, Recipe, Story};
use serde_json::{Value, json};

use crate::world::{BINARY, Engine, World};

on_both_stores!(a_storm_with_ten_kills_loses_nothing, killed_while_it_acts_on_events_it_converges);

const ACCOUNTS: [(&str, &str); 3] =
    [("dev", "111111111111"), ("test", "222222222222"), ("prod", "333333333333")];
const BEGIN: i64 = 1_780_000_000_000;
const KILLS: usize = 10;
/// Events in one request.
const BATCH: usize = 100;
/// How long all of it may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(15);

fn story(rollouts: usize) -> Story {
    Story::of(&Recipe {
        seed: 5,
        accounts: ACCOUNTS.map(|(_, account)| account.to_owned()).to_vec(),
        services: 10,
        rollouts,
        tasks: 5,
        versions: 8,
        begin: BEGIN,
    })
}

fn environment() -> Vec<(String, String)> {
    let names = ACCOUNTS.map(|(name, _)| name).join(",");
    let mut environment = vec![("PORTOLAN_ENVIRONMENTS".to_owned(), names)];
    for (name, account) in ACCOUNTS {
        let variable = format!("PORTOLAN_ENVIRONMENTS_{}_ACCOUNT", name.to_uppercase());
        environment.push((variable, account.to_owned()));
    }
    environment
}

/// One in a hundred that cannot be understood, in four ways.
fn garbage(count: usize) -> Vec<String> {
    let one = |number: usize| {
        let id = format!("garbage-{number}");
        let account = ACCOUNTS[0].1;
        let body = match number % 4 {
            0 => json!({ "id": id, "detail-type": "ECS Task State Change", "account": account,
                         "detail": { "lastStatus": 7 } }),
            1 => json!({ "id": id, "what": "is this" }),
            2 => json!({ "id": id, "detail-type": "ECS Deployment State Change",
                         "account": account, "detail": { "eventName": "SERVICE_EXPLODED" } }),
            _ => json!({ "id": id, "detail-type": "ECS Task State Change",
                         "account": "999999999999", "time": "2026-11-02T12:00:00Z",
                         "detail": { "lastStatus": "RUNNING", "desiredStatus": "RUNNING",
                                     "containers": [{ "name": "x", "image": "x:1" }] } }),
        };
        body.to_string()
    };
    (0..count).map(one).collect()
}

/// Requests with all of it: shuffled, five in a hundred twice.
fn requests(story: &Story, garbage: &[String]) -> Vec<String> {
    let mut bodies: Vec<(u64, &str)> = Vec::new();
    let all = story.events.iter().map(|said| said.body.as_str());
    for (number, body) in all.chain(garbage.iter().map(String::as_str)).enumerate() {
        let place = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bodies.push((place, body));
        if number % 20 == 0 {
            bodies.push((place.rotate_left(31), body));
        }
    }
    bodies.sort_unstable();
    let list = |chunk: &[(u64, &str)]| {
        let bodies: Vec<_> = chunk.iter().map(|(_, body)| *body).collect();
        format!("[{}]", bodies.join(","))
    };
    bodies.chunks(BATCH).map(list).collect()
}

/// Sends every request until it is answered, as EventBridge does, from several connections.
fn send(url: &str, requests: &[String], sent: &AtomicUsize) {
    let next = AtomicUsize::new(0);
    let work = || {
        let client = Client::new();
        let headers = [("content-type", "application/json")];
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            let start = Instant::now();
            loop {
                match client.send("POST", url, &headers, request.as_bytes()) {
                    Ok(answer) if answer.status == 202 => break,
                    Ok(answer) if answer.status < 500 => {
                        panic!("{} {}", answer.status, answer.text())
                    }
                    _ => assert!(start.elapsed() < PATIENCE, "no answer"),
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            sent.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(work);
        }
    });
}

/// Of each service and environment, what the newest deployment that ran something at `at` ran.
fn truly_runs(story: &Story, at: i64) -> BTreeMap<(String, String), (String, u64)> {
    let begun: HashMap<&str, i64> =
        story.rollouts.iter().map(|it| (it.deployment.as_str(), it.begun)).collect();
    let mut newest: BTreeMap<_, (i64, String, u64)> = BTreeMap::new();
    for task in story.tasks.iter().filter(|task| task.runs(at)) {
        let environment = ACCOUNTS.iter().find(|(_, account)| *account == task.account).unwrap().0;
        let place = (environment.to_owned(), task.service.clone());
        let since = begun[task.deployment.as_str()];
        let known = newest.entry(place).or_insert((since, story::tag(task.version), 0));
        if since > known.0 {
            *known = (since, story::tag(task.version), 0);
        }
        if since == known.0 {
            known.2 += 1;
        }
    }
    newest.into_iter().map(|(place, (_, version, tasks))| (place, (version, tasks))).collect()
}

fn told_runs(world: &World, at: i64) -> BTreeMap<(String, String), (String, u64)> {
    let at = Timestamp::from_millis(at);
    let told = world.json(&format!("/whats-running-where?at={at}")).unwrap();
    let text = |it: &Value, field: &str| it[field].as_str().unwrap().to_owned();
    let one = |it: &Value| {
        let tasks = it["runningCount"].as_u64().unwrap();
        ((text(it, "environment"), text(it, "service")), (text(it, "version"), tasks))
    };
    told.as_array().unwrap().iter().map(one).collect()
}

fn total(world: &World, state: &str) -> u64 {
    let answer = world.json(&format!("/events?size=1&state={state}")).unwrap();
    answer["total"].as_u64().unwrap()
}

fn a_storm_with_ten_kills_loses_nothing(engine: Engine) {
    // The same on both engines, but for its length.
    let (rollouts, least) = if engine == Engine::Sqlite { (170, 100_000) } else { (34, 20_000) };
    let story = story(rollouts);
    assert!(story.events.len() >= least, "{}", story.events.len());
    let garbage = garbage(story.events.len() / 100);
    let options = Options { environment: environment(), ..Options::default() };
    let mut world = World::start_with(engine, options);
    let images: BTreeSet<_> =
        story.tasks.iter().map(|task| (task.service.clone(), task.version)).collect();
    for (service, version) in &images {
        let image = story::image(service, *version);
        world.publisher(service).image(&story::tag(*version), &image).unwrap();
    }
    let requests = requests(&story, &garbage);
    let (url, sent) = (world.url("/events"), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&url, &requests, &sent));
        for kill in 1..=KILLS {
            let share = requests.len() * kill / (KILLS + 1);
            let start = Instant::now();
            while sent.load(Ordering::Relaxed) < share {
                assert!(start.elapsed() < PATIENCE, "the storm does not get through");
                std::thread::sleep(Duration::from_millis(1));
            }
            // Somewhere between what was taken in and what was acted on.
            std::thread::sleep(Duration::from_millis(kill as u64 * 37 % 101));
            world.restart().unwrap();
        }
        sending.join().unwrap();
    });
    world
        .eventually("/events?size=1&state=pending", PATIENCE, |answer| {
            answer.json().is_ok_and(|page| page["total"] == 0)
        })
        .unwrap();
    world.quiet().unwrap();
    assert_eq!(total(&world, "dead"), garbage.len() as u64);
    // Each pushed image is an entry too.
    let applied = story.events.len() + images.len();
    assert_eq!(total(&world, "applied"), applied as u64);
    let (begin, end) = (story.events[0].at, story.events.last().unwrap().at);
    for step in 0..=20 {
        let at = begin + (end - begin) / 20 * step;
        assert_eq!(told_runs(&world, at), truly_runs(&story, at), "at step {step}");
    }
    let now = world.json("/whats-running-where").unwrap();
    assert_eq!(now.as_array().unwrap().len(), truly_runs(&story, i64::MAX).len());
}

fn killed_while_it_acts_on_events_it_converges(engine: Engine) {
    let story = story(1);
    for failpoint in ["journal.before-track", "journal.after-track"] {
        let failpoint = Some(failpoint.to_owned());
        let options = Options { environment: environment(), failpoint, ..Options::default() };
        let mut world = World::start_with(engine, options);
        let requests = requests(&story, &[]);
        let (url, sent) = (world.url("/events"), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| send(&url, &requests, &sent));
            let start = Instant::now();
            while world.process().exited().is_none() {
                assert!(start.elapsed() < PATIENCE, "the failpoint is not passed");
                std::thread::sleep(Duration::from_millis(5));
            }
            world.restart().unwrap();
            sending.join().unwrap();
        });
        for task in &story.tasks {
            let image = story::image(&task.service, task.version);
            world.publisher(&task.service).image(&story::tag(task.version), &image).unwrap();
        }
        world.quiet().unwrap();
        let end = story.events.last().unwrap().at;
        let settled = |_: &_| told_runs(&world, end) == truly_runs(&story, end);
        world.eventually("/health", Duration::from_mins(1), settled).unwrap();
        assert_eq!(total(&world, "dead"), 0);
        let rebuilt = Command::new(BINARY)
            .args(["events", "rebuild", "--output", "json", "--server", &world.url("")])
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&rebuilt.stdout).unwrap();
        assert_eq!(told, json!({ "events": story.events.len() }));
        assert_eq!(told_runs(&world, end), truly_runs(&story, end));
    }
}
