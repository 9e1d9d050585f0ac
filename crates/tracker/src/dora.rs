//! Four figures about how software is delivered, computed from what was observed.
//!
//! They are the key metrics of [DORA](https://dora.dev/guides/dora-metrics-four-keys/): how often is
//! deployed, how long a change takes, how many changes fail, how long it takes to recover. A change
//! counts from the moment at which its image was made: the moment of the commit is not known here.

mod figures;

use std::collections::{BTreeSet, HashMap};

use portolan_model::{Digest, Timestamp};
use portolan_store::{DeploymentFilter, ImageKind, Page, Store, StoreError};

use crate::Tracker;
use crate::status::Status;
use crate::view::{DeploymentView, Wanted};
pub use figures::{Change, Figure, Figures, Outcome, Period, figures};

/// Deployments that are looked at for one set of figures at most.
const MOST: u64 = 10_000;

impl Tracker {
    /// The figures of an environment over the last `days` days before `to`.
    ///
    /// Deployments of as many days before are looked at too, so that an image that goes back to
    /// where it was is not taken for a new one.
    pub async fn figures(
        &self,
        environment: &str,
        to: Timestamp,
        days: u32,
    ) -> Result<Figures, StoreError> {
        let period = Period::before(to, days);
        let filter = DeploymentFilter {
            environments: vec![environment.to_owned()],
            from: Some(period.from.plus_millis(period.from.millis_since(to))),
            to: Some(to),
            ..DeploymentFilter::default()
        };
        let wanted = Wanted { filter, ..Wanted::default() };
        let found = self.deployments(&wanted, to, Page::first(MOST)).await?;
        let images: BTreeSet<Digest> =
            found.items.iter().filter_map(DeploymentView::digest).collect();
        let mut made = HashMap::with_capacity(images.len());
        for digest in images {
            made.insert(digest, made_at(self.store(), &digest).await?);
        }
        let changes: Vec<Change> =
            found.items.iter().filter_map(|view| change(view, &made)).collect();
        Ok(figures(&changes, period))
    }
}

/// When an image was made: by its configuration, else when the first of its tags pointed to it, else
/// when it was first scanned.
async fn made_at(store: &Store, digest: &Digest) -> Result<Option<Timestamp>, StoreError> {
    let Some(image) = store.image(digest).await? else { return Ok(None) };
    let mut made = image.found.created_at;
    if image.kind == ImageKind::Index {
        // An index has no configuration; its images have.
        for child in image.found.children.iter().take(4) {
            let child = store.image(&child.digest).await?;
            made = made.max(child.and_then(|child| child.found.created_at));
        }
    }
    // Builds that are to be reproducible say that they were made in 1970.
    if made.is_some_and(|made| made.millis() > 0) {
        return Ok(made);
    }
    let pushed = store.tags_of(digest).await?.iter().map(|tag| tag.since).min();
    Ok(pushed.or(image.first_scanned_at))
}

fn change(view: &DeploymentView, made: &HashMap<Digest, Option<Timestamp>>) -> Option<Change> {
    let deployment = view.deployment.as_ref()?;
    let ran_at = view.running_since();
    let failed_at = || {
        let said = deployment.fact.failed.as_ref().map(|(at, _)| *at);
        said.or(view.superseded_at).or(view.verdict.finished_at).unwrap_or(deployment.created_at())
    };
    let outcome = match view.verdict.status {
        Status::Requested | Status::Pending => Outcome::Open,
        Status::Failed | Status::RolledBack => Outcome::Failed(failed_at()),
        Status::Running | Status::Stopping | Status::Stopped | Status::Undeployed => {
            ran_at.map_or(Outcome::Open, Outcome::Ran)
        }
    };
    Some(Change {
        service: view.service().to_owned(),
        image: view.digest(),
        at: deployment.created_at(),
        made_at: view.digest().and_then(|digest| made.get(&digest).copied().flatten()),
        outcome,
    })
}
