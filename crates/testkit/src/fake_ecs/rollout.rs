//! A step in time: tasks start, fail and stop, deployments go on, complete or fail.

use super::registry::Pulled;
use super::service::{Completed, Deployment, Live, Rollout};
use super::state::{Service, State};
use super::task::{Happened, Owner};

/// A task of a service that has not stopped.
struct Alive {
    arn: String,
    deployment: String,
    shall_run: bool,
    is_running: bool,
    is_good: bool,
}

impl State {
    /// One second.
    pub(super) fn step(&mut self) {
        let names: Vec<_> = self.clusters.keys().cloned().collect();
        for cluster in names {
            self.step_tasks(&cluster);
            let services = &self.clusters[&cluster].services;
            let busy = services.iter().filter_map(|(name, service)| match service {
                Service::Live(live) if live.is_busy => Some(name.clone()),
                _ => None,
            });
            for name in busy.collect::<Vec<_>>() {
                let Some(Service::Live(mut live)) =
                    self.cluster_mut(&cluster).services.remove(&name)
                else {
                    continue;
                };
                live.roll(self);
                self.cluster_mut(&cluster).services.insert(name, Service::Live(live));
            }
        }
    }

    fn step_tasks(&mut self, cluster: &str) {
        let now = self.now;
        let (mut started, mut gone) = (Vec::new(), Vec::new());
        let of = self.cluster_mut(cluster);
        for (arn, task) in &mut of.tasks {
            let happened = task.step(now);
            if happened == Happened::Nothing {
                continue;
            }
            if happened == Happened::Started {
                started.push(task.told.clone());
            }
            if happened == Happened::Gone {
                gone.push(arn.clone());
            }
            let service = task.course.as_ref().and_then(|course| course.service.as_ref());
            if let Some(Service::Live(live)) = service.and_then(|name| of.services.get_mut(name)) {
                live.is_busy = true;
            }
        }
        of.tasks.retain(|arn, _| !gone.contains(arn));
        for told in started {
            self.write_logs(&told);
        }
    }
}

impl Live {
    fn roll(&mut self, state: &mut State) {
        self.is_busy = false;
        let alive = self.look(state);
        if self.judge(state) {
            return;
        }
        self.start(state, &alive);
        self.stop(state, &alive);
        self.complete(state, &alive);
    }

    /// Its tasks that have not stopped. Counts those that failed.
    fn look(&mut self, state: &mut State) -> Vec<Alive> {
        let mut alive = Vec::new();
        let mut failed = Vec::new();
        for arn in std::mem::take(&mut self.tasks) {
            let Some(task) = state.clusters[&self.cluster].tasks.get(&arn) else { continue };
            let deployment = super::answers::text(&task.told, "startedBy").to_owned();
            let course = task.course.as_ref();
            if task.is_stopped() {
                if course.is_some_and(|course| course.has_failed) {
                    let unhealthy = task.told["healthStatus"] == "UNHEALTHY";
                    failed.push((deployment, task.id().to_owned(), unhealthy));
                }
                continue;
            }
            self.tasks.push(arn.clone());
            alive.push(Alive {
                arn,
                deployment,
                shall_run: task.shall_run(),
                is_running: task.is_running(),
                is_good: course.is_some_and(|course| course.is_good),
            });
        }
        for deployment in &mut self.deployments {
            let own = || alive.iter().filter(|task| task.deployment == deployment.id);
            deployment.running = own().filter(|task| task.is_running).count();
            deployment.pending = own().filter(|task| !task.is_running).count();
            // Once a task has come to stay, failures are no longer counted.
            if own().any(|task| task.is_good) {
                deployment.has_run = true;
                deployment.failed = 0;
            }
        }
        for (id, task, unhealthy) in failed {
            if unhealthy {
                self.event(state, &format!("(task {task}) failed container health checks."));
            }
            let counts = |it: &&mut Deployment| {
                it.id == id && !it.has_run && it.rollout == Rollout::InProgress
            };
            if let Some(deployment) = self.deployments.iter_mut().find(counts) {
                deployment.failed += 1;
                deployment.updated = state.now;
                if deployment.failed == 3 {
                    self.event(state, "is unable to consistently start tasks successfully.");
                }
            }
        }
        alive
    }

