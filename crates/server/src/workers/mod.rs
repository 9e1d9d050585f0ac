//! What works in the background: the journal, jobs, housekeeping.

use portolan_model::JobId;
use portolan_store::StoreError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::App;

mod assets_sweep;
mod ecs_sweep;
mod github;
mod here;
mod housekeeping;
pub(crate) mod jobs;
mod journal;
mod notify;
pub(crate) mod queue;
mod registry_sweep;
mod runner;
mod sqs;
mod turns;

#[cfg(test)]
mod tests;

use runner::Runner;

/// Rollouts that are done at a time in this process.
const ROLLOUTS: usize = 4;

/// Notifications that are sent at a time in this process.
const TELLERS: usize = 2;

/// What works in the background of one server.
#[derive(Debug)]
pub struct Workers {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Workers {
    pub(crate) fn start(app: &App) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(journal::run(app.clone(), stop.clone()));
        tasks.spawn(housekeeping::run(app.clone(), stop.clone()));
        tasks.spawn(github::run(app.clone(), stop.clone()));
        tasks.spawn(registry_sweep::run(app.clone(), stop.clone()));
        tasks.spawn(assets_sweep::run(app.clone(), stop.clone()));
        tasks.spawn(here::run(app.clone(), stop.clone()));
        for place in &app.settings.aws.swept {
            tasks.spawn(ecs_sweep::run(app.clone(), place.name.clone(), stop.clone()));
        }
        for queue in &app.settings.aws.queues {
            for _ in 0..app.settings.aws.pollers.clamp(1, 64) {
                tasks.spawn(sqs::run(app.clone(), queue.clone(), stop.clone()));
            }
        }
        tasks.spawn(notify::run(app.clone(), stop.clone()));
        // Without rules, one: what was noticed while there were some is given up.
        let tellers = if app.settings.notifications.rules.is_empty() { 1 } else { TELLERS };
        for _ in 0..tellers {
            tasks.spawn(runner(app, jobs::TELLING, stop.clone()).run());
        }
        // One is kept free for what is quick.
        tasks.spawn(runner(app, jobs::QUICK, stop.clone()).run());
        for _ in 0..app.settings.workers.clamp(1, 64) {
            tasks.spawn(runner(app, jobs::COMMON, stop.clone()).run());
        }
        for _ in 0..ROLLOUTS {
            tasks.spawn(runner(app, jobs::PATIENT, stop.clone()).run());
        }
        tasks.spawn(resume(app.clone(), stop.clone()));
        tasks.close();
        Self { stop, tasks }
    }

    /// Takes no new work on, gives back the jobs under way, and waits until all has ended. What
    /// was left half-way is taken up again by whoever comes next.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// Sees to it that open rollouts, and what waits for a table, have somebody who works on them, at the
/// start and now and then.
async fn resume(app: App, stop: CancellationToken) {
    loop {
        if let Err(error) = jobs::rollout::enqueue_open(&app).await {
            tracing::warn!(%error, "open rollouts wait for the store");
        }
        if let Err(error) = app.releases.queue_tables().await {
            tracing::warn!(%error, "what waits for a table waits for the store");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(app.settings.housekeeping) => {}
        }
    }
}

fn runner(app: &App, kinds: &'static [&'static str], stop: CancellationToken) -> Runner {
    let owner = format!("worker {}", JobId::new(app.store.ids()));
    Runner { app: app.clone(), owner, kinds, stop }
}

/// Does what waits in the journal and in the queue until nothing is left that may run now.
pub(crate) async fn run_until_idle(app: &App) -> Result<(), StoreError> {
    let runner = runner(app, jobs::ALL, CancellationToken::new());
    loop {
        let applied = journal::apply_pending(app).await?;
        if applied == 0 && !runner.run_next().await? {
            return Ok(());
        }
    }
}

/// Sends the next notification that may be sent now; false where there is none.
#[cfg(test)]
pub(crate) async fn tell_next(app: &App) -> Result<bool, StoreError> {
    runner(app, jobs::TELLING, CancellationToken::new()).run_next().await
}
