//! Watching deployments until they are complete, or one of them never will be.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan_model::{Reference, failpoint};
use portolan_store::StepState;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::step::{Rolling, name};
use super::stop::Stop;
use super::story::{explained, story};
use super::tell::Way;
use crate::plan::ServicePlan;
use crate::target::{Look, Started};
use crate::witness::{Expected, Word};

/// A deployment that is watched.
struct Watched<'a> {
    started: &'a Started,
    step: String,
    expected: Expected,
    /// Where it leads.
    way: Way,
    /// Since when it is complete, and events do not say so.
    complete: Option<Instant>,
    /// How far it was when that was recorded last.
    told: Option<Value>,
}

/// Between two times that it is recorded how far deployments are, at least.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Rolling {
    /// Waits until all of `started` are complete, each a step named after `verb`.
    pub(super) async fn watch(
        &self,
        verb: &str,
        services: &[&ServicePlan],
        started: &[Started],
    ) -> Result<(), Stop> {
        let services: BTreeMap<&str, &ServicePlan> =
            services.iter().map(|it| (it.service.as_str(), *it)).collect();
        let mut open = Vec::new();
        for started in started {
            let step = name(verb, &[&started.service]);
            if self.outcome::<Value>(&step)?.is_none() {
                self.keeper.begin(&step, json!({"deployment": started.deployment})).await?;
                let expected = services.get(started.service.as_str()).filter(|_| verb == "watch");
                let expected = expected.map_or_else(Expected::default, |it| expected_of(it));
                let way = if verb == "watch" { Way::Forward } else { Way::Back };
                let (complete, told) = (None, None);
                open.push(Watched { started, step, expected, way, complete, told });
            }
        }
        let deadline = Instant::now() + Duration::from_secs(u64::from(self.options.seconds));
        let mut told_at = None;
        while !open.is_empty() {
            // Nothing comes up at once.
            self.keeper.keep().await?;
            tokio::time::sleep(self.settings.poll).await;
            open = self.look(open, &mut told_at).await?;
            if let Some(late) = open.first().filter(|_| Instant::now() >= deadline) {
                let reason = format!(
                    "service {} was not well after {} seconds",
                    late.started.service, self.options.seconds
                );
                return Err(self.give_up(late, reason).await?);
            }
        }
        Ok(())
    }

    /// Looks once at all; those that are still under way.
    async fn look<'a>(
        &self,
        open: Vec<Watched<'a>>,
        told_at: &mut Option<Instant>,
    ) -> Result<Vec<Watched<'a>>, Stop> {
        let started: Vec<Started> = open.iter().map(|it| it.started.clone()).collect();
        let looks = self.keeper.during(self.patiently(|| self.target.look(&started))).await?;
        let looks = looks.map_err(|error| {
            if self.is_to_wait(&error) {
                Stop::Error(error.into())
            } else {
                Stop::Failed(story(&error))
            }
        })?;
        let tells = told_at.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        let (mut left, mut news) = (Vec::new(), Vec::new());
        for (mut watched, look) in open.into_iter().zip(looks) {
            let service = &watched.started.service;
            let failure = match look {
                Look::Going { desired, running, failed } => {
                    let counts = json!({"desired": desired, "running": running, "failed": failed});
                    if tells && watched.told.as_ref() != Some(&counts) {
                        news.push((watched.step.clone(), counts.clone()));
                        watched.told = Some(counts);
                    }
                    left.push(watched);
                    continue;
                }
                Look::Complete => match self.heard(&mut watched).await? {
                    Word::NotYet => {
                        left.push(watched);
                        continue;
                    }
                    Word::Against(what) => format!("service {service}: {what}"),
                    Word::Silent | Word::Complete => {
                        self.complete(&watched).await?;
                        continue;
                    }
                },
                Look::Failed { reason } => format!("service {service}: {reason}"),
                Look::Replaced { by } => {
                    format!("service {service}: deployment {by} took the place of ours")
                }
                Look::Gone => format!("service {service} is being removed"),
            };
            return Err(self.give_up(&watched, failure).await?);
        }
        if !news.is_empty() {
            *told_at = Some(Instant::now());
            self.keeper.tell(news).await?;
        }
        Ok(left)
    }

    async fn complete(&self, watched: &Watched<'_>) -> Result<(), Stop> {
        failpoint::hit("rollout.after-act");
        self.tell(watched.started, watched.way).await?;
        let outcome = json!({"deployment": watched.started.deployment});
        self.keeper.end(&watched.step, StepState::Done, outcome).await?;
        failpoint::hit("rollout.after-step");
        Ok(())
    }

    /// What events say of a deployment that is said to be complete. Those that are late for longer
    /// than a while are not waited for.
    async fn heard(&self, watched: &mut Watched<'_>) -> Result<Word, Stop> {
        if !self.target.is_heard() {
            // What events say there is what was just looked at.
            return Ok(Word::Silent);
        }
        let word = self.witness.word(watched.started, &watched.expected).await?;
        let since = *watched.complete.get_or_insert_with(Instant::now);
        if word == Word::NotYet && since.elapsed() >= self.settings.grace {
            tracing::warn!(
                service = watched.started.service,
                "events are late, and not waited for"
            );
            return Ok(Word::Silent);
        }
        Ok(word)
    }

    async fn give_up(&self, watched: &Watched<'_>, reason: String) -> Result<Stop, Stop> {
        self.tell_failure(watched.started, watched.way, &reason).await?;
        let why = self.patiently(|| self.target.explain(watched.started));
        let why = self.keeper.during(why).await?.unwrap_or_else(|error| {
            tracing::warn!(error = story(&error), "why it failed cannot be told");
            crate::target::Explanation::default()
        });
        let reason = explained(&reason, &why);
        Ok(self.failed(&watched.step, reason, json!(why)).await?)
    }
}

fn expected_of(service: &ServicePlan) -> Expected {
    let images = service.containers.iter().filter_map(|container| {
        let reference: Reference = container.will_name.parse().ok()?;
        Some((reference.repository, container.digest))
    });
    Expected { images: images.collect::<BTreeSet<_>>() }
}
