//! How fast events become answers, and answers are given.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use portolan_model::{Digest, Timestamp};
use portolan_testkit::server::Options;
use portolan_testkit::tar::{self, Entry};
use portolan_testkit::{Image, Layer, Publisher, Server, process};
use serde_json::{Value, json};

use super::report::{Floor, Row, Section};
use super::{Bench, wall};
use crate::run::cargo;

const IMAGES: usize = 5_000;
/// Tasks that run each image.
const TASKS: usize = 2;
/// Questions of each kind.
const QUESTIONS: usize = 1_000;
const REPOSITORY: &str = "bench/where";
const ACCOUNT: &str = "111111111111";

/// Durable ingest and rebuild, on both engines.
pub(super) fn ingest(_: &Bench) -> anyhow::Result<Section> {
    let mut rows = Vec::new();
    for (engine, least) in [("sqlite", 20_000.0), ("postgres", 15_000.0)] {
        let args = ["bench", "--package", "portolan-tracker", "--bench", "ingest", "--", engine];
        let told = process::output(&mut cargo(&args))?;
        let line = told.lines().rfind(|line| line.starts_with('{')).context("it told nothing")?;
        let found: Value = serde_json::from_str(line)?;
        let figure = |name: &str| found[name].as_f64().with_context(|| format!("{name} in {line}"));
        let row = |what: &str, ours, peer, floor| Row {
            what: format!("{what}, {engine}, events a second"),
            ours,
            peer,
            floor,
        };
        let bare = Some(figure("barePerSecond")?);
        rows.push(row(
            "journal and projection",
            figure("ingestPerSecond")?,
            bare,
            Some(Floor::AtLeast(least)),
        ));
        let rebuilt = figure("rebuildPerSecond")?;
        rows.push(row("rebuild", rebuilt, None, Some(Floor::AtLeast(60_000.0))));
    }
    Ok(Section {
        title: "Events",
        method: "100,000 events of ECS, of 1.8 KB, five in a hundred twice, shuffled: from eight ways \
                 in, a hundred at a time, into the journal and through the projection, each commit \
                 synced. The peer is bare inserts of short rows into the journal, a hundred for each \
                 commit, from as many ways. A rebuild makes everything anew from the journal."
            .to_owned(),
        rows,
    })
}

/// What is asked all the time, of 500 services in 6 environments.
pub(super) fn running(bench: &Bench) -> anyhow::Result<Section> {
    let server = wall::filled(bench)?;
    let path = "/whats-running-where";
    let first = server.get(path)?;
    ensure!(first.status == 200, "{path}: {}", first.text());
    let tag = first.header("etag").context("an answer without ETag")?.to_owned();
    let health = wrk(&server.url("/health"), None)?;
    let whole = wrk(&server.url(path), None)?;
    let held = wrk(&server.url(path), Some(&tag))?;
    let one = wrk(&server.url(&format!("{path}/service-250")), None)?;
    let row = |what: &str, ours, peer, floor| Row { what: what.to_owned(), ours, peer, floor };
    Ok(Section {
        title: "What runs where",
        method: format!(
            "500 services in 6 environments: {} elements, {} KB. `wrk -t2 -c2 -d5s --latency`; the \
             peer is `/health` of the same server in the same run. \"Held\" asks with the ETag that \
             the client has (`If-None-Match`), and is answered 304 while nothing changed.",
            first.json()?.as_array().map_or(0, Vec::len),
            first.body.len() / 1024
        ),
        rows: vec![
            row("`/whats-running-where`, 99th percentile, ms", whole.p99, None, at_most(5.0)),
            row("the same, requests a second", whole.rate, Some(health.rate), None),
            row(
                "the same, held, requests a second",
                held.rate,
                Some(health.rate),
                Some(Floor::TimesPeer(0.5)),
            ),
            row(
                "`/whats-running-where/{service}`, requests a second",
                one.rate,
                Some(health.rate),
                Some(Floor::TimesPeer(0.5)),
            ),
            row("the same, 99th percentile, ms", one.p99, None, at_most(5.0)),
        ],
    })
}

#[expect(clippy::unnecessary_wraps, reason = "as a row takes it")]
fn at_most(most: f64) -> Option<Floor> {
    Some(Floor::AtMost(most))
}

/// What load a path bears.
struct Load {
    rate: f64,
    /// Milliseconds.
    p99: f64,
}

fn wrk(url: &str, held: Option<&str>) -> anyhow::Result<Load> {
    let mut command = Command::new("wrk");
    command.args(["-t2", "-c2", "-d5s", "--latency"]);
    if let Some(tag) = held {
        command.args(["-H", &format!("If-None-Match: {tag}")]);
    }
    let output = process::output(command.arg(url))?;
    let told = |name: &str| {
        let line = output.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim).with_context(|| format!("wrk told no {name}:\n{output}"))
    };
    ensure!(held.is_some() || !output.contains("Non-2xx"), "{url} was refused:\n{output}");
    Ok(Load { rate: told("Requests/sec:")?.parse()?, p99: millis(told("99%")?)? })
}

/// A duration as wrk writes it, in milliseconds.
fn millis(text: &str) -> anyhow::Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    Err(anyhow!("`{text}` is no duration"))
}

