//! Ordering: a plan, its applying, and the way back.

use portolan_model::{ReleaseId, RolloutId, Timestamp};
use portolan_store::{Release, Rollout, RolloutState, Standing, StoreError};

use super::{Releases, WorldError};
use crate::plan::{Plan, Refusal, Scope};
use crate::prepare::{Note, PrepareError, Source};
use crate::rollout::{Options, Reason, is_change};

/// An order to apply a plan.
#[derive(Debug, Clone)]
pub struct Order {
    /// The plan that was agreed.
    pub plan: Plan,
    /// How to apply it.
    pub options: Options,
    /// Who orders it.
    pub by: String,
    /// The page of the build that orders it.
    pub ci_url: Option<String>,
}

/// What is to be there again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// What the last success before the newest one brought there.
    Previous,
    /// This release.
    Release(ReleaseId),
    /// What ran at this moment.
    Moment(Timestamp),
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// No such release.
    #[error("there is no release {0}")]
    Release(ReleaseId),
    /// No plan can be made.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The plan says by itself that it cannot be applied.
    #[error("{}", said(.0))]
    Refused(Vec<Refusal>),
    /// The plan was changed on its way here.
    #[error("the plan is not whole: its hash is not that of what it says; make it again")]
    Changed,
    /// There is nothing to go back to.
    #[error("nothing before the newest rollout to {environment} of project {project} succeeded")]
    NoPrevious {
        /// The project.
        project: String,
        /// The environment.
        environment: String,
    },
    /// What is to be there again cannot be made a release.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// The rollout does not wait for a second person, or that person ordered it.
    #[error("rollout {0} does not wait for the word of another person than who ordered it")]
    NotApproved(RolloutId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn said(refusals: &[Refusal]) -> String {
    refusals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Releases {
    /// What applying a release to an environment of its project would do now.
    pub async fn plan(
        &self,
        project: &str,
        environment: &str,
        release: ReleaseId,
        scope: &Scope,
    ) -> Result<Plan, OrderError> {
        let found = self.release(release).await?;
        Ok(self.plan_now((project, environment), &found, scope, None).await?.plan)
    }

    /// Takes an order to apply a plan that somebody agreed to: it is recorded, and done by
    /// [`Releases::run`], which refuses it where the world has moved since. Where the environment is
    /// protected it waits for [`Releases::approve`] first.
    ///
    /// The plan must be whole and must refuse nothing. That another is changing the environment is
    /// no reason to refuse where the order can wait.
    pub async fn apply(&self, order: Order) -> Result<Rollout, OrderError> {
        if !order.plan.is_whole() {
            return Err(OrderError::Changed);
        }
        let Plan { project, environment, release, .. } = &order.plan;
        let place = (project.as_str(), environment.as_str());
        self.place(place)?;
        let release = self.release(*release).await?.id;
        let mut refusals = self.in_the_way(place, release, None).await?;
        refusals.extend(order.plan.refusals.iter().filter(|it| !it.passes()).cloned());
        self.ordered(order, refusals).await
    }

    /// Plans, and takes the order to apply that plan, in one. The world is not looked at once more
    /// when it is run at once.
    pub async fn deploy(
        &self,
        (project, environment): (&str, &str),
        release: ReleaseId,
        options: Options,
        by: &str,
        ci_url: Option<String>,
    ) -> Result<Rollout, OrderError> {
        let found = self.release(release).await?;
        let place = (project, environment);
        let planned = self.plan_now(place, &found, &options.scope, None).await?;
        let refusals = planned.plan.refusals.clone();
        let plan = planned.plan.clone();
        let order = Order { plan, options, by: by.to_owned(), ci_url };
        let rollout = self.ordered(order, refusals).await?;
        self.remember(rollout.id, planned);
        Ok(rollout)
    }

    async fn release(&self, id: ReleaseId) -> Result<Release, OrderError> {
        self.find_release(id).await?.ok_or(OrderError::Release(id))
    }

    async fn ordered(
        &self,
        order: Order,
        mut refusals: Vec<Refusal>,
    ) -> Result<Rollout, OrderError> {
        let Order { plan, options, by, ci_url } = order;
        let waits = options.wait_seconds > 0;
        refusals.retain(|it| !(waits && matches!(it, Refusal::Held { .. })));
        if !refusals.is_empty() {
            return Err(OrderError::Refused(refusals));
        }
        let state = if plan.protected { RolloutState::Waiting } else { RolloutState::Queued };
        let rollout = Rollout {
            id: RolloutId::new(self.store().ids()),
            project: plan.project.clone(),
            environment: plan.environment.clone(),
            release: plan.release,
            // Both are structs with texts for keys, which always have a JSON form.
            plan: serde_json::to_value(&plan).unwrap_or_default(),
            options: serde_json::to_value(&options).unwrap_or_default(),
            state,
            reason: None,
            created_by: by,
            created_at: self.store().now(),
            ci_url,
            approved_by: None,
            approved_at: None,
            started_at: None,
            finished_at: None,
        };
        let add = rollout.clone();
        self.store().write(move |tx| Box::pin(async move { tx.add_rollout(&add).await })).await?;
        self.store().wake_changes().await;
        Ok(rollout)
    }

    /// Lets a rollout that waits for a second person go on.
    pub async fn approve(&self, id: RolloutId, by: &str) -> Result<(), OrderError> {
        let (by, now) = (by.to_owned(), self.store().now());
        let approve = self
            .store()
            .write(move |tx| Box::pin(async move { tx.approve_rollout(id, &by, now).await }));
        let approved = approve.await?;
        self.store().wake_changes().await;
        if approved { Ok(()) } else { Err(OrderError::NotApproved(id)) }
    }

    /// Takes back a rollout that was not begun; false where it was.
    pub async fn refuse(&self, id: RolloutId, reason: &str) -> Result<bool, OrderError> {
        let (reason, now) = (reason.to_owned(), self.store().now());
        let refuse = self
            .store()
            .write(move |tx| Box::pin(async move { tx.refuse_rollout(id, &reason, now).await }));
        let refused = refuse.await?;
        self.store().wake_changes().await;
        Ok(refused)
    }

    /// The plan that brings `back` what was there, with the release that it applies. What ran at a
    /// moment becomes a release of its own, by `by`.
    pub async fn rollback(
        &self,
        (project, environment): (&str, &str),
        back: &Back,
        scope: &Scope,
        by: &str,
    ) -> Result<(Plan, Options), OrderError> {
        self.place((project, environment))?;
        let release = match back {
            Back::Release(id) => *id,
            Back::Previous => self.previous(project, environment).await?,
            Back::Moment(at) => {
                let source =
                    Source::Environment { environment: environment.to_owned(), at: Some(*at) };
                let description = format!("what ran in {environment} at {at}");
                let note = Note { description, by: by.to_owned(), ci_url: None };
                match self.prepare(project, &source, note).await {
                    Ok(release) => release.id,
                    // No event told what ran: what was last brought there did.
                    Err(error @ PrepareError::Missing { .. }) => {
                        let before = self.brought(project, environment, *at).await?;
                        before.ok_or(error)?
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let plan = self.plan(project, environment, release, scope).await?;
        let options =
            Options { scope: scope.clone(), reason: Reason::Rollback, ..Options::default() };
        Ok((plan, options))
    }

    /// The release of the last success at or before a moment.
    pub(crate) async fn brought(
        &self,
        project: &str,
        environment: &str,
        at: Timestamp,
    ) -> Result<Option<ReleaseId>, StoreError> {
        let done = self.ended(project, environment, RolloutState::Succeeded).await?;
        let before = done.iter().find(|it| it.finished_at.is_some_and(|end| end <= at));
        Ok(before.map(|rollout| rollout.release))
    }

    /// Rollouts to an environment that ended so, the last to end first.
    pub(super) async fn ended(
        &self,
        project: &str,
        environment: &str,
        state: RolloutState,
    ) -> Result<Vec<Standing>, StoreError> {
        self.store().ended_rollouts(project, environment, state, MOST).await
    }

    /// The release that is there now, wholly or in part: what the last success to end brought, or what
    /// was left after it by one that failed.
    async fn current(
        &self,
        project: &str,
        environment: &str,
    ) -> Result<Option<ReleaseId>, StoreError> {
        let done = self.ended(project, environment, RolloutState::Succeeded).await?;
        let newest = done.first();
        let failed = self.ended(project, environment, RolloutState::Failed).await?;
        let since = newest.and_then(|it| it.finished_at);
        for rollout in failed.iter().take_while(|it| it.finished_at > since) {
            let steps = self.store().rollout_steps(rollout.id).await?;
            if steps.iter().any(|step| is_change(&step.name)) {
                return Ok(Some(rollout.release));
            }
        }
        Ok(newest.map(|it| it.release))
    }

    /// The release of the last success before what is there now.
    async fn previous(&self, project: &str, environment: &str) -> Result<ReleaseId, OrderError> {
        let done = self.ended(project, environment, RolloutState::Succeeded).await?;
        let current = self.current(project, environment).await?;
        let is_earlier = |it: &ReleaseId| Some(*it) != current;
        for release in done.iter().map(|it| it.release).filter(is_earlier) {
            if self.store().quarantine(release).await?.is_none() {
                return Ok(release);
            }
        }
        // What was there before the first rollout may have been brought by another tool.
        let others = self.deployed_by_others(project, environment).await;
        for release in others.into_iter().filter(is_earlier) {
            let is_known = self.find_release(release).await?.is_some();
            if is_known && self.store().quarantine(release).await?.is_none() {
                return Ok(release);
            }
        }
        let (project, environment) = (project.to_owned(), environment.to_owned());
        Err(OrderError::NoPrevious { project, environment })
    }
}

/// Rollouts that are looked through at most for the one before.
const MOST: u64 = 200;
