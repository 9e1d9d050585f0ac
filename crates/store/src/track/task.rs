//! Tasks: merging facts into rows, and reading them.

use std::collections::HashSet;
use std::fmt::Write as _;

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use super::NEVER;
use super::fact::{TaskFact, TaskWord};
use super::resolve::KnownImages;
use crate::bulk::statements;
use crate::row::{Row, Value};
use crate::{StoreError, Tx};

/// One container of one task, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// What was said of it. Of a task of which more than one thing was said, the merged facts.
    pub fact: TaskFact,
    /// When the next task of its slot took its place.
    pub superseded_at: Option<Timestamp>,
    /// The image that it runs, as the catalogue knows it.
    pub digest: Option<Digest>,
    /// The service that it is of; none while its image is not known, and it is held.
    pub service: Option<String>,
}

fn when(moment: i64) -> Option<Timestamp> {
    (moment != NEVER).then(|| Timestamp::from_millis(moment))
}

fn never(moment: Option<Timestamp>) -> Value {
    moment.map_or(NEVER, Timestamp::millis).into()
}

impl Task {
    /// Until when it ran or could run, as far as it is known.
    pub fn until(&self) -> Option<Timestamp> {
        [self.fact.stopping_at, self.fact.stopped_at, self.superseded_at]
            .into_iter()
            .flatten()
            .min()
    }

    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let time = |column: &str| row.int(column).map(when);
        Ok(Self {
            fact: TaskFact {
                id: row.text("id")?,
                container: row.text("container")?,
                position: u32::try_from(row.int("position")?).unwrap_or(u32::MAX),
                environment: row.text("environment")?,
                account: row.text("account")?,
                region: row.text("region")?,
                cluster: row.text("cluster")?,
                ecs_service: row.opt_text("ecs_service")?,
                deployment: row.text("deployment")?,
                task_definition: row.opt_text("task_definition")?,
                image: row.text("image")?,
                repository: row.opt_parsed::<RepositoryName>("repository")?,
                tag: row.opt_parsed::<Tag>("tag")?,
                stated: row.opt_digest("stated")?,
                cpu: row.opt_text("cpu")?,
                memory: row.opt_text("memory")?,
                word: TaskWord {
                    version: row.count("version")?,
                    at: row.time("seen_at")?,
                    mark: row.int("mark")?,
                    last_status: row.text("last_status")?,
                    desired_status: row.text("desired_status")?,
                    health: row.opt_text("health")?,
                    exit_code: row.opt_int("exit_code")?,
                    stop_code: row.opt_text("stop_code")?,
                    reason: row.opt_text("reason")?,
                },
                pending_at: time("pending_at")?,
                running_at: time("running_at")?,
                stopping_at: time("stopping_at")?,
                stopped_at: time("stopped_at")?,
                slot: row.opt_text("slot")?,
            },
            superseded_at: time("superseded_at")?,
            digest: row.opt_digest("digest")?,
            service: row.opt_text("service")?,
        })
    }
}

fn row(fact: TaskFact, images: &KnownImages, now: Timestamp) -> Vec<Value> {
    let service = images.service_of(&fact);
    vec![
        fact.id.into(),
        fact.container.into(),
        fact.position.into(),
        fact.environment.into(),
        fact.account.into(),
        fact.region.into(),
        fact.cluster.into(),
        fact.ecs_service.into(),
        fact.deployment.into(),
        fact.task_definition.into(),
        fact.image.into(),
        fact.repository.as_ref().map(RepositoryName::as_str).into(),
        fact.tag.as_ref().map(Tag::as_str).into(),
        fact.stated.into(),
        // What was told needs no looking for.
        fact.stated.into(),
        fact.cpu.into(),
        fact.memory.into(),
        fact.word.version.into(),
        fact.word.at.into(),
        fact.word.mark.into(),
        fact.word.last_status.into(),
        fact.word.desired_status.into(),
        fact.word.health.into(),
        fact.word.exit_code.into(),
        fact.word.stop_code.into(),
        fact.word.reason.into(),
        never(fact.pending_at),
        never(fact.running_at),
        never(fact.stopping_at),
        never(fact.stopped_at),
        fact.slot.into(),
        NEVER.into(),
        now.into(),
        service.into(),
    ]
}

const INSERT: &str = "INSERT INTO task (id, container, position, environment, account, region, \
    cluster, ecs_service, deployment, task_definition, image, repository, tag, stated, digest, \
    cpu, memory, version, seen_at, mark, last_status, desired_status, health, exit_code, stop_code, reason, \
    pending_at, running_at, stopping_at, stopped_at, slot, superseded_at, recorded_at, service) VALUES";

