//! Jobs: work that is done at least once, by whoever holds its lease.

use std::str::FromStr;

use portolan_model::{JobId, Timestamp};
use serde_json::Value;

use crate::page::{Page, Paged};
use crate::row::{Row, json_text, sql, sql_made};
use crate::{Store, StoreError, Tx};

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits for its time and a worker.
    Queued,
    /// A worker holds its lease, or held it and died.
    Running,
    /// Done.
    Done,
    /// Given up.
    Failed,
}

impl JobState {
    /// The word in the column.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for JobState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of a job"))
    }
}

/// Work to be queued.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What kind of work it is: which handler does it.
    pub kind: &'static str,
    /// The job itself, as its handler reads it.
    pub payload: Value,
    /// While one job with this key is queued, another is not: it would do the same.
    pub dedupe_key: Option<String>,
    /// Higher goes first.
    pub priority: i64,
    /// Not before this moment.
    pub run_at: Timestamp,
}

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its identity.
    pub id: JobId,
    /// What kind of work it is.
    pub kind: String,
    /// The job itself, as JSON.
    pub payload: Value,
    /// How it stands.
    pub state: JobState,
    /// When it may run next.
    pub run_at: Timestamp,
    /// How often it was begun.
    pub attempts: u64,
    /// Who works on it.
    pub lease_owner: Option<String>,
    /// Until when that worker is believed to live.
    pub lease_until: Option<Timestamp>,
    /// Grows with every claim: a worker whose number is not the newest has lost the job.
    pub fence: i64,
    /// How far it is, in the words of its handler, as JSON.
    pub progress: Option<Value>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When any of this changed last.
    pub updated_at: Timestamp,
}

impl Job {
    /// The right to work on it that this claim gave.
    pub fn lease(&self) -> Lease {
        Lease { id: self.id, fence: self.fence }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            kind: row.text("kind")?,
            payload: row.json("payload")?,
            state: row.parsed("state")?,
            run_at: row.time("run_at")?,
            attempts: row.count("attempts")?,
            lease_owner: row.opt_text("lease_owner")?,
            lease_until: row.opt_time("lease_until")?,
            fence: row.int("fence")?,
            progress: row.opt_parsed("progress")?,
            error: row.opt_text("error")?,
            created_at: row.time("created_at")?,
            updated_at: row.time("updated_at")?,
        })
    }
}

/// The right to work on a job, given by a claim and lost to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub id: JobId,
    /// The number of the claim.
    pub fence: i64,
}

/// Which jobs are wanted.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only those of this kind.
    pub kind: Option<String>,
    /// Only those in this state.
    pub state: Option<JobState>,
}

impl Tx {
    /// Queues `job` under the identity `id`; false where one with its key is queued already.
    pub async fn enqueue(
        &mut self,
        id: JobId,
        job: &NewJob,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let insert =
            sql("INSERT INTO job (id, kind, payload, dedupe_key, priority, state, run_at, \
             attempts, fence, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7, $7) \
             ON CONFLICT (dedupe_key) WHERE state = 'queued' DO NOTHING")
            .bind(id.to_string())
            .bind(job.kind)
            .bind(json_text(&job.payload))
            .bind(job.dedupe_key.as_deref())
            .bind(job.priority)
            .bind(job.run_at)
            .bind(now);
        Ok(self.run(insert).await? == 1)
    }

