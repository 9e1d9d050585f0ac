//! Made-up histories of ECS services: what EventBridge would say of them, and what was really so.
//!
//! A story is rollouts that succeed, fail and are rolled back, and crash loops, over several accounts.
//! Its events have the fields that ECS sends. Its tasks say from when to when each was in which
//! phase, so that a test can compare what it was told with what was true.

mod body;

use portolan_model::Digest;

use crate::Image;
use crate::random::Random;

/// What a story is about. Equal recipes make equal stories.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// What makes it differ from others.
    pub seed: u64,
    /// Accounts, each an environment.
    pub accounts: Vec<String>,
    /// Services in each account: `service-0`, `service-1`, …
    pub services: usize,
    /// Rollouts of each service in each account.
    pub rollouts: usize,
    /// Tasks of each deployment at most.
    pub tasks: u64,
    /// Versions of each service; past the last the first is rolled out again.
    pub versions: u64,
    /// When it begins, in milliseconds since 1970.
    pub begin: i64,
}

/// A made-up history.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What was said, in the order in which it happened.
    pub events: Vec<Said>,
    /// What was so.
    pub tasks: Vec<TrueTask>,
    /// The rollouts, oldest first in each account and service.
    pub rollouts: Vec<TrueRollout>,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Said {
    /// When it happened, in milliseconds since 1970.
    pub at: i64,
    /// The body of the message.
    pub body: String,
}

/// A task as it really was. Moments are milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct TrueTask {
    /// Its ARN.
    pub arn: String,
    /// The account that it ran in.
    pub account: String,
    /// The service.
    pub service: String,
    /// The version of the image.
    pub version: u64,
    /// That image.
    pub digest: Digest,
    /// The deployment.
    pub deployment: String,
    /// When it was made.
    pub created: i64,
    /// When it began to run, where it did.
    pub running: Option<i64>,
    /// When it was to stop, where it was.
    pub stopping: Option<i64>,
    /// When it had stopped, where it had.
    pub stopped: Option<i64>,
}

/// How a rollout really went.
#[derive(Debug, Clone)]
pub struct TrueRollout {
    /// The account.
    pub account: String,
    /// The service.
    pub service: String,
    /// `ecs-svc/NUMBER`.
    pub deployment: String,
    /// The version of the image.
    pub version: u64,
    /// When it began.
    pub begun: i64,
    /// When it was complete, where it was.
    pub completed: Option<i64>,
    /// When it had failed, where it had.
    pub failed: Option<i64>,
}

/// The image that is a version of a service in a story: it has the label that says so, and no layers.
pub fn image(service: &str, version: u64) -> Image {
    Image::builder()
        .label("defra.cdp.service.name", service)
        .label("org.opencontainers.image.version", &tag(version))
        .build()
}

/// The tag of a version.
pub fn tag(version: u64) -> String {
    format!("1.{version}.0")
}

/// The digest of [`image`].
pub fn digest(service: &str, version: u64) -> Digest {
    image(service, version).digest()
}

impl TrueTask {
    /// Whether it ran at `at`.
    pub fn runs(&self, at: i64) -> bool {
        let end = [self.stopping, self.stopped].into_iter().flatten().min();
        self.running.is_some_and(|from| from <= at) && end.is_none_or(|end| at < end)
    }
}

impl Story {
    /// The story of `recipe`.
    pub fn of(recipe: &Recipe) -> Self {
        let mut told = Self::default();
        for (number, account) in recipe.accounts.iter().enumerate() {
            for service in 0..recipe.services {
                let seed = recipe.seed ^ ((number as u64) << 40) ^ ((service as u64) << 20);
                let mut line = Line {
                    random: Random::new(seed),
                    account: account.clone(),
                    service: format!("service-{service}"),
                    now: recipe.begin + i64::try_from(service).unwrap_or_default() * 7,
                    alive: Vec::new(),
                    version: 0,
                    image: Digest::of(b""),
                    story: &mut told,
                };
                for _ in 0..recipe.rollouts {
                    line.rollout(recipe.tasks, recipe.versions);
                }
            }
        }
        told.events.sort_by_key(|said| said.at);
        told
    }
}

/// The history of one service in one account, as it is being made up.
struct Line<'a> {
    random: Random,
    account: String,
    service: String,
    now: i64,
    /// Tasks of the deployment before.
    alive: Vec<usize>,
    /// The version that runs.
    version: u64,
    /// The image that is being rolled out.
    image: Digest,
    story: &'a mut Story,
}

