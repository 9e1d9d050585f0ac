//! Which release has what runs, where one is known.

use std::collections::HashMap;

use portolan_model::{Digest, ReleaseId};
use portolan_tracker::Cell;

use super::cell;
use crate::App;
use crate::ui::error::PageError;

/// The newest release that has each image, by its digest.
#[derive(Debug, Default)]
pub(in crate::ui) struct Released(HashMap<Digest, ReleaseId>);

impl Released {
    /// The releases of what `cells` show: nothing is asked where there is no project.
    pub(in crate::ui) async fn of(
        app: &App,
        cells: impl Iterator<Item = &Cell>,
    ) -> Result<Self, PageError> {
        if app.releases.projects().is_empty() {
            return Ok(Self::default());
        }
        let mut digests: Vec<Digest> = cells.filter_map(cell::shown_digest).collect();
        digests.sort_unstable();
        digests.dedup();
        Ok(Self(app.store.releases_with(&digests).await?.into_iter().collect()))
    }

    /// The release of what `cell` shows.
    pub(super) fn with(&self, cell: &Cell) -> Option<ReleaseId> {
        self.0.get(&cell::shown_digest(cell)?).copied()
    }
}