    /// Lets the circuit breaker end the primary deployment: whether it did.
    fn judge(&mut self, state: &mut State) -> bool {
        let (enabled, rolls_back) = self.breaker();
        let threshold = self.threshold();
        let Some(primary) = self.deployments.first_mut() else { return true };
        if !enabled || primary.rollout != Rollout::InProgress || primary.failed < threshold {
            return false;
        }
        primary.rollout = Rollout::Failed;
        "ECS deployment circuit breaker: tasks failed to start.".clone_into(&mut primary.reason);
        primary.updated = state.now;
        let id = primary.id.clone();
        self.event(state, &format!("(deployment {id}) deployment failed: tasks failed to start."));
        let back_to = self.completed.clone().filter(|_| rolls_back);
        if let Some(Completed { id, definition, pulled }) = back_to {
            let mut back = Deployment::new(state, definition, pulled);
            back.reason =
                format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.");
            self.event(state, &format!("rolling back to deployment {id}."));
            self.deployments.insert(0, back);
        }
        self.is_busy = true;
        true
    }

    /// Starts tasks of the primary deployment, as many as may run beside the others.
    fn start(&mut self, state: &mut State, alive: &[Alive]) {
        let most = (self.desired * self.percent("maximumPercent", 200) / 100).max(1);
        let Some(primary) = self.deployments.first() else { return };
        if primary.rollout == Rollout::Failed {
            return;
        }
        let own = |task: &&Alive| task.deployment == primary.id && task.shall_run;
        let missing = self.desired.saturating_sub(alive.iter().filter(own).count());
        let room = most.saturating_sub(alive.iter().filter(|task| task.shall_run).count());
        let count = missing.min(room);
        if missing > 0 {
            self.is_busy = true;
        }
        let (id, definition) = (primary.id.clone(), state.definition(&primary.definition).cloned());
        let pulled: Vec<Pulled> = primary.pulled.clone();
        let Some(definition) = definition.filter(|_| count > 0) else { return };
        let mut started = Vec::new();
        for _ in 0..count {
            let owner = Owner {
                cluster: self.cluster.clone(),
                service: Some(self.name.clone()),
                group: format!("service:{}", self.name),
                started_by: id.clone(),
            };
            let arn = state.start_task(owner, &definition, &pulled, None);
            started.push(format!("(task {})", super::answers::last(&arn)));
            self.tasks.push(arn);
        }
        if let Some(primary) = self.deployments.first_mut() {
            primary.pending += count;
            primary.updated = state.now;
        }
        self.event(state, &format!("has started {count} tasks: {}.", started.join(" ")));
    }

    /// Stops tasks of other deployments, as long as enough run, and such as are too many.
    fn stop(&mut self, state: &mut State, alive: &[Alive]) {
        let Some(primary) = self.deployments.first() else { return };
        let (id, has_failed) = (primary.id.clone(), primary.rollout == Rollout::Failed);
        let fewest = (self.desired * self.percent("minimumHealthyPercent", 100)).div_ceil(100);
        let mut healthy = alive.iter().filter(|task| task.shall_run && task.is_running).count();
        let mut own = alive.iter().filter(|task| task.shall_run && task.deployment == id).count();
        let mut stopped = Vec::new();
        for task in alive.iter().filter(|task| task.shall_run) {
            let is_own = task.deployment == id;
            let is_spare = if is_own { own > self.desired } else { !has_failed };
            let failed = self
                .deployments
                .iter()
                .any(|it| it.id == task.deployment && it.rollout == Rollout::Failed && !is_own);
            let may_go = failed || !task.is_running || healthy > fewest;
            if !(is_spare || failed) || !may_go {
                continue;
            }
            healthy -= usize::from(task.is_running);
            own -= usize::from(is_own);
            stopped.push(task.arn.clone());
        }
        let (now, mut named) = (state.now, Vec::new());
        for arn in &stopped {
            let task = state.cluster_mut(&self.cluster).tasks.get_mut(arn);
            let reason = "Scaling activity initiated by deployment";
            if let Some(task) = task {
                task.stop(now, "ServiceSchedulerInitiated", &format!("{reason} {id}"));
                named.push(format!("(task {})", task.id()));
            }
        }
        if !stopped.is_empty() {
            let count = stopped.len();
            self.event(state, &format!("has stopped {count} running tasks: {}.", named.join(" ")));
        }
    }

    /// Completes the primary deployment when all its tasks have come to stay and no others are left.
    fn complete(&mut self, state: &mut State, alive: &[Alive]) {
        let Some(primary) = self.deployments.first_mut() else { return };
        let own = alive.iter().filter(|task| task.deployment == primary.id && task.is_good);
        let others = alive.iter().any(|task| task.deployment != primary.id);
        if primary.rollout != Rollout::InProgress || own.count() < self.desired || others {
            return;
        }
        primary.rollout = Rollout::Completed;
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated = state.now;
        let (id, definition) = (primary.id.clone(), primary.definition.clone());
        let pulled = primary.pulled.clone();
        self.event(state, &format!("(deployment {id}) deployment completed."));
        self.event(state, "has reached a steady state.");
        self.completed = Some(Completed { id, definition, pulled });
        self.deployments.truncate(1);
    }
}