/// Columns whose lower value stands.
const LOWER: &[&str] = &["pending_at", "running_at", "stopping_at"];

/// Columns of the newer word.
const NEWER: &[&str] = &[
    "version",
    "seen_at",
    "mark",
    "last_status",
    "desired_status",
    "health",
    "exit_code",
    "stop_code",
    "reason",
];

/// How a row merges with what is there. No column of an index is in it: every event of a task would
/// pay for each of them. What never changes in a task's life is as it was first told; when it
/// stopped is written by a statement of its own, and so is an image that was not known at first.
fn upsert() -> String {
    let mut text = String::from(
        "ON CONFLICT (id, container) DO UPDATE SET \
         stated = CASE WHEN task.stated IS NULL OR excluded.stated > task.stated \
         THEN excluded.stated ELSE task.stated END",
    );
    for column in LOWER {
        let _ = write!(
            text,
            ", {column} = CASE WHEN excluded.{column} < task.{column} \
             THEN excluded.{column} ELSE task.{column} END"
        );
    }
    for column in NEWER {
        let _ = write!(
            text,
            ", {column} = CASE WHEN (excluded.version, excluded.seen_at, excluded.mark) > \
             (task.version, task.seen_at, task.mark) \
             THEN excluded.{column} ELSE task.{column} END"
        );
    }
    text
}

/// Tasks whose image is not known yet, or must be looked for again: one that is named by a tag alone
/// is, since what the tag meant depends on when the task was made.
const HELD: &str = ") AND (service IS NULL OR stated IS NULL OR digest IS DISTINCT FROM stated)";

const STOP: &str = ") UPDATE task SET stopped_at = said.at FROM said \
    WHERE task.id = said.id AND task.container = said.container AND said.at < task.stopped_at";

fn stop(fact: &TaskFact) -> Option<Vec<Value>> {
    let at = fact.stopped_at?;
    Some(vec![fact.id.as_str().into(), fact.container.as_str().into(), at.into()])
}

impl Tx {
    /// Merges facts about tasks, at most one for each container of each task, into their rows; and
    /// looks for the images of those whose image is not known. Answers which of the images that were
    /// told are known: the deployments of their tasks are not described by this, see
    /// [`Tx::describe_deployments`].
    pub async fn merge_tasks(
        &mut self,
        facts: Vec<TaskFact>,
        now: Timestamp,
    ) -> Result<HashSet<Digest>, StoreError> {
        let stops = facts.iter().filter_map(stop).collect();
        let mut slots: Vec<_> = facts.iter().filter_map(|fact| fact.slot.clone()).collect();
        let mut ids: Vec<_> = facts.iter().map(|fact| fact.id.clone()).collect();
        let images = self.images_of(&facts).await?;
        let rows = facts.into_iter().map(|fact| row(fact, &images, now)).collect();
        for insert in statements(INSERT, rows, &upsert()) {
            self.run(insert).await?;
        }
        for update in statements("WITH said (id, container, at) AS (VALUES", stops, STOP) {
            self.run(update).await?;
        }
        slots.sort_unstable();
        slots.dedup();
        self.supersede(slots).await?;
        ids.sort_unstable();
        ids.dedup();
        let ids = ids.into_iter().map(|id| vec![id.into()]).collect();
        let mut held = Vec::new();
        for select in statements("SELECT DISTINCT id FROM task WHERE id IN (VALUES", ids, HELD) {
            for row in self.all(select).await? {
                held.push(row.text("id")?);
            }
        }
        self.look_for_images(held).await?;
        Ok(images.digests())
    }

    /// In each slot the next task ends the one before, in whichever order they were heard of.
    async fn supersede(&mut self, slots: Vec<String>) -> Result<(), StoreError> {
        let rows = slots.into_iter().map(|slot| vec![slot.into()]).collect();
        let update = format!(
            "UPDATE task SET superseded_at = COALESCE((SELECT MIN(later.pending_at) FROM task AS \
             later WHERE later.slot = task.slot AND (later.pending_at > task.pending_at OR \
             (later.pending_at = task.pending_at AND later.id > task.id))), {NEVER}) \
             WHERE slot IN (VALUES"
        );
        for update in statements(&update, rows, ")") {
            self.run(update).await?;
        }
        Ok(())
    }
}
