//! Writing what is done here into a table: what waits is written by a job, until it is through.

use std::collections::BTreeMap;

use futures::FutureExt as _;
use portolan_model::{JobId, Tag, Timestamp};
use portolan_store::{NewJob, Release, ReleaseImage, StoreError, TableWrite, Told, Tx};
use serde_json::json;

use super::{TableError, shape};
use crate::many::many;
use crate::project::{Project, Spot};
use crate::releases::Releases;
use crate::weco::{ReleaseItem, Table};

/// The kind of the job that writes what waits for the table of a project.
pub const JOB: &str = "release-table";

/// Things that are written before it is looked what waits.
const SOME: u64 = 50;
/// Registries that are asked at once.
const AT_ONCE: usize = 8;

/// The job under `key` that writes what waits for the table of `project`.
fn job(project: &str, key: String, now: Timestamp) -> NewJob {
    NewJob {
        kind: JOB,
        payload: json!({ "project": project }),
        dedupe_key: Some(key),
        priority: 0,
        run_at: now,
    }
}

/// The key of the job that writes what others have left.
fn key(project: &str) -> String {
    format!("{JOB}:{project}")
}

/// Something of `project` that waits from `now` on.
pub(crate) fn waits(kind: Told, id: String, project: &str, now: Timestamp) -> TableWrite {
    TableWrite { kind, id, project: project.to_owned(), queued_at: now, refused: None }
}

/// Lets something wait to be written, and somebody write it, in the change that brings it about.
pub(crate) async fn queue(tx: &mut Tx, write: &TableWrite, own: JobId) -> Result<(), StoreError> {
    tx.queue_table_write(write).await?;
    // A job of its own: one that waits for its next try does not keep this one waiting.
    let key = format!("{}:{}:{}", key(&write.project), write.kind.name(), write.id);
    tx.enqueue(own, &job(&write.project, key, write.queued_at), write.queued_at).await?;
    Ok(())
}

impl Releases {
    /// Queues the work on every table for which something waits and on which nobody works: a job
    /// that failed too often was given up.
    pub async fn queue_tables(&self) -> Result<(), StoreError> {
        for project in self.projects().values().filter(|project| project.table.is_some()) {
            let store = self.store();
            if store.table_writes(&project.id, 1).await?.is_empty()
                || store.open_job(&key(&project.id)).await?.is_some()
            {
                continue;
            }
            let (now, id) = (store.now(), JobId::new(store.ids()));
            let job = job(&project.id, key(&project.id), now);
            store
                .write(move |tx| {
                    let job = job.clone();
                    Box::pin(async move { tx.enqueue(id, &job, now).await })
                })
                .await?;
            store.wake_jobs().await;
        }
        Ok(())
    }

    /// Writes what waits for the table of a project. What cannot be written now keeps nothing else
    /// from being, and waits on.
    pub async fn write_table(&self, project: &str) -> Result<(), TableError> {
        let Some(project) = self.project(project) else { return Ok(()) };
        let Some(table) = self.reach().table(project).await? else { return Ok(()) };
        loop {
            let waiting = self.store().table_writes(&project.id, SOME).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            let mut failure = None;
            for write in waiting {
                match self.written(project, &table, &write).await {
                    Ok(()) => self.through(&write, None).await?,
                    Err(error) if error.is_final() => {
                        let reason = error.to_string();
                        tracing::error!(id = write.id, reason, "never to be in the table");
                        self.through(&write, Some(reason)).await?;
                    }
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(error) = failure {
                return Err(error);
            }
        }
    }

    /// Remembers that something is written, or why it never will be.
    async fn through(&self, write: &TableWrite, refused: Option<String>) -> Result<(), StoreError> {
        let (kind, id) = (write.kind, write.id.clone());
        let end = self.store().write(move |tx| {
            let (id, refused) = (id.clone(), refused.clone());
            Box::pin(async move {
                match refused {
                    Some(reason) => tx.refuse_table_write(kind, &id, &reason).await,
                    None => tx.end_table_write(kind, &id).await,
                }
            })
        });
        end.await
    }

    async fn written(
        &self,
        project: &Project,
        table: &Table,
        write: &TableWrite,
    ) -> Result<(), TableError> {
        match write.kind {
            Told::Release => {
                let Ok(id) = write.id.parse() else { return Ok(()) };
                let Some(release) = self.store().release(id).await? else { return Ok(()) };
                self.with_release(project, table, &release).await.map(|_| ())
            }
            Told::Rollout => {
                let Ok(id) = write.id.parse() else { return Ok(()) };
                let Some((rollout, steps)) = self.rollout(id).await? else { return Ok(()) };
                let Some(release) = self.store().release(rollout.release).await? else {
                    return Ok(());
                };
                let item = self.with_release(project, table, &release).await?;
                let Some((record, created)) = shape::record(&rollout, &steps, &item) else {
                    return Ok(());
                };
                Ok(table.add_once(item.id(), &write.id, &record, &created).await?)
            }
        }
    }

    /// A release in the table, into which it is put where it is not there.
    async fn with_release(
        &self,
        project: &Project,
        table: &Table,
        release: &Release,
    ) -> Result<ReleaseItem, TableError> {
        if let Some(item) = table.find(&release.id.to_string()).await? {
            return Ok(item);
        }
        let tags = self.tags_of(project, release).await?;
        let called = project.table.as_ref().map_or(project.id.as_str(), |it| it.project.as_str());
        let item = shape::item(project, called, release, &tags);
        table.put(&item).await?;
        Ok(item)
    }

    /// The tags of a release's images that do not say by themselves which commit they are of.
    async fn tags_of(
        &self,
        project: &Project,
        release: &Release,
    ) -> Result<BTreeMap<String, Vec<Tag>>, TableError> {
        let is_told = |image: &&ReleaseImage| {
            image.tag.as_ref().is_some_and(|tag| tag.as_str().starts_with("ref."))
        };
        let images = self.reach().images(project, None).await?;
        let images = &images;
        let asked = release.images.iter().filter(|image| !is_told(image)).map(|image| {
            async move {
                let (registry, repository) = (image.registry.clone(), image.repository.clone());
                let tags = images.tags(&Spot { registry, repository }, &image.digest).await?;
                Ok::<_, TableError>((image.image.clone(), tags))
            }
            .boxed()
        });
        many(asked.collect(), AT_ONCE).await.into_iter().collect()
    }
}