fn image(number: usize) -> Image {
    let path = format!("srv/app/module-{number}/index.js");
    let archive = tar::archive(&[Entry::file(path, "module"), Entry::file("etc/shared", "all")]);
    Image::builder()
        .label("defra.cdp.service.name", &format!("service-{}", number % 500))
        .label("org.opencontainers.image.revision", &commit(number))
        .layer(Layer::gzip(&archive))
        .build()
}

fn commit(number: usize) -> String {
    Digest::of(number.to_string().as_bytes()).to_string()["sha256:".len()..][..40].to_owned()
}

fn task(number: usize, image: &Digest, at: Timestamp) -> Value {
    let arn = format!("arn:aws:ecs:eu-west-2:{ACCOUNT}:task/main/{number:032x}");
    json!({
        "id": format!("task-{number}"), "detail-type": "ECS Task State Change",
        "source": "aws.ecs", "account": ACCOUNT, "region": "eu-west-2", "time": at,
        "detail": {
            "createdAt": at, "updatedAt": at, "startedAt": at, "version": 3,
            "desiredStatus": "RUNNING", "lastStatus": "RUNNING", "taskArn": arn,
            "clusterArn": format!("arn:aws:ecs:eu-west-2:{ACCOUNT}:cluster/main"),
            "startedBy": format!("ecs-svc/{}", number / TASKS),
            "taskDefinitionArn": format!("arn:aws:ecs:eu-west-2:{ACCOUNT}:task-definition/t:1"),
            "containers": [{
                "name": "app", "lastStatus": "RUNNING", "imageDigest": image.to_string(),
                "image": format!("{ACCOUNT}.dkr.ecr.eu-west-2.amazonaws.com/{REPOSITORY}@{image}"),
            }],
        },
    })
}

/// A server with all images, and all tasks since `at`.
fn filled(bench: &Bench, at: Timestamp) -> anyhow::Result<(Server, Vec<Digest>)> {
    let environment =
        [("PORTOLAN_ENVIRONMENTS", "prod"), ("PORTOLAN_ENVIRONMENTS_PROD_ACCOUNT", ACCOUNT)];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let server = Server::start(&bench.binary, Options { environment, ..Options::default() })?;
    let next = AtomicUsize::new(0);
    let push = || -> anyhow::Result<()> {
        let publisher = Publisher::new(&server.url(""), REPOSITORY);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= IMAGES {
                return Ok(());
            }
            publisher.image(&format!("v{number}"), &image(number))?;
        }
    };
    std::thread::scope(|scope| {
        let pushing: Vec<_> = (0..8).map(|_| scope.spawn(push)).collect();
        pushing
            .into_iter()
            .try_for_each(|push| push.join().map_err(|_| anyhow!("a push panicked"))?)
    })?;
    let images: Vec<Digest> = (0..IMAGES).map(|number| image(number).digest()).collect();
    let tasks: Vec<Value> =
        (0..IMAGES * TASKS).map(|number| task(number, &images[number / TASKS], at)).collect();
    for part in tasks.chunks(500) {
        let body = Value::Array(part.to_vec()).to_string();
        let headers = [("content-type", "application/json")];
        let answer =
            server.client.send("POST", &server.url("/events"), &headers, body.as_bytes())?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text());
    }
    let none = |answer: &portolan_testkit::http::Answer| {
        answer.json().is_ok_and(|page| page["total"] == 0)
    };
    let patience = Duration::from_mins(5);
    for path in ["/events?state=pending", "/jobs?state=queued", "/jobs?state=running"] {
        server.eventually(&format!("{path}&size=1"), patience, none)?;
    }
    Ok((server, images))
}

/// Where an image, a commit or a file runs.
pub(super) fn whereabouts(bench: &Bench) -> anyhow::Result<Section> {
    let at: Timestamp = "2026-11-01T09:00:00Z".parse()?;
    let (server, images) = filled(bench, at)?;
    let mut rows = Vec::new();
    for (what, moment) in [
        ("digest", ""),
        ("commit", ""),
        ("path", ""),
        ("digest", "&at=2026-11-01T10:00Z"),
        ("path", "&at=2026-11-01T10:00Z"),
    ] {
        let mut took = Vec::with_capacity(QUESTIONS);
        for question in 0..QUESTIONS {
            let number = question * 7919 % IMAGES;
            let wanted = match what {
                "digest" => images[number].to_string(),
                "commit" => commit(number),
                _ => format!("srv/app/module-{number}/index.js"),
            };
            let start = Instant::now();
            let found = server.json(&format!("/where?{what}={wanted}{moment}"))?;
            took.push(start.elapsed().as_secs_f64() * 1000.0);
            let right = found["found"].as_array().is_some_and(|found| {
                found.len() == 1
                    && found[0]["digest"] == images[number].to_string()
                    && found[0]["taskCount"] == TASKS
            });
            ensure!(right, "{what}={wanted}: {found}");
        }
        took.sort_by(f64::total_cmp);
        let p99 = took[QUESTIONS * 99 / 100];
        let then = if moment.is_empty() { "" } else { " of the past" };
        rows.push(Row {
            what: format!("`/where?{what}=…`{then}, 99th percentile, ms"),
            ours: p99,
            peer: None,
            floor: at_most(5.0),
        });
    }
    Ok(Section {
        title: "Where something runs",
        method: format!(
            "{IMAGES} images, {} running tasks, {QUESTIONS} questions of each kind one after the \
             other, each about another image; every answer is compared with what was put in.",
            IMAGES * TASKS
        ),
        rows,
    })
}
