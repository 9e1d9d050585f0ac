//! What became of a service: its deployments, one after the other.

use std::collections::HashMap;

use portolan_model::{Digest, Timestamp};
use portolan_store::{DeploymentFilter, Origin, Page, Paged, StoreError};

use crate::Phase;
use crate::Tracker;
use crate::status::phase;
use crate::view::{DeploymentView, Wanted};

/// A deployment of a service, and what it was built from.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The deployment.
    pub view: DeploymentView,
    /// Since when it ran; none where nothing of it ever did.
    pub from: Option<Timestamp>,
    /// Until when it ran; none while something of it does.
    pub until: Option<Timestamp>,
    /// What its image says of where it came from.
    pub origin: Origin,
}

impl DeploymentView {
    /// When the first of its tasks ran, and when the last stopped doing so, as far as that has come
    /// at `at`.
    pub fn ran(&self, at: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let from = self.running_since().filter(|from| *from <= at);
        let alive = self
            .tasks
            .iter()
            .any(|task| phase(task, at).is_some_and(|(phase, _)| phase < Phase::Stopped));
        let ends = self.tasks.iter().filter_map(portolan_store::Task::until);
        let until = ends.filter(|until| *until <= at).max();
        (from, if alive || from.is_none() { None } else { until })
    }
}

impl Tracker {
    /// Deployments of `service` as they were at `at`, newest first, in these environments or, where
    /// none is named, in all.
    pub async fn history(
        &self,
        service: &str,
        environments: Vec<String>,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<Chapter>, StoreError> {
        let filter = DeploymentFilter {
            environments,
            services: Some(vec![service.to_owned()]),
            ..DeploymentFilter::default()
        };
        let found = self.deployments(&Wanted { filter, ..Wanted::default() }, at, page).await?;
        let digests: Vec<Digest> = found.items.iter().filter_map(DeploymentView::digest).collect();
        let origins: HashMap<_, _> = self.store().origins(&digests).await?.into_iter().collect();
        let chapter = |view: DeploymentView| {
            let (from, until) = view.ran(at);
            let origin = view.digest().and_then(|digest| origins.get(&digest)).cloned();
            Chapter { from, until, origin: origin.unwrap_or_default(), view }
        };
        Ok(Paged { items: found.items.into_iter().map(chapter).collect(), total: found.total })
    }
}
