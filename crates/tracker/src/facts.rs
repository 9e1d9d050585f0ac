//! The facts of many events together: one for each row that they touch.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use portolan_store::{DeploymentFact, RequestFact, TaskFact};

use crate::observation::{ImageObserved, ObjectObserved};

/// What events say, as facts that have been merged with each other.
#[derive(Debug, Default)]
pub struct Facts {
    tasks: HashMap<(String, String), TaskFact>,
    deployments: HashMap<(String, String), DeploymentFact>,
    requests: HashMap<String, RequestFact>,
    /// Images that came or went: of these the order is kept.
    pub images: Vec<ImageObserved>,
    /// Objects of buckets that came or went, in their order.
    pub objects: Vec<ObjectObserved>,
}

/// Facts in an order that is always the same: replicas that lock rows lock them in one order.
#[derive(Debug, Default)]
pub struct Sorted {
    /// One for each container of each task.
    pub tasks: Vec<TaskFact>,
    /// One for each deployment.
    pub deployments: Vec<DeploymentFact>,
    /// One for each request.
    pub requests: Vec<RequestFact>,
}

impl Facts {
    /// Takes a fact about a task in.
    pub fn task(&mut self, fact: TaskFact) {
        match self.tasks.entry((fact.id.clone(), fact.container.clone())) {
            Entry::Occupied(mut known) => known.get_mut().merge(fact),
            Entry::Vacant(place) => drop(place.insert(fact)),
        }
    }

    /// Takes a fact about a deployment in.
    pub fn deployment(&mut self, fact: DeploymentFact) {
        match self.deployments.entry((fact.environment.clone(), fact.key.clone())) {
            Entry::Occupied(mut known) => known.get_mut().merge(fact),
            Entry::Vacant(place) => drop(place.insert(fact)),
        }
    }

    /// Takes a fact about a request in.
    pub fn request(&mut self, fact: RequestFact) {
        match self.requests.entry(fact.id.clone()) {
            Entry::Occupied(mut known) => known.get_mut().merge(fact),
            Entry::Vacant(place) => drop(place.insert(fact)),
        }
    }

    /// Containers of tasks that something is known of.
    pub fn tasks_known(&self) -> usize {
        self.tasks.len()
    }

    /// The facts, sorted by what they are about.
    pub fn sorted(self) -> Sorted {
        let mut sorted = Sorted {
            tasks: self.tasks.into_values().collect(),
            deployments: self.deployments.into_values().collect(),
            requests: self.requests.into_values().collect(),
        };
        sorted.tasks.sort_unstable_by(|a, b| (&a.id, &a.container).cmp(&(&b.id, &b.container)));
        sorted
            .deployments
            .sort_unstable_by(|a, b| (&a.environment, &a.key).cmp(&(&b.environment, &b.key)));
        sorted.requests.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        sorted
    }
}
