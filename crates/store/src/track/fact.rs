//! Facts, and how two of them merge before they reach the store.
//!
//! The store merges rows by the same rules, in SQL; the conformance suite holds the two together.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

/// What the word of a task is that is but written down: nothing runs it.
pub const RECORDED: &str = "RECORDED";

/// What is known of one container of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFact {
    /// The task: its ARN, or what stands for it.
    pub id: String,
    /// The container's name.
    pub container: String,
    /// Its place among the task's containers.
    pub position: u32,
    /// The environment's name.
    pub environment: String,
    /// The account's number; empty where there is none.
    pub account: String,
    /// The region; empty where there is none.
    pub region: String,
    /// The cluster's name; empty where there is none.
    pub cluster: String,
    /// The name of the ECS service, or of the family.
    pub ecs_service: Option<String>,
    /// The key of its deployment.
    pub deployment: String,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// The image, as it was named.
    pub image: String,
    /// The repository of the image, where the name has one.
    pub repository: Option<RepositoryName>,
    /// The tag of the image, where the name has one.
    pub tag: Option<Tag>,
    /// The digest, where it was told.
    pub stated: Option<Digest>,
    /// CPU units, as text.
    pub cpu: Option<String>,
    /// Memory in MiB, as text.
    pub memory: Option<String>,
    /// The newest word about it.
    pub word: TaskWord,
    /// When it was first seen, or made.
    pub pending_at: Option<Timestamp>,
    /// When it first ran.
    pub running_at: Option<Timestamp>,
    /// When it first was to stop.
    pub stopping_at: Option<Timestamp>,
    /// When it first was known to have stopped.
    pub stopped_at: Option<Timestamp>,
    /// Of a task that no end will be told of: the slot in which the next one takes its place.
    pub slot: Option<String>,
}

/// What was last said of a task. The higher version wins, then the later moment, then, so that
/// there always is one winner, the higher mark.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskWord {
    /// ECS's own count of changes; 0 where it was not told.
    pub version: u64,
    /// When it was so.
    pub at: Timestamp,
    /// Of two words of one version and moment, the one with the higher mark stands.
    pub mark: i64,
    /// What the container is, in ECS's words; [`RECORDED`] where it is but written down.
    pub last_status: String,
    /// What the task shall be.
    pub desired_status: String,
    /// Its health, where it is checked.
    pub health: Option<String>,
    /// How its process ended.
    pub exit_code: Option<i64>,
    /// Why the task stopped, as one word.
    pub stop_code: Option<String>,
    /// Why it stopped, as a sentence.
    pub reason: Option<String>,
}

/// What is known of a deployment besides its tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentFact {
    /// The environment's name.
    pub environment: String,
    /// What its tasks name it by.
    pub key: String,
    /// What the API names it by.
    pub id: String,
    /// The account's number; empty where there is none.
    pub account: String,
    /// The region; empty where there is none.
    pub region: String,
    /// The cluster's name; empty where there is none.
    pub cluster: String,
    /// The name of the ECS service, or of the family.
    pub ecs_service: Option<String>,
    /// The ARN of its task definition.
    pub task_definition: Option<String>,
    /// Who it was done by, where an event says so.
    pub deployed_by: Option<String>,
    /// The request that it came from.
    pub request: Option<String>,
    /// When it was made, or first heard of.
    pub created_at: Option<Timestamp>,
    /// When it was first in progress.
    pub in_progress_at: Option<Timestamp>,
    /// When it first was complete.
    pub completed_at: Option<Timestamp>,
    /// When it first had failed, and why.
    pub failed: Option<(Timestamp, Option<String>)>,
    /// Tasks that shall run, and since when that is known.
    pub desired: Option<(Timestamp, u64)>,
    /// Whether it says of itself that it goes back to what ran before.
    pub rollback: bool,
}

/// A deployment that was asked for. The earliest word stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFact {
    /// Its identity.
    pub id: String,
    /// The environment's name.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The version: a tag.
    pub version: String,
    /// The identity of who asked.
    pub user_id: Option<String>,
    /// The name of who asked.
    pub user_name: Option<String>,
    /// Tasks that shall run.
    pub instance_count: Option<u64>,
    /// CPU units, as text.
    pub cpu: Option<String>,
    /// Memory in MiB, as text.
    pub memory: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Of two requests of one identity and moment, the one with the lower mark stands.
    pub mark: i64,
}

/// The earlier of two moments that may not be known.
fn earliest<T: Ord>(one: &mut Option<T>, other: Option<T>) {
    if let Some(other) = other
        && one.as_ref().is_none_or(|one| other < *one)
    {
        *one = Some(other);
    }
}

/// The higher of two values that may not be known: of a value that never changes once it is known,
/// the known one.
fn known<T: Ord>(one: &mut Option<T>, other: Option<T>) {
    if let Some(other) = other
        && one.as_ref().is_none_or(|one| other > *one)
    {
        *one = Some(other);
    }
}

fn higher<T: Ord>(one: &mut T, other: T) {
    if other > *one {
        *one = other;
    }
}

impl TaskFact {
    /// Whether it is but written down, and nothing runs it.
    pub fn is_recorded_only(&self) -> bool {
        self.word.last_status == RECORDED
    }

    /// Takes in another fact about the same container of the same task.
    pub fn merge(&mut self, other: Self) {
        // The rest never changes in a task's life.
        known(&mut self.stated, other.stated);
        earliest(&mut self.pending_at, other.pending_at);
        earliest(&mut self.running_at, other.running_at);
        earliest(&mut self.stopping_at, other.stopping_at);
        earliest(&mut self.stopped_at, other.stopped_at);
        if other.word.rank() > self.word.rank() {
            self.word = other.word;
        }
    }
}

impl TaskWord {
    fn rank(&self) -> (u64, Timestamp, i64) {
        (self.version, self.at, self.mark)
    }
}

impl DeploymentFact {
    /// Takes in another fact about the same deployment.
    pub fn merge(&mut self, other: Self) {
        higher(&mut self.id, other.id);
        higher(&mut self.account, other.account);
        higher(&mut self.region, other.region);
        higher(&mut self.cluster, other.cluster);
        known(&mut self.ecs_service, other.ecs_service);
        known(&mut self.task_definition, other.task_definition);
        known(&mut self.deployed_by, other.deployed_by);
        known(&mut self.request, other.request);
        earliest(&mut self.created_at, other.created_at);
        earliest(&mut self.in_progress_at, other.in_progress_at);
        earliest(&mut self.completed_at, other.completed_at);
        // Of two failures of one moment the one with the higher reason stands.
        if let Some((at, reason)) = other.failed {
            let better = self
                .failed
                .as_ref()
                .is_none_or(|(mine, why)| at < *mine || (at == *mine && reason > *why));
            if better {
                self.failed = Some((at, reason));
            }
        }
        known(&mut self.desired, other.desired);
        self.rollback |= other.rollback;
    }
}

impl RequestFact {
    /// Takes in another word about the same request.
    pub fn merge(&mut self, other: Self) {
        if (other.at, other.mark) < (self.at, self.mark) {
            *self = other;
        }
    }
}
