//! Environments in which nothing is to change.

use portolan_model::Timestamp;
use portolan_store::{Freeze, StoreError};

use super::Releases;

impl Releases {
    /// Keeps an environment of a project as it is, until `until` where that is told.
    pub async fn freeze(
        &self,
        (project, environment): (&str, &str),
        reason: &str,
        by: &str,
        until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let freeze = Freeze {
            project: project.to_owned(),
            environment: environment.to_owned(),
            reason: reason.to_owned(),
            created_by: by.to_owned(),
            created_at: self.store().now(),
            until,
        };
        self.store().write(move |tx| Box::pin(async move { tx.freeze(&freeze).await })).await?;
        self.store().wake_changes().await;
        Ok(())
    }

    /// Lets an environment of a project change again; false where it could.
    pub async fn thaw(&self, project: &str, environment: &str) -> Result<bool, StoreError> {
        let (project, environment) = (project.to_owned(), environment.to_owned());
        let thaw = self
            .store()
            .write(move |tx| Box::pin(async move { tx.thaw(&project, &environment).await }));
        let thawed = thaw.await?;
        self.store().wake_changes().await;
        Ok(thawed)
    }
}
