//! What the fake knows, and its time.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::FakeEcs;
use super::definitions::Definitions;
use super::dynamo::Table;
use super::fate::Fate;
use super::logs::Lines;
use super::registry::Repository;
use super::service::Live;
use super::sts::Sessions;
use super::task::Task;
use super::trouble::Troubles;

/// What is wrong with a call: AWS's name for it, and a sentence.
pub(super) type Refusal = (String, String);

/// When the fake's time begins, in seconds since 1970.
const BEGINNING: f64 = 1_790_000_000.0;

/// What it knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) region: String,
    pub(super) account: String,
    /// The present moment, in seconds since 1970.
    pub(super) now: f64,
    /// Since when on the wall time has been taken into account, and how many seconds pass in one.
    running: Option<(Instant, f64)>,
    /// Time that is not yet a whole second.
    owed: f64,
    /// What numbers are made from.
    made: u64,
    pub(super) clusters: BTreeMap<String, Cluster>,
    pub(super) definitions: Definitions,
    pub(super) repositories: BTreeMap<String, Repository>,
    pub(super) tables: BTreeMap<String, Table>,
    /// The targets of `EventBridge`'s rules.
    pub(super) rules: BTreeMap<String, Vec<Value>>,
    pub(super) fates: HashMap<String, Fate>,
    pub(super) sayings: HashMap<String, Vec<String>>,
    pub(super) logs: BTreeMap<(String, String), Lines>,
    pub(super) sessions: Sessions,
    /// Tasks that were run once, by the token of the call.
    pub(super) run: HashMap<String, (String, String)>,
    pub(super) troubles: Troubles,
    /// Items of a page at most, where that is less than AWS's own.
    pub(super) page: Option<usize>,
}

/// The services of a cluster by name, and its tasks by ARN.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) services: BTreeMap<String, Service>,
    pub(super) tasks: BTreeMap<String, Task>,
}

/// A service.
#[derive(Debug)]
pub(super) enum Service {
    /// One that a test set, as it is described. Nothing becomes of it.
    Set(Value),
    /// One that rolls out.
    Live(Box<Live>),
}

impl State {
    pub(super) fn new(account: &str, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
            now: BEGINNING,
            running: None,
            owed: 0.0,
            made: 0,
            clusters: BTreeMap::new(),
            definitions: Definitions::default(),
            repositories: BTreeMap::new(),
            tables: BTreeMap::new(),
            rules: BTreeMap::new(),
            fates: HashMap::new(),
            sayings: HashMap::new(),
            logs: BTreeMap::new(),
            sessions: Sessions::default(),
            run: HashMap::new(),
            troubles: Troubles::default(),
            page: None,
        }
    }

    /// `arn:aws:ecs:REGION:ACCOUNT:` and `rest`.
    pub(super) fn arn(&self, rest: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{rest}", self.region, self.account)
    }

    /// A number that was not given before, of 19 digits.
    pub(super) fn number(&mut self) -> u64 {
        self.made += 1;
        // An odd factor keeps them apart; the numbers only have to look like AWS's.
        1_000_000_000_000_000_000
            + self.made.wrapping_mul(6_364_136_223_846_793_005) % 8_000_000_000_000_000_000
    }

    /// 32 hexadecimal digits that were not given before.
    pub(super) fn name(&mut self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }

    /// Lets time pass, in steps of a second.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.owed += seconds;
        while self.owed >= 1.0 {
            self.owed -= 1.0;
            self.now += 1.0;
            self.step();
        }
    }

    /// Takes into account what has passed on the wall.
    pub(super) fn catch_up(&mut self) {
        if let Some((since, speed)) = self.running {
            let now = Instant::now();
            self.running = Some((now, speed));
            self.pass(now.duration_since(since).as_secs_f64() * speed);
        }
    }
}

impl FakeEcs {
    /// Lets `time` pass.
    pub fn advance(&self, time: Duration) {
        self.lock().pass(time.as_secs_f64());
    }

    /// Lets time pass by itself from now on, `speed` seconds in each second on the wall; 0 lets it
    /// stand still again. A step is a second of the fake's.
    pub fn run(&self, speed: f64) {
        let mut state = self.lock();
        state.catch_up();
        state.running = (speed > 0.0).then(|| (Instant::now(), speed));
    }

    /// Lets the present moment be `now`, in seconds since 1970, before anything is in it.
    pub fn begin_at(&self, now: f64) {
        self.lock().now = now;
    }

    /// The fake's present moment, in seconds since 1970.
    pub fn now(&self) -> f64 {
        let mut state = self.lock();
        state.catch_up();
        state.now
    }
}
