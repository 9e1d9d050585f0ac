//! What is known of deployments, so that what is said again is not written again.
//!
//! Each event of a task names its deployment, and almost all of them say nothing new of it. Facts only
//! ever add to a row, so whatever was committed once may be left out the next time: the rows are the
//! same. Only [`Tracker::rebuild`](crate::Tracker::rebuild) takes facts away, and it makes them anew.

use std::collections::{HashMap, HashSet};

use portolan_model::{Digest, Timestamp};
use portolan_store::{DeploymentFact, TaskFact};

use crate::facts::Sorted;

/// Deployments of which it is remembered what is known: about 10 MiB. Past that all are forgotten,
/// which costs a few writes.
const REMEMBERED: usize = 16_384;

/// The environment and the key of a deployment.
type Key = (String, String);

/// What was committed about deployments.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<Key, Said>);

/// What was said of one deployment.
#[derive(Debug, Clone, Default)]
struct Said {
    fact: Option<DeploymentFact>,
    /// The first of its tasks whose image is known.
    first: Option<Rank>,
}

/// By which the first task of a deployment is told, as the store orders them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    position: u32,
    /// None, which is later than any moment, comes last.
    pending_at: (bool, Option<Timestamp>),
    id: String,
    container: String,
}

/// What is new among facts.
#[derive(Debug)]
pub(crate) struct News {
    /// The facts, without those that are known.
    pub(crate) facts: Sorted,
    /// What is known of deployments once the facts are committed.
    said: HashMap<Key, Said>,
    /// Tasks that go before the first known one of their deployment, with the image that each runs.
    before: Vec<(Key, Rank, Digest)>,
}

impl Rank {
    fn of(task: &TaskFact) -> Self {
        Self {
            position: task.position,
            pending_at: (task.pending_at.is_none(), task.pending_at),
            id: task.id.clone(),
            container: task.container.clone(),
        }
    }
}

impl Said {
    fn merge(&mut self, other: Self) {
        match (&mut self.fact, other.fact) {
            (Some(fact), Some(other)) => fact.merge(other),
            (fact @ None, other) => *fact = other,
            (Some(_), None) => {}
        }
        if self.first.is_none() || (other.first.is_some() && other.first < self.first) {
            self.first = other.first;
        }
    }
}

impl News {
    /// What is known once the facts are committed, of which the tasks that run one of `images` have been
    /// written with their service. A task whose image is not known yet is nobody's first.
    pub(crate) fn learned(self, images: &HashSet<Digest>) -> Learned {
        let mut said = self.said;
        for (key, rank, image) in self.before {
            if images.contains(&image) {
                said.entry(key).or_default().merge(Said { fact: None, first: Some(rank) });
            }
        }
        Learned(said)
    }
}

/// What is known once a change is committed.
#[derive(Debug)]
pub(crate) struct Learned(HashMap<Key, Said>);

impl Learned {
    /// Keys of deployments whose first task is another one now.
    pub(crate) fn led_anew(&self) -> Vec<String> {
        let first = self.0.iter().filter(|(_, said)| said.first.is_some());
        first.map(|((_, key), _)| key.clone()).collect()
    }
}

impl Known {
    /// Takes out of `facts` what is known.
    pub(crate) fn news(&self, mut facts: Sorted) -> News {
        let mut said: HashMap<Key, Said> = HashMap::new();
        facts.deployments.retain(|fact| {
            let key = (fact.environment.clone(), fact.key.clone());
            let known = self.0.get(&key).and_then(|said| said.fact.as_ref());
            let merged = known.map_or_else(
                || fact.clone(),
                |known| {
                    let mut merged = known.clone();
                    merged.merge(fact.clone());
                    merged
                },
            );
            let new = known != Some(&merged);
            if new {
                said.entry(key).or_default().fact = Some(merged);
            }
            new
        });
        let mut before = Vec::new();
        for task in &facts.tasks {
            let Some(image) = task.stated else { continue };
            let (key, rank) = ((task.environment.clone(), task.deployment.clone()), Rank::of(task));
            let first = self.0.get(&key).and_then(|said| said.first.as_ref());
            if first.is_none_or(|first| rank < *first) {
                before.push((key, rank, image));
            }
        }
        News { facts, said, before }
    }

    /// Remembers what was committed.
    pub(crate) fn learn(&mut self, Learned(learned): Learned) {
        if self.0.len() + learned.len() > REMEMBERED {
            self.0.clear();
        }
        for (key, said) in learned {
            self.0.entry(key).or_default().merge(said);
        }
    }
}
