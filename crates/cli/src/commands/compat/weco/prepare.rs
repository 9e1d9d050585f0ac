//! `prepare` and `update`: releases are made.

use portolan_release::weco::{Prepared, WecoError};

use super::Work;
use super::end::Done;
use super::git::Subjects;
use super::screen::{Cell, Colour, Grid};
use crate::args::compat::weco::{Prepare, Update};

/// What a release or a deployment is described with where nobody says anything.
pub(super) const NO_DESCRIPTION: &str = "No description provided";

impl Work<'_> {
    pub(super) async fn prepare(&mut self, told: Prepare) -> Done {
        let asker = &mut self.asker;
        let label = asker.value(told.from_label, "Label to base release upon", Some("latest"))?;
        let description =
            asker.value(told.description, "Description for this release", Some(NO_DESCRIPTION))?;
        let Some(prepared) = self.prepared(&label, &description).await? else { return Ok(()) };
        self.made(&prepared, &label).await
    }

    pub(super) async fn update(&mut self, told: Update) -> Done {
        let asker = &mut self.asker;
        let from = asker.value(told.release_id, "Release ID to deploy", Some("latest"))?;
        let ids = asker.value(told.service_ids, "Comma separated list of Service IDs", None)?;
        let label = asker.value(told.from_label, "Label to base release upon", Some("latest"))?;
        let ids: Vec<String> =
            ids.split(',').map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect();
        let prepared = self.weco.update(&from, &ids, &label).await?;
        self.made(&prepared, &label).await
    }

    /// A release of what has `label`; none where nothing has it, which was said.
    pub(super) async fn prepared(&self, label: &str, description: &str) -> Done<Option<Prepared>> {
        match self.weco.prepare(label, description).await {
            Err(error @ WecoError::Nothing) => {
                self.screen.line(Colour::BrightMagenta, &error.to_string())?;
                Ok(None)
            }
            prepared => Ok(Some(prepared?)),
        }
    }

    /// Writes a release, and shows it.
    pub(super) async fn made(&self, prepared: &Prepared, label: &str) -> Done {
        let (screen, release) = (&self.screen, &prepared.release);
        if !self.dry {
            self.weco.write(release).await?;
        }
        screen.line(Colour::Green, &format!("Prepared release from images in {label}"))?;
        if prepared.previous.is_none() {
            screen.line(Colour::Yellow, "This is your first release for this project!")?;
        }
        screen.line(Colour::Yellow, &format!("Requested by: {}", release.requested_by()))?;
        screen.line(Colour::Yellow, &format!("Date created: {}", release.created()))?;
        screen.plain("")?;
        let mut subjects = Subjects::default();
        let mut grid = Grid::new(["service", "old image", "new image", "Git commit"]);
        for each in prepared.differences() {
            let before = each.before.unwrap_or_else(|| "-------".to_owned());
            let (after, subject): (Cell, Cell) = match each.after {
                None => (Cell::of(Colour::BrightMagenta, "No image found!"), "".into()),
                Some(after) if after == before => ("-".into(), "-".into()),
                Some(after) => {
                    let subject = subjects.of(&after);
                    (after.into(), subject.into())
                }
            };
            grid.row([each.image.into(), before.into(), after, subject]);
        }
        screen.table(&grid)?;
        screen.plain("")?;
        if self.dry {
            return screen.line(Colour::Cyan, "Dry run: the release was not created");
        }
        screen.line(Colour::BrightGreen, &format!("Created release {}", release.id()))
    }
}
