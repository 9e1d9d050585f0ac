//! Where a release must have succeeded before it comes somewhere.

use std::collections::BTreeSet;

use portolan_model::{Digest, ReleaseId};
use portolan_store::{Release, RolloutState, Standing, StoreError};

use super::Releases;

/// The images of a release.
fn images(release: &Release) -> BTreeSet<(&str, Digest)> {
    release.images.iter().map(|image| (image.image.as_str(), image.digest)).collect()
}

impl Releases {
    /// Where a release must have succeeded before it comes to an environment, and has not. It is its
    /// images that count: another release of the same ones is as good, and so is that they were in
    /// the environment itself before, as for going back.
    pub(super) async fn not_before(
        &self,
        (project, environment): (&str, &str),
        release: ReleaseId,
    ) -> Result<Vec<String>, StoreError> {
        let place = self.project(project).and_then(|it| it.environments.get(environment));
        let Some(after) = place.map(|place| &place.after).filter(|after| !after.is_empty()) else {
            return Ok(Vec::new());
        };
        let Some(release) = self.store().release(release).await? else { return Ok(Vec::new()) };
        if self.has_succeeded(project, environment, &release).await? {
            return Ok(Vec::new());
        }
        let mut missing = Vec::new();
        for first in after {
            if !self.has_succeeded(project, first, &release).await? {
                missing.push(first.clone());
            }
        }
        Ok(missing)
    }

    /// Whether the images of a release were brought to an environment with success.
    async fn has_succeeded(
        &self,
        project: &str,
        environment: &str,
        release: &Release,
    ) -> Result<bool, StoreError> {
        let done = self.ended(project, environment, RolloutState::Succeeded).await?;
        // Some of its services are not the release.
        let is_whole = |rollout: &&Standing| rollout.options["scope"]["services"].is_null();
        let others: BTreeSet<ReleaseId> =
            done.iter().filter(is_whole).map(|rollout| rollout.release).collect();
        if others.contains(&release.id) {
            return Ok(true);
        }
        let others: Vec<ReleaseId> = others.into_iter().collect();
        let others = self.store().releases_of(&others).await?;
        Ok(others.iter().any(|other| images(other) == images(release)))
    }
}
