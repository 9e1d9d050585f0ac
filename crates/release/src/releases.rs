//! Releases, plans and rollouts in one place: what the floors above call.

mod first;
mod fresh;
mod order;
mod places;
mod world;

use std::collections::BTreeMap;
use std::sync::Arc;

use portolan_model::{ReleaseId, RolloutId};
use portolan_store::{
    Page, Paged, Quarantine, Release, Rollout, RolloutFilter, RolloutStep, Store, StoreError,
};
use portolan_tracker::{Intake, Tracker};

use crate::project::Project;
use crate::reach::Reach;
use crate::rollout::Settings;
use crate::table::Looks;
use crate::target::Found;
use crate::witness::Witness;

pub use order::{Back, Order, OrderError};
pub use world::WorldError;

use fresh::Fresh;
use world::Planned;

/// Releases, plans and rollouts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Releases {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    intake: Intake,
    projects: BTreeMap<String, Project>,
    reach: Arc<dyn Reach>,
    witness: Arc<dyn Witness>,
    settings: Settings,
    fresh: Fresh,
    looks: Looks,
}

impl Releases {
    /// Releases of `projects`, whose environments are reached through `reach`. What `tracker` hears
    /// is asked when a deployment is said to be complete.
    pub fn new(
        tracker: Tracker,
        projects: BTreeMap<String, Project>,
        reach: Arc<dyn Reach>,
        settings: Settings,
    ) -> Self {
        let store = tracker.store().clone();
        Self::with_witness(store, projects, reach, Arc::new(tracker), settings)
    }

    /// The same, with another ear for events.
    pub fn with_witness(
        store: Store,
        projects: BTreeMap<String, Project>,
        reach: Arc<dyn Reach>,
        witness: Arc<dyn Witness>,
        settings: Settings,
    ) -> Self {
        let (fresh, looks) = Default::default();
        let intake = Intake::new(store.clone());
        let inner = Inner { store, intake, projects, reach, witness, settings, fresh, looks };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn intake(&self) -> Intake {
        self.inner.intake.clone()
    }

    pub(crate) fn reach(&self) -> &dyn Reach {
        &*self.inner.reach
    }

    pub(crate) fn witness(&self) -> Arc<dyn Witness> {
        self.inner.witness.clone()
    }

    /// Remembers what was found for a rollout that is about to be run.
    fn remember(&self, id: RolloutId, planned: Planned) {
        self.inner.fresh.put(id, planned);
    }

    /// What was just found for a rollout, unless somebody took the environment since: `fence` is the
    /// number of the taking for it.
    pub(crate) fn just_found(&self, id: RolloutId, fence: i64) -> Option<BTreeMap<String, Found>> {
        self.inner.fresh.take(id, fence)
    }

    pub(crate) fn looks(&self) -> &Looks {
        &self.inner.looks
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// All projects, by name.
    pub fn projects(&self) -> &BTreeMap<String, Project> {
        &self.inner.projects
    }

    /// A project.
    pub fn project(&self, name: &str) -> Option<&Project> {
        self.inner.projects.get(name)
    }

    /// Releases of all projects, or of one, newest first.
    pub async fn list(
        &self,
        project: Option<&str>,
        page: Page,
    ) -> Result<Paged<Release>, StoreError> {
        self.look_into_tables(project).await;
        self.store().releases(project, page).await
    }

    /// A release, and why it is not to be deployed, where it is not.
    pub async fn show(
        &self,
        id: ReleaseId,
    ) -> Result<Option<(Release, Option<Quarantine>)>, StoreError> {
        let Some(release) = self.find_release(id).await? else { return Ok(None) };
        let quarantine = self.store().quarantine(id).await?;
        Ok(Some((release, quarantine)))
    }

    /// Keeps a release from being deployed again; false where there is none.
    pub async fn quarantine(
        &self,
        id: ReleaseId,
        reason: &str,
        by: &str,
    ) -> Result<bool, StoreError> {
        if self.find_release(id).await?.is_none() {
            return Ok(false);
        }
        let word = Quarantine {
            release: id,
            reason: reason.to_owned(),
            created_by: by.to_owned(),
            created_at: self.store().now(),
        };
        self.store().write(move |tx| Box::pin(async move { tx.quarantine(&word).await })).await?;
        self.store().wake_changes().await;
        Ok(true)
    }

    /// Lets a release be deployed again; false where it could.
    pub async fn lift(&self, id: ReleaseId) -> Result<bool, StoreError> {
        let lift =
            self.store().write(move |tx| Box::pin(async move { tx.lift_quarantine(id).await }));
        let lifted = lift.await?;
        self.store().wake_changes().await;
        Ok(lifted)
    }

    /// Rollouts, newest first.
    pub async fn rollouts(
        &self,
        filter: &RolloutFilter,
        page: Page,
    ) -> Result<Paged<Rollout>, StoreError> {
        self.store().rollouts(filter, page).await
    }

    /// A rollout, and its steps in the order in which they were begun.
    pub async fn rollout(
        &self,
        id: RolloutId,
    ) -> Result<Option<(Rollout, Vec<RolloutStep>)>, StoreError> {
        let Some(rollout) = self.store().rollout(id).await? else { return Ok(None) };
        let steps = self.store().rollout_steps(id).await?;
        Ok(Some((rollout, steps)))
    }
}
