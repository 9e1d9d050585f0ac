//! Rollouts: the applying of plans to an environment.

use std::str::FromStr;

use portolan_model::{ReleaseId, RolloutId, Timestamp};
use serde_json::Value;

use super::lease::PlaceLease;
use crate::page::{Page, Paged};
use crate::row::{Row, json_text, sql};
use crate::{Store, StoreError, Tx};

/// How a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RolloutState {
    /// A second person must agree first.
    Waiting,
    /// Nobody has begun it.
    Queued,
    /// It is being done.
    Running,
    /// What it did is being undone.
    Undoing,
    /// All of it is done.
    Succeeded,
    /// Nothing, or not all, of it is done, and that was left so.
    Failed,
    /// What it did was undone.
    RolledBack,
    /// It was not begun, and never will be.
    Refused,
}

impl RolloutState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Queued,
        Self::Running,
        Self::Undoing,
        Self::Succeeded,
        Self::Failed,
        Self::RolledBack,
        Self::Refused,
    ];

    /// The word in the column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Undoing => "undoing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Refused => "refused",
        }
    }

    /// Whether it has come to an end.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::RolledBack | Self::Refused)
    }
}

impl FromStr for RolloutState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a rollout"))
    }
}

/// A rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Its identity.
    pub id: RolloutId,
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: ReleaseId,
    /// What shall be done, as JSON.
    pub plan: Value,
    /// How, as JSON.
    pub options: Value,
    /// How it stands.
    pub state: RolloutState,
    /// Why it did not succeed.
    pub reason: Option<String>,
    /// Who ordered it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The page of the build that ordered it.
    pub ci_url: Option<String>,
    /// The second person.
    pub approved_by: Option<String>,
    /// When that one agreed.
    pub approved_at: Option<Timestamp>,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it came to an end.
    pub finished_at: Option<Timestamp>,
}

/// Which rollouts are wanted.
#[derive(Debug, Clone, Default)]
pub struct RolloutFilter {
    /// Only those of this project.
    pub project: Option<String>,
    /// Only those to this environment.
    pub environment: Option<String>,
    /// Only those of this release.
    pub release: Option<ReleaseId>,
    /// Only those that stand so.
    pub state: Option<RolloutState>,
}

impl Rollout {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            project: row.text("project")?,
            environment: row.text("environment")?,
            release: row.parsed("release")?,
            plan: row.json("plan")?,
            options: row.json("options")?,
            state: row.parsed("state")?,
            reason: row.opt_text("reason")?,
            created_by: row.text("created_by")?,
            created_at: row.time("created_at")?,
            ci_url: row.opt_text("ci_url")?,
            approved_by: row.opt_text("approved_by")?,
            approved_at: row.opt_time("approved_at")?,
            started_at: row.opt_time("started_at")?,
            finished_at: row.opt_time("finished_at")?,
        })
    }
}

impl Tx {
    /// Records a rollout that was ordered.
    pub async fn add_rollout(&mut self, rollout: &Rollout) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO rollout (id, project, environment, release, plan, options, \
             state, reason, created_by, created_at, ci_url, approved_by, approved_at, \
             started_at, finished_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind(rollout.id.to_string())
        .bind(rollout.project.as_str())
        .bind(rollout.environment.as_str())
        .bind(rollout.release.to_string())
        .bind(json_text(&rollout.plan))
        .bind(json_text(&rollout.options))
        .bind(rollout.state.name())
        .bind(rollout.reason.as_deref())
        .bind(rollout.created_by.as_str())
        .bind(rollout.created_at)
        .bind(rollout.ci_url.as_deref())
        .bind(rollout.approved_by.as_deref())
        .bind(rollout.approved_at)
        .bind(rollout.started_at)
        .bind(rollout.finished_at);
        self.run(insert).await.map(|_| ())
    }

    /// Lets a rollout that waits for a second person go on; false where it does not wait, or that
    /// person ordered it.
    pub async fn approve_rollout(
        &mut self,
        id: RolloutId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE rollout SET state = 'queued', approved_by = $2, \
             approved_at = $3 WHERE id = $1 AND state = 'waiting' AND created_by <> $2")
        .bind(id.to_string())
        .bind(by)
        .bind(now);
        Ok(self.run(update).await? == 1)
    }

    /// Moves a rollout that has not ended to `state`, under a lease; false where the lease was
    /// lost, or the rollout has ended.
    pub async fn move_rollout(
        &mut self,
        lease: &PlaceLease,
        state: RolloutState,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE rollout SET state = $5, reason = COALESCE($6, reason), \
             started_at = COALESCE(started_at, $7), finished_at = $8 \
             WHERE id = $4 AND finished_at IS NULL AND EXISTS (SELECT 1 FROM environment_lease \
             AS held WHERE held.project = $1 AND held.environment = $2 AND held.fence = $3)")
        .bind(lease.project.as_str())
        .bind(lease.environment.as_str())
        .bind(lease.fence)
        .bind(lease.rollout.to_string())
        .bind(state.name())
        .bind(reason)
        .bind(now)
        .bind(state.is_end().then_some(now));
        Ok(self.run(update).await? == 1)
    }

    /// Ends a rollout that was not begun; false where it was.
    pub async fn refuse_rollout(
        &mut self,
        id: RolloutId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE rollout SET state = 'refused', reason = $2, finished_at = $3 \
             WHERE id = $1 AND state IN ('waiting', 'queued')")
        .bind(id.to_string())
        .bind(reason)
        .bind(now);
        Ok(self.run(update).await? == 1)
    }
}

impl Store {
    /// One rollout.
    pub async fn rollout(&self, id: RolloutId) -> Result<Option<Rollout>, StoreError> {
        let select = sql("SELECT * FROM rollout WHERE id = $1").bind(id.to_string());
        self.first(select).await?.as_ref().map(Rollout::read).transpose()
    }

    /// Rollouts, newest first.
    pub async fn rollouts(
        &self,
        filter: &RolloutFilter,
        page: Page,
    ) -> Result<Paged<Rollout>, StoreError> {
        let query = |text| {
            sql(text)
                .bind(filter.project.as_deref())
                .bind(filter.environment.as_deref())
                .bind(filter.release.map(|release| release.to_string()))
                .bind(filter.state.map(RolloutState::name))
        };
        let count = query(
            "SELECT COUNT(*) AS total FROM rollout WHERE ($1 IS NULL OR project = $1) \
             AND ($2 IS NULL OR environment = $2) AND ($3 IS NULL OR release = $3) \
             AND ($4 IS NULL OR state = $4)",
        );
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = query(
            "SELECT * FROM rollout WHERE ($1 IS NULL OR project = $1) \
             AND ($2 IS NULL OR environment = $2) AND ($3 IS NULL OR release = $3) \
             AND ($4 IS NULL OR state = $4) \
             ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6",
        )
        .bind(page.limit)
        .bind(page.offset);
        let items = self.all(select).await?.iter().map(Rollout::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }
}