    /// Takes the next job of one of `kinds` that is due, or whose worker's lease has run out.
    pub async fn claim_job(
        &mut self,
        owner: &str,
        kinds: &[&str],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Job>, StoreError> {
        // The only statement that needs two texts: PostgreSQL's workers step around each other's
        // rows, SQLite has one writer.
        let skip = if self.is_postgres() { "FOR UPDATE SKIP LOCKED" } else { "" };
        let list: Vec<String> = (5..5 + kinds.len()).map(|n| format!("${n}")).collect();
        let mut update = sql_made(format!(
            "UPDATE job SET state = 'running', lease_owner = $1, lease_until = $2, \
             fence = fence + 1, attempts = attempts + 1, updated_at = $3 \
             WHERE id = (SELECT id FROM job WHERE \
             ((state = 'queued' AND run_at <= $3) OR (state = 'running' AND lease_until < $4)) \
             AND kind IN ({}) ORDER BY priority DESC, run_at, id LIMIT 1 {skip}) RETURNING *",
            list.join(", ")
        ))
        .bind(owner)
        .bind(until)
        .bind(now)
        .bind(now);
        for kind in kinds {
            update = update.bind(*kind);
        }
        self.first(update).await?.as_ref().map(Job::read).transpose()
    }

    /// Prolongs a lease and records how far the work is; false where the job was lost to another.
    pub async fn keep_job(
        &mut self,
        lease: Lease,
        until: Timestamp,
        progress: Option<&Value>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE job SET lease_until = $3, updated_at = $4, \
             progress = COALESCE($5, progress) \
             WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(lease.id.to_string())
        .bind(lease.fence)
        .bind(until)
        .bind(now)
        .bind(progress.map(json_text));
        Ok(self.run(update).await? == 1)
    }

    /// Marks a job as done; false where it was lost to another.
    pub async fn finish_job(&mut self, lease: Lease, now: Timestamp) -> Result<bool, StoreError> {
        self.end_job(lease, JobState::Done, None, now).await
    }

    /// Gives a job up; false where it was lost to another.
    pub async fn fail_job(
        &mut self,
        lease: Lease,
        error: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.end_job(lease, JobState::Failed, Some(error), now).await
    }

    async fn end_job(
        &mut self,
        lease: Lease,
        state: JobState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE job SET state = $3, error = $4, updated_at = $5, \
             lease_owner = NULL, lease_until = NULL \
             WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(lease.id.to_string())
        .bind(lease.fence)
        .bind(state.name())
        .bind(error)
        .bind(now);
        Ok(self.run(update).await? == 1)
    }

    /// Queues a job again for `run_at` after something went wrong; false where it was lost to
    /// another. Where its like has been queued meanwhile, that one will do the work, and this is
    /// done.
    pub async fn retry_job(
        &mut self,
        lease: Lease,
        error: &str,
        run_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = sql("UPDATE job SET error = $3, run_at = $4, updated_at = $5, \
             lease_owner = NULL, lease_until = NULL, \
             state = CASE WHEN EXISTS (SELECT 1 FROM job AS other WHERE other.state = 'queued' \
             AND other.dedupe_key = job.dedupe_key) THEN 'done' ELSE 'queued' END \
             WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(lease.id.to_string())
        .bind(lease.fence)
        .bind(error)
        .bind(run_at)
        .bind(now);
        Ok(self.run(update).await? == 1)
    }

    /// Forgets finished jobs that ended before `before`; how many.
    pub async fn forget_jobs(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM job WHERE state IN ('done', 'failed') AND updated_at < $1")
            .bind(before);
        self.run(delete).await
    }
}

impl Store {
    /// One job.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let select = sql("SELECT * FROM job WHERE id = $1").bind(id.to_string());
        self.first(select).await?.as_ref().map(Job::read).transpose()
    }

    /// The job that is queued or running under this key, where there is one.
    pub async fn open_job(&self, dedupe_key: &str) -> Result<Option<Job>, StoreError> {
        let select = sql("SELECT * FROM job WHERE dedupe_key = $1 \
             AND state IN ('queued', 'running') ORDER BY id LIMIT 1")
        .bind(dedupe_key);
        self.first(select).await?.as_ref().map(Job::read).transpose()
    }

    /// The job that was queued last under this key, where that is remembered.
    pub async fn last_job(&self, dedupe_key: &str) -> Result<Option<Job>, StoreError> {
        let select = sql("SELECT * FROM job WHERE dedupe_key = $1 ORDER BY id DESC LIMIT 1")
            .bind(dedupe_key);
        self.first(select).await?.as_ref().map(Job::read).transpose()
    }

    /// Jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter, page: Page) -> Result<Paged<Job>, StoreError> {
        let state = filter.state.map(JobState::name);
        let kind = filter.kind.as_deref();
        let count = sql("SELECT COUNT(*) AS total FROM job \
             WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR state = $2)")
        .bind(kind)
        .bind(state);
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT * FROM job \
             WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR state = $2) \
             ORDER BY id DESC LIMIT $3 OFFSET $4")
        .bind(kind)
        .bind(state)
        .bind(page.limit)
        .bind(page.offset);
        let items = self.all(select).await?.iter().map(Job::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// How many jobs there are of each kind in each state.
    pub async fn job_counts(&self) -> Result<Vec<(String, JobState, u64)>, StoreError> {
        let select = sql("SELECT kind, state, COUNT(*) AS total FROM job \
             GROUP BY kind, state ORDER BY kind, state");
        let read = |row: &Row| Ok((row.text("kind")?, row.parsed("state")?, row.count("total")?));
        self.all(select).await?.iter().map(read).collect()
    }

    /// When the next queued job of one of `kinds` may run, or the next lease runs out: until when a
    /// worker with nothing to do may sleep.
    pub async fn next_job_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let select = sql("SELECT MIN(at) AS at FROM ( \
             SELECT MIN(run_at) AS at FROM job WHERE state = 'queued' \
             UNION ALL SELECT MIN(lease_until) AS at FROM job WHERE state = 'running') AS due");
        self.first(select).await?.map_or(Ok(None), |row| row.opt_time("at"))
    }
}
