//! Leases of environments: who may change one, and the number that tells who could before.

use portolan_model::{RolloutId, Timestamp};

use crate::row::{Row, sql};
use crate::{Store, StoreError, Tx};

/// The right to change an environment of a project, given by a taking and lost to the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceLease {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// For which rollout.
    pub rollout: RolloutId,
    /// The number of the taking.
    pub fence: i64,
}

/// Who holds, or held, an environment of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// For which rollout.
    pub rollout: RolloutId,
    /// Which process.
    pub owner: String,
    /// The number of the taking.
    pub fence: i64,
    /// Until when that process is believed to live.
    pub until: Timestamp,
}

/// What came of trying to take an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// It is the caller's.
    Taken(PlaceLease),
    /// Somebody else's.
    Held(Held),
    /// It was left by somebody whose rollout has not come to an end.
    Abandoned(Held),
}

impl Held {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            rollout: row.parsed("rollout")?,
            owner: row.text("owner")?,
            fence: row.int("fence")?,
            until: row.time("until")?,
        })
    }
}

impl Tx {
    /// Takes an environment for `rollout`, until `until`.
    ///
    /// It can be taken when nobody holds it at `now`, and the rollout that held it last was not begun,
    /// has come to an end, or is the same.
    pub async fn take_environment(
        &mut self,
        project: &str,
        environment: &str,
        rollout: RolloutId,
        owner: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Taking, StoreError> {
        // One statement, so that of two takers that meet one sees what the other did.
        let take = sql("INSERT INTO environment_lease AS held \
             (project, environment, rollout, owner, fence, until) VALUES ($1, $2, $3, $4, 1, $5) \
             ON CONFLICT (project, environment) DO UPDATE SET rollout = excluded.rollout, \
             owner = excluded.owner, fence = held.fence + 1, until = excluded.until \
             WHERE held.until < $6 AND (held.rollout = excluded.rollout OR NOT EXISTS \
             (SELECT 1 FROM rollout AS r WHERE r.id = held.rollout AND r.state IN ('running', 'undoing'))) \
             RETURNING rollout, owner, fence, until")
        .bind(project)
        .bind(environment)
        .bind(rollout.to_string())
        .bind(owner)
        .bind(until)
        .bind(now);
        if let Some(row) = self.first(take).await? {
            return Ok(Taking::Taken(PlaceLease {
                project: project.to_owned(),
                environment: environment.to_owned(),
                rollout,
                fence: row.int("fence")?,
            }));
        }
        let select = sql("SELECT * FROM environment_lease WHERE project = $1 AND environment = $2")
            .bind(project)
            .bind(environment);
        let row = self.first(select).await?.ok_or_else(|| StoreError::Corrupt {
            column: "fence".to_owned(),
            what: "a lease was refused though there is none".to_owned(),
        })?;
        let held = Held::read(&row)?;
        Ok(if held.until < now { Taking::Abandoned(held) } else { Taking::Held(held) })
    }

    /// Prolongs a lease; false where the environment was lost to another.
    pub async fn keep_environment(
        &mut self,
        lease: &PlaceLease,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE environment_lease SET until = $4 \
             WHERE project = $1 AND environment = $2 AND fence = $3")
        .bind(lease.project.as_str())
        .bind(lease.environment.as_str())
        .bind(lease.fence)
        .bind(until);
        Ok(self.run(update).await? == 1)
    }

    /// Gives an environment back: the next may have it at once.
    pub async fn leave_environment(&mut self, lease: &PlaceLease) -> Result<bool, StoreError> {
        self.keep_environment(lease, Timestamp::default()).await
    }
}

impl Store {
    /// Who holds an environment of a project, or held it last.
    pub async fn environment_lease(
        &self,
        project: &str,
        environment: &str,
    ) -> Result<Option<Held>, StoreError> {
        let select = sql("SELECT * FROM environment_lease WHERE project = $1 AND environment = $2")
            .bind(project)
            .bind(environment);
        self.first(select).await?.as_ref().map(Held::read).transpose()
    }
}
