//! How long it takes until an event is seen on an open page.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, ensure};
use portolan_model::Timestamp;
use portolan_testkit::http::Client;
use portolan_testkit::server::Options;
use portolan_testkit::{Browser, Image, Publisher, Server};
use serde_json::{Value, json};

use super::Bench;
use super::report::{Floor, Row, Section, median};

const SERVICES: usize = 500;
const ENVIRONMENTS: usize = 6;
/// Services that the open page shows.
const SHOWN: usize = 100;
/// Events a second, and for how many seconds.
const RATE: u32 = 200;
const SECONDS: u32 = 20;
/// Connections on which events are sent.
const SENDERS: u32 = 4;
const VERSIONS: [&str; 2] = ["1.0.0", "1.1.0"];
/// An event that is not seen for so long counts as if it had been seen then.
const LOST: f64 = 2_500.0;

/// Writes down when which version is shown where.
const WATCH: &str = r"
    window.seen = [];
    const shown = new Map();
    const look = (row) => {
      const service = row.querySelector('.svc')?.textContent;
      row.querySelectorAll('td').forEach((cell) => {
        const version = cell.querySelector('.ver')?.textContent;
        const key = `${service} ${cell.dataset.label}`;
        if (shown.get(key) === version) return;
        shown.set(key, version);
        window.seen.push([key, version, Date.now()]);
      });
    };
    document.querySelectorAll('.wall tbody tr').forEach(look);
    window.seen = [];
    new MutationObserver((changes) => {
      for (const change of changes) for (const node of change.addedNodes) if (node.nodeName === 'TR') look(node);
    }).observe(document.querySelector('.wall tbody'), { childList: true });
";

/// An event that was accepted.
struct Sent {
    cell: String,
    version: &'static str,
    /// Milliseconds since 1970.
    accepted: f64,
}

fn environment(index: usize) -> String {
    format!("env-{}", index + 1)
}

