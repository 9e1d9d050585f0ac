//! How fast events are taken in, acted on, and made anew: journal and projection, durably.
//!
//! `cargo bench -p portolan-tracker --bench ingest [-- sqlite|postgres]` prints one line of JSON:
//! events a second into the journal and through the projection, of a rebuild, and, for comparison, of
//! bare inserts of a hundred rows for each commit on the same engine.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use portolan_model::{Clock, EventId, Ids, Timestamp, media};
use portolan_store::{ImageKind, JournalFilter, NewEntry, Page, Payload, Store, StoreOptions};
use portolan_testkit::story::{self, Recipe, Story};
use portolan_tracker::{Backlog, Environment, Intake, Message, Places, Rules, Tracker};

/// Events that are taken in at least.
const EVENTS: usize = 100_000;
/// Ways in that hand messages over at a time.
const WAYS: usize = 32;
/// Messages in one batch of a way in: ten receives of SQS.
const BATCH: usize = 100;

#[derive(Debug)]
struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "a benchmark tells the time itself")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }
}

/// Identities that sort as they are made, as `UUIDv7` does.
#[derive(Debug, Default)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1) << 32)
    }
}

fn main() {
    let engine = std::env::args().nth(1).filter(|name| !name.starts_with('-'));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    if engine.as_deref() == Some("postgres") {
        let database = portolan_testkit::postgres::database().unwrap();
        runtime.block_on(run("postgres", database.url()));
    } else {
        let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
        runtime.block_on(run("sqlite", url));
    }
}

async fn run(engine: &str, url: String) {
    let ids = Arc::new(Sequence::default());
    let store = Store::open(&StoreOptions::new(url), Arc::new(System), ids).await.unwrap();
    let accounts = ["111111111111", "222222222222", "333333333333"];
    let (bodies, images) = bodies(&accounts);
    know(&store, images).await;
    let places = accounts.map(|account| Environment {
        name: format!("e{account}"),
        account: Some(account.to_owned()),
        ..Environment::default()
    });
    let rules = Rules { places: Places::new(places.to_vec()), ..Rules::default() };
    let tracker = Tracker::new(store.clone(), rules);
    let bare = bare(&store).await;
    let given = bodies.len();
    let (ingest, cpu) = ingest(&store, &tracker, bodies).await;
    let known = store.journal(&JournalFilter::default(), Page::first(0)).await.unwrap().total;
    let start = Instant::now();
    let events = tracker.rebuild().await.unwrap();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let rate = |count: u64, seconds: f64| (count as f64 / seconds).round();
    let rebuild = rate(events, start.elapsed().as_secs_f64());
    let ingest = rate(given as u64, ingest);
    println!(
        "{}",
        serde_json::json!({
            "engine": engine, "given": given, "distinct": known, "ingestPerSecond": ingest,
            "cpuSeconds": cpu, "rebuildPerSecond": rebuild, "barePerSecond": bare,
        })
    );
}

/// A story's bodies, five in a hundred twice, shuffled.
fn bodies(accounts: &[&str]) -> (Vec<String>, BTreeSet<(String, u64)>) {
    let story = Story::of(&Recipe {
        seed: 1,
        accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
        services: 60,
        rollouts: 32,
        tasks: 5,
        versions: 1000,
        begin: 1_780_000_000_000,
    });
    let images = story.tasks.iter().map(|task| (task.service.clone(), task.version)).collect();
    let mut bodies: Vec<(u64, String)> = Vec::with_capacity(EVENTS);
    for (number, said) in story.events.into_iter().enumerate().take(EVENTS * 100 / 105) {
        let place = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        if number % 20 == 0 {
            bodies.push((place.rotate_left(31), said.body.clone()));
        }
        bodies.push((place, said.body));
    }
    bodies.sort_unstable();
    (bodies.into_iter().map(|(_, body)| body).collect(), images)
}

/// Makes images known, as their scans do.
async fn know(store: &Store, images: BTreeSet<(String, u64)>) {
    for (service, version) in images {
        let (digest, now) = (story::digest(&service, version), store.now());
        let repository = service.parse().unwrap();
        let write = store.write(move |tx| {
            Box::pin(async move {
                let (kind, media_type) = (ImageKind::Image, media::OCI_MANIFEST);
                tx.see_image(&repository, &digest, media_type, kind, now).await?;
                tx.image_failed(&digest, "its layers are made up", now).await
            })
        });
        write.await.unwrap();
    }
}

/// Seconds of wall and of CPU from the first message until the last was acted on.
async fn ingest(store: &Store, tracker: &Tracker, bodies: Vec<String>) -> (f64, f64) {
    let intake = Intake::new(store.clone());
    let (start, used) = (Instant::now(), cpu());
    let mut wakes = store.journal_wakes();
    let mut backlog = Backlog::new(tracker.clone());
    let given = Arc::new(AtomicU64::new(0));
    let mut ways = tokio::task::JoinSet::new();
    let bodies = Arc::new(bodies);
    for way in 0..WAYS {
        let (intake, bodies, given) = (intake.clone(), bodies.clone(), given.clone());
        ways.spawn(async move {
            for batch in bodies.chunks(BATCH).skip(way).step_by(WAYS) {
                let message = |body: &String| Message {
                    source: "bench".to_owned(),
                    body: body.clone(),
                    id: None,
                    sent_at: None,
                };
                intake.take(batch.iter().map(message).collect()).await.unwrap();
            }
            given.fetch_add(1, Ordering::SeqCst);
        });
    }
    loop {
        wakes.borrow_and_update();
        let done = given.load(Ordering::SeqCst) == WAYS as u64;
        let waiting = backlog.next().await.unwrap();
        if !waiting.entries.is_empty() {
            tracker.commit(waiting.understood).await.unwrap();
        } else if done {
            break;
        } else {
            wakes.changed().await.unwrap();
        }
    }
    (start.elapsed().as_secs_f64(), cpu() - used)
}

/// Rows a second of bare inserts, a hundred for each commit, from as many ways at once.
async fn bare(store: &Store) -> f64 {
    let rows = 40_000_u64;
    let start = Instant::now();
    let mut ways = tokio::task::JoinSet::new();
    for way in 0..WAYS as u64 {
        let store = store.clone();
        ways.spawn(async move {
            for batch in 0..rows / BATCH as u64 / WAYS as u64 {
                let entries = (0..BATCH)
                    .map(|number| NewEntry {
                        id: EventId::new(store.ids()),
                        source: "bare".to_owned(),
                        kind: "bare".to_owned(),
                        dedupe_key: format!("{way} {batch} {number}"),
                        occurred_at: Timestamp::from_millis(0),
                        payload: Payload::of(""),
                        dead: Some(String::new()),
                    })
                    .collect();
                let now = store.now();
                let write = store.write(move |tx| {
                    Box::pin(async move { tx.append_entries(entries, now).await })
                });
                write.await.unwrap();
            }
        });
    }
    ways.join_all().await;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let rows = rows as f64;
    (rows / start.elapsed().as_secs_f64()).round()
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<f64> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    (fields[11] + fields[12]) / 100.0
}
