//! How rollouts stand, without their plans: what lists of releases and environments show.

use portolan_model::{Digest, ReleaseId, RolloutId, Timestamp};
use serde_json::Value as Json;

use super::rollout::RolloutState;
use crate::row::{Row, Value, sql, sql_made};
use crate::{Store, StoreError};

/// Things that are asked for in one statement at most.
const CHUNK: usize = 500;

/// A rollout without its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its identity.
    pub id: RolloutId,
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: ReleaseId,
    /// How it is applied, as JSON.
    pub options: Json,
    /// How it stands.
    pub state: RolloutState,
    /// Why it did not succeed.
    pub reason: Option<String>,
    /// Who ordered it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was begun.
    pub started_at: Option<Timestamp>,
    /// When it came to an end.
    pub finished_at: Option<Timestamp>,
}

impl Standing {
    /// The columns of one, of a table that is called `r`.
    const COLUMNS: &'static str = "r.id, r.environment, r.release, r.options, r.state, r.reason, \
         r.created_by, r.created_at, r.started_at, r.finished_at";

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            environment: row.text("environment")?,
            release: row.parsed("release")?,
            options: row.json("options")?,
            state: row.parsed("state")?,
            reason: row.opt_text("reason")?,
            created_by: row.text("created_by")?,
            created_at: row.time("created_at")?,
            started_at: row.opt_time("started_at")?,
            finished_at: row.opt_time("finished_at")?,
        })
    }
}

impl Store {
    /// The newest rollout of each of these releases to each environment in each state, newest first.
    pub async fn standings_of(&self, releases: &[ReleaseId]) -> Result<Vec<Standing>, StoreError> {
        let mut found = Vec::new();
        for chunk in releases.chunks(CHUNK) {
            let mut select = sql_made(format!("SELECT {} FROM rollout AS r ", Standing::COLUMNS));
            let marks = vec!["?"; chunk.len()].join(", ");
            select.push(
                &format!(
                    "JOIN (SELECT id, ROW_NUMBER() OVER (PARTITION BY release, environment, state \
                     ORDER BY created_at DESC, id DESC) AS place FROM rollout WHERE release IN \
                     ({marks})) AS ranked ON ranked.id = r.id WHERE ranked.place = 1 \
                     ORDER BY r.created_at DESC, r.id DESC"
                ),
                chunk.iter().map(|id| Value::from(id.to_string())),
            );
            for row in self.all(select).await? {
                found.push(Standing::read(&row)?);
            }
        }
        Ok(found)
    }

    /// The rollouts of a project that ended so, in each environment the last to end first; `each` at
    /// most of an environment.
    pub async fn last_rollouts(
        &self,
        project: &str,
        state: RolloutState,
        each: u64,
    ) -> Result<Vec<Standing>, StoreError> {
        let select = sql_made(format!(
            "SELECT {} FROM rollout AS r JOIN (SELECT id, ROW_NUMBER() OVER \
             (PARTITION BY environment ORDER BY finished_at DESC, id DESC) AS place FROM rollout \
             WHERE project = $1 AND state = $2) AS ranked ON ranked.id = r.id \
             WHERE ranked.place <= $3 ORDER BY r.environment, ranked.place",
            Standing::COLUMNS
        ))
        .bind(project)
        .bind(state.name())
        .bind(each);
        self.all(select).await?.iter().map(Standing::read).collect()
    }

    /// Rollouts to an environment of a project that ended so, the last to end first; `limit` at most.
    pub async fn ended_rollouts(
        &self,
        project: &str,
        environment: &str,
        state: RolloutState,
        limit: u64,
    ) -> Result<Vec<Standing>, StoreError> {
        let select = sql_made(format!(
            "SELECT {} FROM rollout AS r WHERE r.project = $1 AND r.environment = $2 \
             AND r.state = $3 ORDER BY r.finished_at DESC, r.id DESC LIMIT $4",
            Standing::COLUMNS
        ))
        .bind(project)
        .bind(environment)
        .bind(state.name())
        .bind(limit);
        self.all(select).await?.iter().map(Standing::read).collect()
    }

    /// Rollouts of a project that have not come to an end, newest first; `limit` at most.
    pub async fn open_rollouts(
        &self,
        project: &str,
        limit: u64,
    ) -> Result<Vec<Standing>, StoreError> {
        let select = sql_made(format!(
            "SELECT {} FROM rollout AS r WHERE r.project = $1 AND r.finished_at IS NULL \
             ORDER BY r.created_at DESC, r.id DESC LIMIT $2",
            Standing::COLUMNS
        ))
        .bind(project)
        .bind(limit);
        self.all(select).await?.iter().map(Standing::read).collect()
    }

    /// Rollouts of a release, newest first; `limit` at most.
    pub async fn rollouts_of(
        &self,
        release: ReleaseId,
        limit: u64,
    ) -> Result<Vec<Standing>, StoreError> {
        let select = sql_made(format!(
            "SELECT {} FROM rollout AS r WHERE r.release = $1 \
             ORDER BY r.created_at DESC, r.id DESC LIMIT $2",
            Standing::COLUMNS
        ))
        .bind(release.to_string())
        .bind(limit);
        self.all(select).await?.iter().map(Standing::read).collect()
    }

    /// The newest release that has each of these images, by digest; none for an image that no
    /// release has.
    pub async fn releases_with(
        &self,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, ReleaseId)>, StoreError> {
        let mut found = Vec::new();
        for chunk in digests.chunks(CHUNK) {
            // Identities begin with their moment.
            let mut select = sql("SELECT digest, MAX(release) AS newest FROM release_image ");
            let marks = vec!["?"; chunk.len()].join(", ");
            select.push(
                &format!("WHERE digest IN ({marks}) GROUP BY digest"),
                chunk.iter().map(Value::from),
            );
            for row in self.all(select).await? {
                found.push((row.digest("digest")?, row.parsed("newest")?));
            }
        }
        Ok(found)
    }
}
