//! What runs in an environment, or ran there.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Digest, Reference, RepositoryName, Timestamp};
use portolan_store::{ReleaseImage, StoreError, TaskFilter};
use portolan_tracker::status::runs;

use super::PrepareError;
use super::find::{all, hit};
use crate::project::Project;
use crate::releases::Releases;
use crate::target::Found;

/// The images of a project that run, by name.
pub(crate) type Running = BTreeMap<String, BTreeSet<Digest>>;

impl Releases {
    /// What ran at `moment` as events told it; what runs now, where no moment is told, with what no
    /// event told asked of whoever runs it.
    pub(super) async fn by_environment(
        &self,
        project: &Project,
        environment: &str,
        moment: Option<Timestamp>,
    ) -> Result<Vec<ReleaseImage>, PrepareError> {
        self.place((&project.id, environment))?;
        let at = moment.unwrap_or_else(|| self.store().now());
        let mut running = self.heard(project, environment, at).await?;
        if moment.is_none() {
            for (id, digests) in self.seen(project, environment).await? {
                running.entry(id).or_insert(digests);
            }
        }
        let what = format!("what ran in {environment} at {at}");
        let several: Vec<String> = running
            .iter()
            .filter(|(_, digests)| digests.len() > 1)
            .map(|(id, digests)| {
                let digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
                format!("{id}: {}", digests.join(" and "))
            })
            .collect();
        if !several.is_empty() {
            return Err(PrepareError::Several { what, several });
        }
        let hits = project.images.iter().filter_map(|(id, image)| {
            let running = running.get(id).and_then(|digests| digests.first());
            match running {
                Some(digest) => Some(Ok(hit(id, &image.source, *digest, None))),
                // What no service runs cannot be seen to run.
                None if image.services.is_empty() => None,
                None => Some(Err(format!("{id} in {}", image.source))),
            }
        });
        all(&what, hits.collect())
    }

    /// What ran at a moment, as events told it.
    pub(crate) async fn heard(
        &self,
        project: &Project,
        environment: &str,
        at: Timestamp,
    ) -> Result<Running, StoreError> {
        let mut running = Running::new();
        // An image that nobody scanned is one too.
        for held in [false, true] {
            let filter = TaskFilter {
                at: Some(at),
                environment: Some(environment.to_owned()),
                held,
                ..TaskFilter::default()
            };
            for task in self.store().tasks(&filter).await? {
                let digest = task.digest.or(task.fact.stated).filter(|_| runs(&task, at));
                if let (Some(repository), Some(digest)) = (&task.fact.repository, digest) {
                    for id in named(project, environment, repository) {
                        running.entry(id).or_default().insert(digest);
                    }
                }
            }
        }
        Ok(running)
    }

    /// What runs now, as whoever runs it says.
    async fn seen(&self, project: &Project, environment: &str) -> Result<Running, PrepareError> {
        let target = self.reach().target(project, environment).await?;
        let services = project.services.keys().cloned().collect();
        let mut running = Running::new();
        for found in target.read(&services).await?.into_values() {
            let Found::One(seen) = found else { continue };
            for container in seen.containers {
                let Ok(reference) = container.image.parse::<Reference>() else { continue };
                for id in named(project, environment, &reference.repository) {
                    running.entry(id).or_default().extend(&container.runs);
                }
            }
        }
        running.retain(|_, digests| !digests.is_empty());
        Ok(running)
    }
}

/// The images of a project that are in a repository, at their source or in an environment.
fn named<'a>(
    project: &'a Project,
    environment: &'a str,
    repository: &'a RepositoryName,
) -> impl Iterator<Item = String> + 'a {
    let is_it = move |(id, image): &(&String, &crate::project::Image)| {
        image.source.repository == *repository
            || project.spot(id, environment).is_some_and(|spot| spot.repository == *repository)
    };
    project.images.iter().filter(is_it).map(|(id, _)| id.clone())
}