impl Line<'_> {
    fn pass(&mut self, most: u64) -> i64 {
        self.now += 1 + i64::try_from(self.random.below(most)).unwrap_or_default();
        self.now
    }

    fn rollout(&mut self, most: u64, versions: u64) {
        let version = (self.version + self.random.below(2)) % versions.max(1) + 1;
        let tasks = 1 + self.random.below(most);
        let fate = self.random.below(10);
        if fate == 0 {
            self.fail(version, tasks);
            // The circuit breaker goes back to what ran before.
            if self.version > 0 {
                self.succeed(self.version, tasks, 0);
            }
        } else {
            let crashes = if fate == 1 { 5 } else { 0 };
            self.succeed(version, tasks, crashes);
            self.version = version;
        }
        self.pass(3_600_000);
    }

    fn begin(&mut self, version: u64) -> String {
        self.image = digest(&self.service, version);
        let number = 1_000_000_000_000_000_000 + self.random.below(8_000_000_000_000_000_000);
        let deployment = format!("ecs-svc/{number}");
        let begun = self.pass(1000);
        self.say_rollout(&deployment, "IN_PROGRESS", "in progress.");
        self.story.rollouts.push(TrueRollout {
            account: self.account.clone(),
            service: self.service.clone(),
            deployment: deployment.clone(),
            version,
            begun,
            completed: None,
            failed: None,
        });
        deployment
    }

    fn succeed(&mut self, version: u64, tasks: u64, crashes: u64) {
        let deployment = self.begin(version);
        for _ in 0..crashes {
            self.crash(&deployment, version);
        }
        let started: Vec<usize> = (0..tasks).map(|_| self.start(&deployment, version)).collect();
        for task in std::mem::replace(&mut self.alive, started) {
            self.stop(task);
        }
        let completed = self.pass(2000);
        self.say_rollout(&deployment, "COMPLETED", "completed.");
        if let Some(rollout) = self.story.rollouts.last_mut() {
            rollout.completed = Some(completed);
        }
    }

    fn fail(&mut self, version: u64, tasks: u64) {
        let deployment = self.begin(version);
        for _ in 0..tasks.max(3) {
            self.crash(&deployment, version);
        }
        let failed = self.pass(2000);
        self.say_rollout(&deployment, "FAILED", "failed: tasks failed to start.");
        if let Some(rollout) = self.story.rollouts.last_mut() {
            rollout.failed = Some(failed);
        }
    }

    fn say_rollout(&mut self, deployment: &str, state: &str, reason: &str) {
        let body = body::rollout(self, deployment, state, reason);
        self.story.events.push(Said { at: self.now, body });
    }

    fn create(&mut self, deployment: &str, version: u64) -> usize {
        let created = self.pass(500);
        let id = format!("{:016x}{:016x}", self.random.next(), self.random.next());
        let arn = format!("arn:aws:ecs:eu-west-2:{}:task/main/{id}", self.account);
        self.story.tasks.push(TrueTask {
            arn,
            account: self.account.clone(),
            service: self.service.clone(),
            version,
            digest: self.image,
            deployment: deployment.to_owned(),
            created,
            running: None,
            stopping: None,
            stopped: None,
        });
        self.story.tasks.len() - 1
    }

    fn start(&mut self, deployment: &str, version: u64) -> usize {
        let task = self.create(deployment, version);
        self.say(task, 1, "PROVISIONING", "RUNNING", None);
        self.pass(3000);
        self.say(task, 2, "PENDING", "RUNNING", None);
        self.story.tasks[task].running = Some(self.pass(8000));
        self.say(task, 3, "RUNNING", "RUNNING", None);
        task
    }

    fn crash(&mut self, deployment: &str, version: u64) {
        let task = self.create(deployment, version);
        self.say(task, 1, "PROVISIONING", "RUNNING", None);
        self.pass(2000);
        self.say(task, 2, "PENDING", "RUNNING", None);
        let stopped = self.pass(2000);
        self.story.tasks[task].stopping = Some(stopped);
        self.story.tasks[task].stopped = Some(stopped);
        self.say(task, 3, "STOPPED", "STOPPED", Some(("EssentialContainerExited", 1)));
    }

    fn stop(&mut self, task: usize) {
        self.story.tasks[task].stopping = Some(self.pass(1000));
        let why = ("ServiceSchedulerInitiated", 143);
        self.say(task, 4, "RUNNING", "STOPPED", None);
        self.pass(1000);
        self.say(task, 5, "DEPROVISIONING", "STOPPED", Some(why));
        self.story.tasks[task].stopped = Some(self.pass(9000));
        self.say(task, 6, "STOPPED", "STOPPED", Some(why));
    }

    fn say(
        &mut self,
        task: usize,
        version: u64,
        last: &str,
        desired: &str,
        stop: Option<(&str, i64)>,
    ) {
        let body = body::task(&self.story.tasks[task], self.now, version, last, desired, stop);
        self.story.events.push(Said { at: self.now, body });
    }
}
