//! Preparing a release: which image is which digest, by a tag, a commit, what runs somewhere, or
//! another release.

mod error;
mod find;
mod running;
mod source;

use portolan_model::{JobId, ReleaseId};
use portolan_store::{Release, ReleaseImage, Told};

pub use error::PrepareError;
pub use source::{Note, Source};

use crate::project::Project;
use crate::releases::Releases;
use crate::table;

impl Releases {
    /// Prepares a release of a project. Every image of the project must be found: where some are
    /// missing all of them are named, and nothing is recorded.
    pub async fn prepare(
        &self,
        project: &str,
        source: &Source,
        note: Note,
    ) -> Result<Release, PrepareError> {
        let project = self.project_named(project)?;
        let mut images = self.found(project, source).await?;
        if images.is_empty() {
            return Err(PrepareError::Empty(project.id.clone()));
        }
        self.add_revisions(&mut images).await?;
        images.sort_by(|a, b| a.image.cmp(&b.image));
        let release = Release {
            id: ReleaseId::new(self.store().ids()),
            project: project.id.clone(),
            description: note.description,
            source: serde_json::to_value(source).unwrap_or_default(),
            created_by: note.by,
            created_at: self.store().now(),
            ci_url: note.ci_url,
            images,
        };
        let store = self.store();
        let (add, own) = (release.clone(), JobId::new(store.ids()));
        let waits = project.table.as_ref().map(|_| {
            table::waits(Told::Release, release.id.to_string(), &project.id, release.created_at)
        });
        let add = store.write(move |tx| {
            Box::pin(async move {
                tx.add_release(&add).await?;
                match &waits {
                    Some(write) => table::queue(tx, write, own).await,
                    None => Ok(()),
                }
            })
        });
        add.await?;
        store.wake_changes().await;
        store.wake_jobs().await;
        Ok(release)
    }

    async fn found(
        &self,
        project: &Project,
        source: &Source,
    ) -> Result<Vec<ReleaseImage>, PrepareError> {
        match source {
            Source::Tag { tag } => self.by_tag(project, tag).await,
            Source::Commit { commit } => self.by_commit(project, commit).await,
            Source::Environment { environment, at } => {
                self.by_environment(project, environment, *at).await
            }
            Source::Release { release, changes } => {
                self.by_release(project, *release, changes).await
            }
        }
    }

    /// The commits of images that have none, by what the catalogue knows.
    async fn add_revisions(&self, images: &mut [ReleaseImage]) -> Result<(), PrepareError> {
        let unknown: Vec<_> =
            images.iter().filter(|it| it.revision.is_none()).map(|it| it.digest).collect();
        for (digest, revision) in self.store().revisions_of(&unknown).await? {
            for image in images.iter_mut().filter(|it| it.digest == digest) {
                image.revision.get_or_insert_with(|| revision.clone());
            }
        }
        Ok(())
    }
}
