//! One step: recorded, done, recorded.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use portolan_model::{Timestamp, failpoint};
use portolan_store::{RolloutStep, StepState};
use portolan_tracker::Intake;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::keeper::Keeper;
use super::stop::{RunError, Stop};
use super::story::story;
use super::{Options, Settings};
use crate::plan::Plan;
use crate::target::{Found, TargetError};
use crate::witness::Witness;
use crate::{Images, Target};

/// A rollout that is being done.
#[derive(Debug)]
pub(super) struct Rolling {
    pub(super) plan: Plan,
    /// The services, as they were when this process began.
    pub(super) seen: BTreeMap<String, Found>,
    pub(super) options: Options,
    pub(super) settings: Settings,
    pub(super) keeper: Keeper,
    pub(super) target: Arc<dyn Target>,
    pub(super) images: Arc<dyn Images>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) intake: Intake,
    /// Who ordered it.
    pub(super) by: String,
    /// What was recorded before this process began.
    pub(super) known: HashMap<String, RolloutStep>,
    /// The definitions that this process made, by service.
    pub(super) made: Mutex<HashMap<String, String>>,
    /// When it is too late to wait for what may go through later, and time to go back.
    pub(super) patience: Timestamp,
    /// Whether it is on its way back, on which nothing is given up.
    pub(super) is_undoing: AtomicBool,
}

/// A step's name: what is done, and to what.
pub(super) fn name(verb: &str, parts: &[&str]) -> String {
    format!("{verb}:{}", parts.join(":"))
}

/// Whether the step of this name changes what runs, or where a tag points.
pub fn is_change(name: &str) -> bool {
    name.starts_with("start:") || name.starts_with("tag:")
}

impl Rolling {
    /// What a step came to that was done before this process began.
    pub(super) fn outcome<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Stop> {
        let Some(step) = self.known.get(name) else { return Ok(None) };
        match (step.state, &step.outcome) {
            (StepState::Done, Some(value)) => Ok(Some(read("outcome of a step", value)?)),
            (StepState::Failed, Some(value)) => {
                Err(Stop::Failed(value["reason"].as_str().unwrap_or("it failed").to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// What a step was about to do whose doer died, where there is such a step: it may have been
    /// done.
    pub(super) fn intent<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Stop> {
        let begun = self.known.get(name).filter(|step| step.state == StepState::Begun);
        Ok(begun.map(|step| read("intent of a step", &step.intent)).transpose()?)
    }

    /// The definition that was made for a service; none where none was.
    pub(super) fn definition(&self, service: &str) -> Result<Option<String>, Stop> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(service).cloned();
        if made.is_some() {
            return Ok(made);
        }
        self.outcome(&name("define", &[service]))
    }

    /// Makes a step, unless it was made before; what it came to.
    pub(super) async fn step<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        intent: &impl Serialize,
        act: impl Future<Output = Result<T, TargetError>>,
    ) -> Result<T, Stop> {
        if let Some(outcome) = self.outcome(name)? {
            return Ok(outcome);
        }
        self.keeper.begin(name, to_value(intent)).await?;
        failpoint::hit("rollout.before-act");
        let done = self.keeper.during(act).await?;
        failpoint::hit("rollout.after-act");
        let result = match done {
            Ok(outcome) => {
                self.keeper.end(name, StepState::Done, to_value(&outcome)).await?;
                Ok(outcome)
            }
            Err(error) => return Err(self.stopped(name, error).await),
        };
        failpoint::hit("rollout.after-step");
        result
    }

    /// What it means that a step could not be made. Where nobody answered, or asked for other
    /// credentials, the step is as it was: whoever comes next makes it.
    async fn stopped(&self, name: &str, error: TargetError) -> Stop {
        if self.is_to_wait(&error) {
            return Stop::Error(error.into());
        }
        self.failed(name, story(&error), Value::Null).await.unwrap_or_else(Stop::Error)
    }

    /// Whether what failed is left for later, and not taken back.
    pub(super) fn is_to_wait(&self, error: &TargetError) -> bool {
        let is_undoing = self.is_undoing.load(Ordering::Relaxed);
        error.transient && (is_undoing || self.keeper.now() < self.patience)
    }

    /// Records that a step failed, and why.
    pub(super) async fn failed(
        &self,
        name: &str,
        reason: String,
        why: Value,
    ) -> Result<Stop, RunError> {
        let outcome = json!({"reason": reason, "why": why});
        self.keeper.end(name, StepState::Failed, outcome).await?;
        Ok(Stop::Failed(reason))
    }

    /// What `ask` comes to, asked again where that may help.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, TargetError>
    where
        F: Future<Output = Result<T, TargetError>>,
    {
        let mut pause = self.settings.again;
        let mut attempt = 1;
        loop {
            match ask().await {
                Err(error) if error.transient && attempt < self.settings.attempts => {
                    tracing::warn!(error = story(&error), attempt, "once more");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

fn to_value(value: &impl Serialize) -> Value {
    // What is recorded are structs with texts for keys, which always have a JSON form.
    serde_json::to_value(value).unwrap_or_default()
}

pub(super) fn read<T: DeserializeOwned>(what: &'static str, value: &Value) -> Result<T, RunError> {
    T::deserialize(value).map_err(|source| RunError::Unreadable { what, source })
}