fn service(index: usize) -> String {
    format!("service-{index:03}")
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the browser's clock")]
fn millis() -> f64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds of today fit")]
fn event(id: u64, (place, index): (usize, usize), version: &str, at: f64) -> Value {
    let (account, name) = (format!("{:012}", place + 1), service(index));
    let at = Timestamp::from_millis(at as i64);
    json!({
        "id": format!("e-{id}"), "detail-type": "ECS Task State Change", "source": "aws.ecs",
        "account": account, "region": "eu-west-2", "time": at,
        "detail": {
            "createdAt": at, "desiredStatus": "RUNNING", "lastStatus": "RUNNING",
            "group": format!("service:{name}"),
            "taskDefinitionArn": format!("arn:aws:ecs:eu-west-2:{account}:task-definition/{name}:1"),
            "containers": [{
                "name": name, "lastStatus": "RUNNING",
                "image": format!("{account}.dkr.ecr.eu-west-2.amazonaws.com/bench/wall:{version}"),
            }],
        },
    })
}

fn post(client: &Client, server: &Server, body: &Value) -> anyhow::Result<()> {
    let json = [("content-type", "application/json")];
    let answer = client.send("POST", &server.url("/events"), &json, body.to_string().as_bytes())?;
    ensure!(answer.status < 300, "an event was answered with {}: {}", answer.status, answer.text());
    Ok(())
}

/// A server with all services in all environments.
pub(super) fn filled(bench: &Bench) -> anyhow::Result<Server> {
    let names: Vec<String> = (0..ENVIRONMENTS).map(environment).collect();
    let mut environment = vec![("PORTOLAN_ENVIRONMENTS".to_owned(), names.join(","))];
    for (index, name) in names.iter().enumerate() {
        let variable = format!("PORTOLAN_ENVIRONMENTS_{}", name.to_uppercase().replace('-', "_"));
        environment.push((format!("{variable}_ACCOUNT"), format!("{:012}", index + 1)));
    }
    let server = Server::start(&bench.binary, Options { environment, ..Options::default() })?;
    let publisher = Publisher::new(&server.url(""), "bench/wall");
    for version in VERSIONS {
        publisher.image(version, &Image::builder().label("version", version).build())?;
        let path = format!("/artifacts/bench/wall/{version}");
        server.eventually(&path, Duration::from_secs(30), |answer| answer.status == 200)?;
    }
    let hour_ago = millis() - 3_600_000.0;
    let cells: Vec<_> = (0..SERVICES)
        .flat_map(|index| (0..ENVIRONMENTS).map(move |place| (place, index)))
        .collect();
    for (part, cells) in cells.chunks(200).enumerate() {
        let first = 1_000_000 + part as u64 * 200;
        let events: Vec<Value> = (first..)
            .zip(cells)
            .map(|(id, cell)| event(id, *cell, VERSIONS[0], hour_ago))
            .collect();
        post(&server.client, &server, &Value::Array(events))?;
    }
    let none = |answer: &portolan_testkit::http::Answer| {
        answer.json().is_ok_and(|page| page["total"] == 0)
    };
    for state in ["pending", "dead"] {
        server.eventually(&format!("/events?state={state}"), Duration::from_mins(1), none)?;
    }
    Ok(server)
}

/// Sends its part of the events, each at its time.
fn send(sender: u32, server: &Server, begin: Instant) -> anyhow::Result<Vec<Sent>> {
    let (client, mut sent) = (Client::new(), Vec::new());
    for number in (sender..RATE * SECONDS).step_by(usize::try_from(SENDERS)?) {
        let due = begin + Duration::from_secs_f64(f64::from(number) / f64::from(RATE));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let turn = usize::try_from(number)?;
        let cell = ((turn / SHOWN) % ENVIRONMENTS, turn % SHOWN);
        // Each cell turns to the other version whenever its turn comes.
        let version = VERSIONS[(turn / (SHOWN * ENVIRONMENTS) + 1) % 2];
        post(&client, server, &event(number.into(), cell, version, millis()))?;
        let cell = format!("{} {}", service(cell.1), environment(cell.0));
        sent.push(Sent { cell, version, accepted: millis() });
    }
    Ok(sent)
}

/// Milliseconds from each event's acceptance until it was seen.
fn latencies(sent: &[Sent], seen: &Value) -> anyhow::Result<Vec<f64>> {
    let mut by_cell: HashMap<&str, Vec<(&str, f64)>> = HashMap::new();
    for entry in seen.as_array().context("the page saw nothing")? {
        let text = |place: usize| entry[place].as_str().unwrap_or_default();
        let at = entry[2].as_f64().unwrap_or_default();
        by_cell.entry(text(0)).or_default().push((text(1), at));
    }
    let latency = |sent: &Sent| {
        let seen = by_cell.get(sent.cell.as_str()).map_or(&[][..], Vec::as_slice);
        // It may be seen before its sender has read the answer.
        let fits = |(version, at): &&(&str, f64)| {
            *version == sent.version && (-100.0..LOST).contains(&(at - sent.accepted))
        };
        seen.iter().find(fits).map_or(LOST, |(_, at)| (at - sent.accepted).max(0.0))
    };
    Ok(sent.iter().map(latency).collect())
}

pub(super) fn run(bench: &Bench) -> anyhow::Result<Section> {
    let server = filled(bench)?;
    let browser = Browser::start()?;
    browser.goto(&server.url("/ui/"))?;
    browser.wait_for("#live", "live")?;
    browser.script(WATCH)?;
    let begin = Instant::now() + Duration::from_millis(200);
    let sent = Mutex::new(Vec::new());
    std::thread::scope(|scope| -> anyhow::Result<()> {
        let server = &server;
        let start = |sender| scope.spawn(move || send(sender, server, begin));
        let senders: Vec<_> = (0..SENDERS).map(start).collect();
        for sender in senders {
            let part = sender.join().map_err(|_| anyhow::anyhow!("a sender panicked"))??;
            if let Ok(mut sent) = sent.lock() {
                sent.extend(part);
            }
        }
        Ok(())
    })?;
    let took = begin.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(3));
    let sent = sent.into_inner().unwrap_or_default();
    let mut found = latencies(&sent, &browser.script("return window.seen")?)?;
    found.sort_by(f64::total_cmp);
    let at = |percent: usize| found.get(found.len() * percent / 100).copied();
    let row = |what: &str, ours, floor| Row { what: what.to_owned(), ours, peer: None, floor };
    let worst = at(99).context("no event was sent")?;
    Ok(Section {
        title: "From event to open page",
        method: format!(
            "{SERVICES} services in {ENVIRONMENTS} environments; the wall is open in Chromium on \
             the same machine and shows {SHOWN} of them. {} events are posted at {:.0} a second, \
             each of which changes the version of a service that is shown: from the answer to the \
             `POST` until the version stands in the page. One that is never seen counts as \
             {LOST:.0} ms.",
            sent.len(),
            f64::from(RATE * SECONDS) / took
        ),
        rows: vec![
            row("median, ms", median(&found).unwrap_or(worst), None),
            row("99th percentile, ms", worst, Some(Floor::AtMost(250.0))),
        ],
    })
}
