//! From the name of an image to the image: which service a task is of.
//!
//! A task names its image by a tag, by a digest, or by both. Until the catalogue knows the image the
//! task has no service, and is held. What a tag meant is what it pointed to when the task was made;
//! if nobody had heard of the tag by then, what it pointed to next.

use std::collections::{HashMap, HashSet};

use portolan_model::{Digest, RepositoryName, Tag};

use super::fact::TaskFact;
use crate::bulk::statements;
use crate::row::{Query, Value, sql, sql_made};
use crate::{StoreError, Tx};

const DIGEST: &str = "UPDATE task SET digest = COALESCE(stated, \
    (SELECT e.digest FROM tag_event AS e WHERE e.repository = task.repository \
     AND e.name = task.tag AND e.digest IS NOT NULL AND e.at <= task.pending_at \
     ORDER BY e.at DESC, e.event DESC LIMIT 1), \
    (SELECT e.digest FROM tag_event AS e WHERE e.repository = task.repository \
     AND e.name = task.tag AND e.digest IS NOT NULL AND e.at > task.pending_at \
     ORDER BY e.at, e.event LIMIT 1))";

/// Of those whose digest is not what was told, or was not told.
const UNLIKE: &str = ") AND (stated IS NULL OR digest IS DISTINCT FROM stated)";

const SERVICE: &str = "UPDATE task SET service = (SELECT COALESCE(i.service_name, \
    task.ecs_service, task.repository, task.image) FROM image AS i WHERE i.digest = task.digest \
    AND (i.state <> 'pending' OR i.first_scanned_at IS NOT NULL))";

const DEPLOYMENT: &str = "UPDATE deployment SET (service, digest, image, repository, tag) = \
    (SELECT t.service, t.digest, t.image, t.repository, t.tag FROM task AS t \
     WHERE t.environment = deployment.environment AND t.deployment = deployment.key \
     AND t.service IS NOT NULL ORDER BY t.position, t.pending_at, t.id, t.container LIMIT 1) \
    WHERE key IN (VALUES";

const KNOWN: &str = ") AND (state <> 'pending' OR first_scanned_at IS NOT NULL)";

/// Images that are known, with the service that each says it is.
pub(crate) struct KnownImages(HashMap<Digest, Option<String>>);

impl KnownImages {
    /// Which they are.
    pub(crate) fn digests(self) -> HashSet<Digest> {
        self.0.into_keys().collect()
    }

    /// The service of a task whose image was told and is known.
    pub(crate) fn service_of(&self, fact: &TaskFact) -> Option<String> {
        let labelled = self.0.get(&fact.stated?)?;
        let repository = || fact.repository.as_ref().map(|it| it.as_str().to_owned());
        let service = labelled.clone().or_else(|| fact.ecs_service.clone()).or_else(repository);
        Some(service.unwrap_or_else(|| fact.image.clone()))
    }
}

impl Tx {
    /// Those of the images that were told that are known. Most tasks run one: they are written with
    /// their service, and not looked at again.
    pub(crate) async fn images_of(
        &mut self,
        facts: &[TaskFact],
    ) -> Result<KnownImages, StoreError> {
        let stated: HashSet<Digest> = facts.iter().filter_map(|fact| fact.stated).collect();
        let rows = stated.into_iter().map(|digest| vec![digest.into()]).collect();
        let mut known = HashMap::new();
        let select = "SELECT digest, service_name FROM image WHERE digest IN (VALUES";
        for select in statements(select, rows, KNOWN) {
            for row in self.all(select).await? {
                known.insert(row.digest("digest")?, row.opt_text("service_name")?);
            }
        }
        Ok(KnownImages(known))
    }

    /// Looks for the images of these tasks.
    pub(crate) async fn look_for_images(&mut self, held: Vec<String>) -> Result<(), StoreError> {
        if held.is_empty() {
            return Ok(());
        }
        let ids = || held.iter().map(|id| vec![Value::from(id.as_str())]).collect();
        let mut deployments = Vec::new();
        for digest in statements(&format!("{DIGEST} WHERE id IN (VALUES"), ids(), UNLIKE) {
            self.run(digest).await?;
        }
        let end = ") RETURNING deployment";
        for service in statements(&format!("{SERVICE} WHERE id IN (VALUES"), ids(), end) {
            self.touched(service, &mut deployments).await?;
        }
        self.describe_deployments(deployments).await
    }

    /// Looks again for the images of the tasks that name theirs by this tag: it moved.
    pub(crate) async fn tag_has_moved(
        &mut self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<(), StoreError> {
        let of = |text: &str, end: &str| -> Query {
            sql_made(format!("{text} WHERE repository = $1 AND tag = $2 AND stated IS NULL {end}"))
                .bind(repository)
                .bind(tag)
        };
        if self.run(of(DIGEST, "")).await? == 0 {
            return Ok(());
        }
        let mut deployments = Vec::new();
        let service = of(SERVICE, "RETURNING deployment");
        self.touched(service, &mut deployments).await?;
        self.describe_deployments(deployments).await
    }

    /// Gives the tasks that run an image their service: it has become known.
    pub(crate) async fn image_is_known(&mut self, digest: &Digest) -> Result<(), StoreError> {
        let service =
            sql_made(format!("{SERVICE} WHERE digest = $1 RETURNING deployment")).bind(digest);
        let mut deployments = Vec::new();
        self.touched(service, &mut deployments).await?;
        self.describe_deployments(deployments).await
    }

    async fn touched(
        &mut self,
        update: Query,
        deployments: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        for row in self.all(update).await? {
            deployments.push(row.text("deployment")?);
        }
        Ok(())
    }

    /// Writes down which service and image the deployments with these keys are of: those of their
    /// first task whose image is known.
    pub async fn describe_deployments(
        &mut self,
        mut deployments: Vec<String>,
    ) -> Result<(), StoreError> {
        deployments.sort_unstable();
        deployments.dedup();
        let rows = deployments.into_iter().map(|key| vec![key.into()]).collect();
        for update in statements(DEPLOYMENT, rows, ")") {
            self.run(update).await?;
        }
        Ok(())
    }

    /// Forgets every fact about tasks, deployments and requests: before they are made anew from the
    /// journal.
    pub async fn forget_tracks(&mut self) -> Result<(), StoreError> {
        for text in ["DELETE FROM task", "DELETE FROM deployment", "DELETE FROM deployment_request"]
        {
            self.run(sql(text)).await?;
        }
        Ok(())
    }
}
