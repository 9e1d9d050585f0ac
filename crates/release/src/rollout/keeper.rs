//! Keeping the lease of an environment while something is done.

use std::future::Future;
use std::time::Duration;

use portolan_model::{JobId, RolloutId, Timestamp};
use portolan_store::{PlaceLease, RolloutState, RolloutStep, StepState, Store, Taking, Told};
use serde_json::Value;

use super::stop::RunError;
use crate::table;

/// Keeps the lease of an environment. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Keeper {
    store: Store,
    lease: PlaceLease,
    time: Duration,
    /// Whether the end of the rollout is written into a table besides.
    has_table: bool,
}

/// What came of asking for an environment.
pub(super) enum Asked {
    Taken(Keeper),
    Held(RunError),
    /// By a rollout that nobody brought to its end.
    Abandoned(RolloutId, String),
}

fn end(now: Timestamp, time: Duration) -> Timestamp {
    now.plus_millis(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

impl Keeper {
    /// Asks for an environment of a project, for `rollout`.
    pub(super) async fn take(
        store: &Store,
        (project, environment): (&str, &str),
        rollout: RolloutId,
        owner: &str,
        (time, has_table): (Duration, bool),
    ) -> Result<Asked, RunError> {
        let (project, environment) = (project.to_owned(), environment.to_owned());
        let (owner, now) = (owner.to_owned(), store.now());
        let until = end(now, time);
        let taking = store.write(move |tx| {
            Box::pin(async move {
                tx.take_environment(&project, &environment, rollout, &owner, now, until).await
            })
        });
        Ok(match taking.await? {
            Taking::Taken(lease) => {
                Asked::Taken(Self { store: store.clone(), lease, time, has_table })
            }
            Taking::Held(held) => Asked::Held(RunError::Held {
                by: held.rollout,
                owner: held.owner,
                until: held.until,
            }),
            Taking::Abandoned(held) => Asked::Abandoned(held.rollout, held.owner),
        })
    }

    /// For which rollout.
    pub(super) fn rollout(&self) -> RolloutId {
        self.lease.rollout
    }

    /// The present moment.
    pub(super) fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// The number of the taking.
    pub(super) fn fence(&self) -> i64 {
        self.lease.fence
    }

    /// All steps that are recorded by now.
    pub(super) async fn steps(&self) -> Result<Vec<RolloutStep>, RunError> {
        Ok(self.store.rollout_steps(self.lease.rollout).await?)
    }

    fn until(&self) -> Timestamp {
        end(self.store.now(), self.time)
    }

    fn kept(kept: bool) -> Result<(), RunError> {
        if kept { Ok(()) } else { Err(RunError::Lost) }
    }

    /// Prolongs the lease.
    pub(super) async fn keep(&self) -> Result<(), RunError> {
        let (lease, until) = (self.lease.clone(), self.until());
        let kept = self
            .store
            .write(move |tx| Box::pin(async move { tx.keep_environment(&lease, until).await }));
        Self::kept(kept.await?)
    }

    /// Does `work`, however long it takes, and keeps the lease meanwhile. Where the lease is lost
    /// the work is dropped.
    pub(super) async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T, RunError> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(self.time / 3) => self.keep().await?,
            }
        }
    }

    /// Records that a step is about to be done.
    pub(super) async fn begin(&self, name: &str, intent: Value) -> Result<(), RunError> {
        let (lease, name) = (self.lease.clone(), name.to_owned());
        let (now, until) = (self.store.now(), self.until());
        let kept = self.store.write(move |tx| {
            Box::pin(async move { tx.begin_step(&lease, &name, &intent, now, until).await })
        });
        Self::kept(kept.await?)?;
        self.store.wake_changes().await;
        Ok(())
    }

    /// Records how far steps are, by name, and prolongs the lease.
    pub(super) async fn tell(&self, told: Vec<(String, Value)>) -> Result<(), RunError> {
        let (lease, until) = (self.lease.clone(), self.until());
        let kept = self
            .store
            .write(move |tx| Box::pin(async move { tx.tell_steps(&lease, &told, until).await }));
        Self::kept(kept.await?)?;
        self.store.wake_changes().await;
        Ok(())
    }

    /// Records what a step came to.
    pub(super) async fn end(
        &self,
        name: &str,
        state: StepState,
        outcome: Value,
    ) -> Result<(), RunError> {
        let (lease, name) = (self.lease.clone(), name.to_owned());
        let (now, until) = (self.store.now(), self.until());
        let kept = self.store.write(move |tx| {
            Box::pin(async move { tx.end_step(&lease, &name, state, &outcome, now, until).await })
        });
        Self::kept(kept.await?)?;
        self.store.wake_changes().await;
        Ok(())
    }

    /// Records how the rollout stands. Where that is its end, the environment is free at once.
    pub(super) async fn stands(
        &self,
        state: RolloutState,
        reason: Option<&str>,
    ) -> Result<(), RunError> {
        let (lease, reason) = (self.lease.clone(), reason.map(str::to_owned));
        let (now, own) = (self.store.now(), JobId::new(self.store.ids()));
        let is_told = self.has_table && state != RolloutState::Refused;
        let kept = self.store.write(move |tx| {
            Box::pin(async move {
                let moved = tx.move_rollout(&lease, state, reason.as_deref(), now).await?;
                if moved && state.is_end() {
                    tx.leave_environment(&lease).await?;
                    if is_told {
                        let id = lease.rollout.to_string();
                        let write = table::waits(Told::Rollout, id, &lease.project, now);
                        table::queue(tx, &write, own).await?;
                    }
                }
                Ok(moved)
            })
        });
        Self::kept(kept.await?)?;
        self.store.wake_changes().await;
        self.store.wake_jobs().await;
        Ok(())
    }

    /// Gives the environment back, with the rollout as it stands.
    pub(super) async fn leave(&self) -> Result<(), RunError> {
        let lease = self.lease.clone();
        let left =
            self.store.write(move |tx| Box::pin(async move { tx.leave_environment(&lease).await }));
        left.await?;
        Ok(())
    }
}
