//! Steps of a rollout: what is about to be done is recorded before, what it came to after.

use std::str::FromStr;

use portolan_model::{RolloutId, Timestamp};
use serde_json::Value;

use super::lease::PlaceLease;
use crate::row::{Row, json_text, sql};
use crate::{Store, StoreError, Tx};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// It may have been done, in part or in whole.
    Begun,
    /// It is done.
    Done,
    /// It failed.
    Failed,
}

impl StepState {
    /// The word in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for StepState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Begun, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a step"))
    }
}

/// A step of a rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutStep {
    /// The rollout.
    pub rollout: RolloutId,
    /// What it is called, once in a rollout.
    pub name: String,
    /// Its place in the order in which the steps were begun.
    pub position: u64,
    /// How it stands.
    pub state: StepState,
    /// What is to be done, as JSON.
    pub intent: Value,
    /// What it came to, as JSON; how far it is, where it has not come to an end and that is known.
    pub outcome: Option<Value>,
    /// When it was first begun.
    pub started_at: Timestamp,
    /// When it came to an end.
    pub finished_at: Option<Timestamp>,
}

impl RolloutStep {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            rollout: row.parsed("rollout")?,
            name: row.text("name")?,
            position: row.count("position")?,
            state: row.parsed("state")?,
            intent: row.json("intent")?,
            outcome: row.opt_text("outcome")?.map(|_| row.json("outcome")).transpose()?,
            started_at: row.time("started_at")?,
            finished_at: row.opt_time("finished_at")?,
        })
    }
}

impl Tx {
    /// Records that a step is begun, and prolongs the lease until `until`; false where the lease
    /// was lost. The first intent of a step stands.
    pub async fn begin_step(
        &mut self,
        lease: &PlaceLease,
        name: &str,
        intent: &Value,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.keep_environment(lease, until).await? {
            return Ok(false);
        }
        let insert = sql("INSERT INTO rollout_step (rollout, name, position, state, intent, \
             started_at) SELECT $1, $2, COALESCE(MAX(position), 0) + 1, 'begun', $3, $4 \
             FROM rollout_step WHERE rollout = $1 ON CONFLICT (rollout, name) DO NOTHING")
        .bind(lease.rollout.to_string())
        .bind(name)
        .bind(json_text(intent))
        .bind(now);
        self.run(insert).await?;
        Ok(true)
    }

    /// Records how far steps are that have not come to an end, by name; false where the lease was
    /// lost.
    pub async fn tell_steps(
        &mut self,
        lease: &PlaceLease,
        told: &[(String, Value)],
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.keep_environment(lease, until).await? {
            return Ok(false);
        }
        for (name, progress) in told {
            let update = sql("UPDATE rollout_step SET outcome = $3 \
                 WHERE rollout = $1 AND name = $2 AND state = 'begun'")
            .bind(lease.rollout.to_string())
            .bind(name.as_str())
            .bind(json_text(progress));
            self.run(update).await?;
        }
        Ok(true)
    }

    /// Records what a step came to, and prolongs the lease until `until`; false where the lease was
    /// lost.
    pub async fn end_step(
        &mut self,
        lease: &PlaceLease,
        name: &str,
        state: StepState,
        outcome: &Value,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        if !self.keep_environment(lease, until).await? {
            return Ok(false);
        }
        let update = sql("UPDATE rollout_step SET state = $3, outcome = $4, finished_at = $5 \
             WHERE rollout = $1 AND name = $2")
        .bind(lease.rollout.to_string())
        .bind(name)
        .bind(state.name())
        .bind(json_text(outcome))
        .bind(now);
        Ok(self.run(update).await? == 1)
    }
}

impl Store {
    /// The steps of a rollout, in the order in which they were begun.
    pub async fn rollout_steps(&self, rollout: RolloutId) -> Result<Vec<RolloutStep>, StoreError> {
        let select = sql("SELECT * FROM rollout_step WHERE rollout = $1 ORDER BY position, name")
            .bind(rollout.to_string());
        self.all(select).await?.iter().map(RolloutStep::read).collect()
    }
}
