//! Of each service in each environment, the deployment that stands for it.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::Timestamp;
use portolan_store::{Deployment, StoreError, TaskFilter};

use crate::Tracker;
use crate::running::{Cell, RunningFilter};
use crate::status::{Status, runs};
use crate::view::DeploymentView;

/// Services that are looked at one by one at most, instead of all together.
const FEW: usize = 16;

impl Tracker {
    /// Of each service in each environment the newest deployment of which something ran at `at`; by
    /// service, then in the order of promotion.
    pub async fn standing(
        &self,
        at: Timestamp,
        filter: &RunningFilter,
    ) -> Result<Vec<DeploymentView>, StoreError> {
        let environment = match filter.environments.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let wanted = TaskFilter {
            at: Some(at),
            environment,
            service: filter.service.clone(),
            ..TaskFilter::default()
        };
        let among =
            |name: &String| filter.environments.is_empty() || filter.environments.contains(name);
        let tasks = self.store().tasks(&wanted).await?;
        let keys: BTreeSet<(String, String)> = tasks
            .into_iter()
            .filter(|task| runs(task, at) && among(&task.fact.environment))
            .map(|task| (task.fact.environment, task.fact.deployment))
            .collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let found = self.store().deployments_keyed(&keys).await?;
        let mut views = self.seen(newest(found), at).await?;
        self.sort(&mut views);
        Ok(views)
    }

    /// Of each service in each environment the deployment that says how it stands at `at`: the
    /// newest, where it runs, is coming up or was taken away; else the newest of which something
    /// runs. By service, then in the order of promotion.
    pub async fn current(
        &self,
        at: Timestamp,
        filter: &RunningFilter,
    ) -> Result<Vec<DeploymentView>, StoreError> {
        let telling = [Status::Running, Status::Pending, Status::Undeployed];
        let cells = self.running(at, filter).await?.cells;
        let (telling, others): (Vec<_>, Vec<_>) =
            cells.into_iter().partition(|cell| telling.contains(&cell.newest.verdict.status));
        let mut views: Vec<_> = telling.into_iter().map(|cell| cell.newest).collect();
        let others: Vec<_> = others.into_iter().filter(Cell::runs).collect();
        let services: BTreeSet<&str> = others.iter().map(|cell| cell.service.as_str()).collect();
        let mut standing = Vec::new();
        if services.len() > FEW {
            standing = self.standing(at, filter).await?;
        } else {
            for service in services {
                let one = RunningFilter { service: Some(service.to_owned()), ..filter.clone() };
                standing.extend(self.standing(at, &one).await?);
            }
        }
        let is_other: BTreeSet<(&str, &str)> =
            others.iter().map(|it| (it.service.as_str(), it.environment.as_str())).collect();
        standing.retain(|view| is_other.contains(&(view.service(), view.environment())));
        views.extend(standing);
        self.sort(&mut views);
        Ok(views)
    }

    /// By service, then in the order of promotion.
    fn sort(&self, views: &mut [DeploymentView]) {
        let places = &self.rules().places;
        views.sort_by(|a, b| {
            let rank = |it: &DeploymentView| places.rank(it.environment());
            let order = a.service().cmp(b.service()).then_with(|| rank(a).cmp(&rank(b)));
            order.then_with(|| a.environment().cmp(b.environment()))
        });
    }
}

/// The newest of each service in each environment.
fn newest(deployments: Vec<Deployment>) -> Vec<Deployment> {
    let mut newest: BTreeMap<(String, String), Deployment> = BTreeMap::new();
    for deployment in deployments {
        let place =
            (deployment.fact.environment.clone(), deployment.service.clone().unwrap_or_default());
        let rank = |it: &Deployment| (it.created_at(), it.fact.key.clone());
        if newest.get(&place).is_none_or(|known| rank(known) < rank(&deployment)) {
            newest.insert(place, deployment);
        }
    }
    newest.into_values().collect()
}
