//! Running a rollout: from its order, or from where somebody left it, to its end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_model::{RolloutId, failpoint};
use portolan_store::{Rollout, RolloutState};
use tokio::time::Instant;

use super::keeper::{Asked, Keeper};
use super::step::{Rolling, is_change, read};
use super::stop::{RunError, Stop};
use super::{OnFailure, Options};
use crate::plan::{Plan, Refusal, moved};
use crate::releases::{Releases, WorldError};
use crate::target::Found;

/// On whose behalf a rollout is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Its own.
    Itself,
    /// Another's, whose way it is in.
    Another,
}

impl Releases {
    /// Brings a rollout to its end, from wherever it is: it may have been begun by a process that
    /// died. `owner` is the name of this process. It is safe to run one twice, also at once.
    pub async fn run(&self, id: RolloutId, owner: &str) -> Result<Rollout, RunError> {
        self.run_for(id, owner, For::Itself).await
    }

    fn run_for<'a>(
        &'a self,
        id: RolloutId,
        owner: &'a str,
        whom: For,
    ) -> BoxFuture<'a, Result<Rollout, RunError>> {
        async move {
            let rollout = self.known(id).await?;
            if rollout.state.is_end() {
                return Ok(rollout);
            }
            if rollout.state == RolloutState::Waiting {
                return Err(RunError::Waiting(id));
            }
            let options: Options = read("options", &rollout.options)?;
            let Some(keeper) = self.taken(&rollout, &options, owner).await? else {
                return self.known(id).await;
            };
            match self.go(&keeper, id, options, whom).await {
                Ok(()) => self.known(id).await,
                Err(RunError::Lost) => Err(RunError::Lost),
                Err(error) => {
                    keeper.leave().await?;
                    Err(error)
                }
            }
        }
        .boxed()
    }

    /// Ends a rollout that was begun and cannot be brought to its end, as it is: what it did stays.
    /// Nobody may be at it. For whoever has seen to the environment by hand.
    pub async fn give_up(
        &self,
        id: RolloutId,
        reason: &str,
        owner: &str,
    ) -> Result<Rollout, RunError> {
        let rollout = self.known(id).await?;
        if rollout.state.is_end() {
            return Ok(rollout);
        }
        let place = (rollout.project.as_str(), rollout.environment.as_str());
        let how = (self.settings().lease, self.has_table(place.0));
        match Keeper::take(self.store(), place, id, owner, how).await? {
            Asked::Taken(keeper) => {
                keeper.stands(RolloutState::Failed, Some(reason)).await?;
                self.known(id).await
            }
            Asked::Held(held) => Err(held),
            Asked::Abandoned(other, owner) => {
                Err(RunError::Held { by: other, owner, until: self.store().now() })
            }
        }
    }

    fn has_table(&self, project: &str) -> bool {
        self.project(project).is_some_and(|project| project.table.is_some())
    }

    async fn known(&self, id: RolloutId) -> Result<Rollout, RunError> {
        self.store().rollout(id).await?.ok_or(RunError::None(id))
    }

    /// The environment; none where somebody else kept it, and the rollout was refused for that.
    async fn taken(
        &self,
        rollout: &Rollout,
        options: &Options,
        owner: &str,
    ) -> Result<Option<Keeper>, RunError> {
        let place = (rollout.project.as_str(), rollout.environment.as_str());
        let how = (self.settings().lease, self.has_table(place.0));
        let patience = Instant::now() + Duration::from_secs(u64::from(options.wait_seconds));
        loop {
            match Keeper::take(self.store(), place, rollout.id, owner, how).await? {
                Asked::Taken(keeper) => return Ok(Some(keeper)),
                Asked::Abandoned(other, left_by) => {
                    tracing::warn!(rollout = %other, left_by, "brought to its end first");
                    match self.run_for(other, owner, For::Another).await {
                        Ok(_) | Err(RunError::Held { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                Asked::Held(held) if Instant::now() < patience => {
                    tracing::info!(%held, "waiting");
                    tokio::time::sleep(self.settings().poll).await;
                }
                Asked::Held(held) => return self.refused_by(rollout, held).await,
            }
        }
    }

    /// Refuses a rollout that was not begun; one that was goes on when the other gives no sign.
    async fn refused_by(
        &self,
        rollout: &Rollout,
        held: RunError,
    ) -> Result<Option<Keeper>, RunError> {
        let (id, now, reason) = (rollout.id, self.store().now(), held.to_string());
        let is_other = !matches!(&held, RunError::Held { by, .. } if *by == id);
        if rollout.state == RolloutState::Queued && is_other {
            let refused = self.store().write(move |tx| {
                Box::pin(async move { tx.refuse_rollout(id, &reason, now).await })
            });
            if refused.await? {
                self.store().wake_changes().await;
                return Ok(None);
            }
        }
        Err(held)
    }

    async fn go(
        &self,
        keeper: &Keeper,
        id: RolloutId,
        options: Options,
        whom: For,
    ) -> Result<(), RunError> {
        // Another process may have brought it further before the environment was taken.
        let rollout = self.known(id).await?;
        if rollout.state.is_end() {
            return keeper.leave().await;
        }
        let plan: Plan = read("plan", &rollout.plan)?;
        let seen = if rollout.state == RolloutState::Queued {
            match self.as_agreed(keeper, &rollout, &plan, &options).await? {
                Ok(seen) => Some(seen),
                Err(reason) => return keeper.stands(RolloutState::Refused, Some(&reason)).await,
            }
        } else {
            None
        };
        let on_failure = options.on_failure;
        let rolling = self.rolling(keeper, &rollout, plan, options, seen).await?;
        let left = For::Another == whom && on_failure == OnFailure::Rollback;
        let result = match rollout.state {
            RolloutState::Undoing => Err(Stop::Failed(rollout.reason.unwrap_or_default())),
            RolloutState::Running if left => {
                Err(Stop::Failed("it was left half done, and another was to come".to_owned()))
            }
            _ => rolling.forward().await,
        };
        let (state, reason) = match result {
            Ok(note) => (RolloutState::Succeeded, note),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Failed(why)) => rolling.after_failure(why, on_failure).await?,
        };
        failpoint::hit("rollout.before-end");
        keeper.stands(state, reason.as_deref()).await
    }

    /// The services as they are, where the plan that was agreed can be applied now; else why not.
    async fn as_agreed(
        &self,
        keeper: &Keeper,
        rollout: &Rollout,
        agreed: &Plan,
        options: &Options,
    ) -> Result<Result<BTreeMap<String, Found>, String>, RunError> {
        let place = (rollout.project.as_str(), rollout.environment.as_str());
        let said = |refusals: &[Refusal]| {
            refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        if let Some(seen) = self.just_found(rollout.id, keeper.fence()) {
            let way = self.in_the_way(place, rollout.release, Some(rollout.id)).await?;
            return Ok(if way.is_empty() { Ok(seen) } else { Err(said(&way)) });
        }
        let Some(release) = self.store().release(rollout.release).await? else {
            return Ok(Err("the release is not there any more".to_owned()));
        };
        let now = self.plan_now(place, &release, &options.scope, Some(rollout.id)).await;
        let now = now.map_err(WorldError::into_run)?;
        let moved = moved(agreed, &now.plan);
        if !moved.is_empty() {
            return Ok(Err(format!("the world has moved: {}", moved.join("; "))));
        }
        let refusals = &now.plan.refusals;
        Ok(if refusals.is_empty() { Ok(now.services) } else { Err(said(refusals)) })
    }

    async fn rolling(
        &self,
        keeper: &Keeper,
        rollout: &Rollout,
        plan: Plan,
        options: Options,
        seen: Option<BTreeMap<String, Found>>,
    ) -> Result<Rolling, RunError> {
        let unknown = || RunError::Unknown {
            project: rollout.project.clone(),
            environment: rollout.environment.clone(),
        };
        let project = self.project(&rollout.project).ok_or_else(unknown)?;
        let target = self.reach().target(project, &rollout.environment).await?;
        let images = self.reach().images(project, Some(&rollout.environment)).await?;
        let steps = self.store().rollout_steps(rollout.id).await?;
        let begun = rollout.started_at.unwrap_or_else(|| self.store().now());
        let seen = if let Some(seen) = seen {
            seen
        } else {
            // What was begun before is held against what is there now.
            let changed: BTreeSet<String> = plan.changed().map(|it| it.service.clone()).collect();
            target.read(&changed).await?
        };
        let patience = begun.plus_millis(i64::from(options.seconds) * 1000);
        Ok(Rolling {
            seen,
            plan,
            options,
            settings: self.settings().clone(),
            keeper: keeper.clone(),
            target,
            images,
            witness: self.witness(),
            intake: self.intake(),
            by: rollout.created_by.clone(),
            known: steps.into_iter().map(|step| (step.name.clone(), step)).collect(),
            made: Mutex::new(HashMap::new()),
            patience,
            is_undoing: AtomicBool::new(false),
        })
    }
}

impl Rolling {
    /// What becomes of what was done.
    async fn after_failure(
        &self,
        why: String,
        on_failure: OnFailure,
    ) -> Result<(RolloutState, Option<String>), RunError> {
        let steps = self.keeper.steps().await?;
        if !steps.iter().any(|step| is_change(&step.name)) {
            return Ok((RolloutState::Failed, Some(format!("{why} (nothing was changed)"))));
        }
        if on_failure == OnFailure::Leave {
            return Ok((RolloutState::Failed, Some(why)));
        }
        match self.undo(&why).await {
            Ok(None) => Ok((RolloutState::RolledBack, Some(why))),
            Ok(Some(left)) | Err(Stop::Failed(left)) => {
                let reason = format!("{why}; and what was done could not all be undone: {left}");
                Ok((RolloutState::Failed, Some(reason)))
            }
            Err(Stop::Error(error)) => Err(error),
        }
    }
}
