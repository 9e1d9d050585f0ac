//! `show-release`, `show-deployments` and `show-images`. They change nothing.

use portolan_release::weco::{Deployments, ago};

use super::Work;
use super::end::{Done, End};
use super::prepare::NO_DESCRIPTION;
use super::screen::Grid;
use crate::args::compat::weco::{ShowDeployments, ShowImages, ShowRelease};
use crate::system;

impl Work<'_> {
    pub(super) async fn show_release(&self, told: ShowRelease) -> Done {
        let release = self.weco.release(told.release_id.as_deref().unwrap_or("latest")).await?;
        // A map of this kind has its keys in order.
        let text = serde_json::to_string_pretty(release.item())
            .map_err(|error| End::Failed(format!("the release is no JSON: {error}")))?;
        self.screen.plain(&text)
    }

    pub(super) async fn show_deployments(&self, told: ShowDeployments) -> Done {
        let wanted = Deployments {
            release: told.release_id,
            environment: told.environment_id,
            limit: told.limit,
        };
        let now = system::now();
        let mut grid = Grid::new([
            "release ID",
            "environment ID",
            "deployed date",
            "request by",
            "description",
        ]);
        for it in self.weco.deployments(&wanted).await? {
            let by = it.requested_by.rsplit('/').next().unwrap_or_default().to_owned();
            let description =
                if it.description == NO_DESCRIPTION { "-".to_owned() } else { it.description };
            grid.row([
                it.release.into(),
                it.environment.into(),
                ago(&it.created, now).into(),
                by.into(),
                description.into(),
            ]);
        }
        self.screen.table(&grid)
    }

    pub(super) async fn show_images(&self, told: ShowImages) -> Done {
        let ids = &self.weco.project().images;
        let labelled = self.weco.labelled(ids, &told.label).await?;
        let mut grid = Grid::new(["image ID", "label", "tag"]);
        for id in ids {
            match labelled.tag(id, None) {
                Some(tag) => grid.row([id.as_str().into(), told.label.as_str().into(), tag.into()]),
                None => grid.row([id.as_str().into(), "-".into(), "-".into()]),
            }
        }
        self.screen.table(&grid)
    }
}
