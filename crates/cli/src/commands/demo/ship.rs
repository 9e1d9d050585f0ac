//! What is done and asked in the story: each a few requests to the server, as any client makes them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use portolan_model::Digest;
use serde_json::{Value, json};
use url::form_urlencoded::byte_serialize;

use super::packages::{self, Packages};
use crate::api::releases::{Release, Rollout};
use crate::api::{Api, FileQuery, Request};
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// The project of the example.
pub(super) const PROJECT: &str = "harbour";
/// How often it is looked whether something has come to its end.
const LOOK: Duration = Duration::from_millis(150);
/// How long anything but a rollout may take.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long the services of one wave may take to come up, in seconds.
const WAVE: u32 = 120;
/// How long a rollout may take, with its way back.
const ROLLOUT: Duration = Duration::from_mins(10);

/// Does and asks, on behalf of somebody.
pub(super) struct Shipping<'a> {
    pub(super) api: &'a Api,
    /// Who does it.
    pub(super) by: String,
}

/// How a rollout was ordered and how it ended.
pub(super) struct Shipped {
    pub(super) rollout: Rollout,
    /// Services that were changed, and those that ran what they shall.
    pub(super) changed: Vec<String>,
    pub(super) kept: Vec<String>,
    /// What should be known of where it went.
    pub(super) notes: Vec<String>,
}

impl Shipped {
    pub(super) fn is_done(&self) -> bool {
        self.rollout.state == "succeeded"
    }

    /// The failure that this is where it should have been done.
    pub(super) fn done(self) -> Outcome<Self> {
        if self.is_done() {
            return Ok(self);
        }
        let Rollout { environment, state, reason, .. } = &self.rollout;
        let why = reason.as_deref().unwrap_or("it does not say why");
        Err(Failure::new(Code::OtherSide, format!("the rollout to {environment} {state}: {why}")))
    }
}

fn late(what: &str) -> Failure {
    Failure::new(Code::TimedOut, format!("{what} took too long"))
}

/// `text` as one part of a path or a query.
pub(super) fn part(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

impl Shipping<'_> {
    /// `GET`.
    pub(super) async fn ask(&self, at: &str) -> Outcome<Value> {
        self.api.send(Request::get(at.to_owned())).await?.json()
    }

    /// Waits until an image was scanned; how many files it has.
    pub(super) async fn scanned(&self, digest: &Digest) -> Outcome<u64> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.api.image(digest).await {
                Ok(image) if image.state.as_deref() == Some("scanned") => {
                    return Ok(image.file_count.unwrap_or_default());
                }
                Ok(image) if image.state.as_deref() == Some("failed") => {
                    let why = image.error.unwrap_or_default();
                    return Err(Failure::new(Code::OtherSide, format!("the scan failed: {why}")));
                }
                Ok(_) => {}
                // Its push has not been acted on yet.
                Err(failure) if failure.code == Code::NotFound => {}
                Err(failure) => return Err(failure),
            }
            if Instant::now() >= deadline {
                return Err(late("the scan"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The packages that the files of an image name, by the path of the file.
    pub(super) async fn packages(&self, digest: &Digest) -> Outcome<BTreeMap<String, Packages>> {
        let kept = FileQuery { kept: true, ..FileQuery::default() };
        let mut found = BTreeMap::new();
        for file in self.api.files(digest, &kept, None).await?.files {
            let bytes = self.api.contents(&file.layer, &file.path).await?;
            let named = packages::read(&file.path, &String::from_utf8_lossy(&bytes));
            if !named.is_empty() {
                found.insert(file.path, named);
            }
        }
        Ok(found)
    }

    /// Prepares a release of what a tag points to.
    pub(super) async fn prepare(&self, tag: &str, description: &str) -> Outcome<Release> {
        let wish = json!({
            "project": PROJECT,
            "from": {"tag": tag},
            "description": description,
            "by": self.by,
        });
        self.api.prepare(&wish).await
    }

    /// Plans bringing a release to an environment, orders exactly that, and waits for its end.
    pub(super) async fn deploy(&self, release: &str, environment: &str) -> Outcome<Shipped> {
        self.ship(json!({
            "project": PROJECT,
            "environment": environment,
            "release": release,
            "by": self.by,
        }))
        .await
    }

    /// The same for what was there before.
    pub(super) async fn roll_back(&self, environment: &str) -> Outcome<Shipped> {
        self.ship(json!({
            "project": PROJECT,
            "environment": environment,
            "rollback": {},
            "by": self.by,
        }))
        .await
    }

    async fn ship(&self, wish: Value) -> Outcome<Shipped> {
        let planned = self.api.plan(&wish).await?;
        if !planned.refused.is_empty() {
            let why = planned.refused.join("; ");
            return Err(Failure::new(Code::Conflict, format!("it cannot be deployed: {why}")));
        }
        let (plan, mut options) = (planned.plan, planned.options);
        options.seconds = WAVE;
        let changed: Vec<String> = plan.changed().map(|it| it.service.clone()).collect();
        let is_kept = |service: &String| !changed.contains(service);
        let all = plan.services.iter().map(|it| it.service.clone());
        let (kept, notes) = (all.filter(is_kept).collect(), plan.notes.clone());
        let order = json!({
            "project": PROJECT,
            "environment": wish["environment"],
            "release": plan.release,
            "plan": plan,
            "options": options,
            "by": self.by,
        });
        let mut rollout = self.api.order(&order).await?;
        let deadline = Instant::now() + ROLLOUT;
        while !rollout.is_over() {
            if Instant::now() >= deadline {
                return Err(late("the rollout"));
            }
            tokio::time::sleep(LOOK).await;
            rollout = self.api.rollout(&rollout.id).await?;
        }
        Ok(Shipped { rollout, changed, kept, notes })
    }

    /// What runs in an environment of these services, as soon as what is told of it is what `is_so`
    /// waits for.
    pub(super) async fn running(
        &self,
        environment: &str,
        is_so: impl Fn(&[Value]) -> bool,
    ) -> Outcome<Vec<Value>> {
        let deadline = Instant::now() + PATIENCE;
        let at = format!("/whats-running-where?environments={}", part(environment));
        loop {
            let running: Vec<Value> = serde_json::from_value(self.ask(&at).await?)
                .map_err(|error| Failure::bug(&error))?;
            if is_so(&running) {
                return Ok(running);
            }
            if Instant::now() >= deadline {
                return Err(late(&format!("what is told of {environment}")));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
