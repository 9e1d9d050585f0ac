//! Looking at the world, and planning in it.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{ReleaseId, RolloutId};
use portolan_store::{Release, StoreError};

use super::Releases;
use crate::images::Wanted;
use crate::plan::{ImageThere, Plan, Refusal, Scope, World, plan};
use crate::project::{Environment, Project, Spot};
use crate::rollout::RunError;
use crate::target::{Found, TargetError};

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// No such project.
    #[error("there is no project `{project}`; there is {}", .has.join(", "))]
    Project {
        /// What was asked for.
        project: String,
        /// What there is.
        has: Vec<String>,
    },
    /// No such environment.
    #[error("project {project} has no environment `{environment}`; it has {}", .has.join(", "))]
    Environment {
        /// The project.
        project: String,
        /// What was asked for.
        environment: String,
        /// What there is.
        has: Vec<String>,
    },
    /// The release is another project's.
    #[error("the release is one of project {of}, not of {project}")]
    OfAnother {
        /// Whose it is.
        of: String,
        /// What was asked for.
        project: String,
    },
    /// No such service.
    #[error("project {project} has no service `{service}`; it has {}", .has.join(", "))]
    Service {
        /// The project.
        project: String,
        /// What was asked for.
        service: String,
        /// What there is.
        has: Vec<String>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Where services run or images are could not be read.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// A plan, and what was found for it.
#[derive(Debug)]
pub(crate) struct Planned {
    /// The plan.
    pub(crate) plan: Plan,
    /// The services, as they were.
    pub(crate) services: BTreeMap<String, Found>,
    /// How often the environment had been taken before.
    pub(crate) fence: i64,
}

impl WorldError {
    /// The same, for a rollout that was planned once.
    pub(crate) fn into_run(self) -> RunError {
        match self {
            Self::Project { project, .. }
            | Self::OfAnother { project, .. }
            | Self::Service { project, .. } => {
                RunError::Unknown { project, environment: String::new() }
            }
            Self::Environment { project, environment, .. } => {
                RunError::Unknown { project, environment }
            }
            Self::Store(error) => error.into(),
            Self::Target(error) => error.into(),
        }
    }
}

fn names<T>(map: &BTreeMap<String, T>) -> Vec<String> {
    map.keys().cloned().collect()
}

impl Releases {
    /// A project, or an error that names those that there are.
    pub(crate) fn project_named(&self, name: &str) -> Result<&Project, WorldError> {
        let has = || names(self.projects());
        self.project(name)
            .ok_or_else(|| WorldError::Project { project: name.to_owned(), has: has() })
    }

    /// A project and one of its environments.
    pub(crate) fn place(
        &self,
        (project, environment): (&str, &str),
    ) -> Result<(&Project, &Environment), WorldError> {
        let project = self.project_named(project)?;
        let found = project.environments.get(environment);
        let found = found.ok_or_else(|| WorldError::Environment {
            project: project.id.clone(),
            environment: environment.to_owned(),
            has: names(&project.environments),
        })?;
        Ok((project, found))
    }

    /// What applying `release` would do now, and what was found for that. `own` is the rollout that
    /// does it, which is not in its own way.
    pub(crate) async fn plan_now(
        &self,
        place: (&str, &str),
        release: &Release,
        scope: &Scope,
        own: Option<RolloutId>,
    ) -> Result<Planned, WorldError> {
        let (project, environment) = self.place(place)?;
        if release.project != project.id {
            let (of, project) = (release.project.clone(), project.id.clone());
            return Err(WorldError::OfAnother { of, project });
        }
        let wanted = scope.services.iter().flatten();
        if let Some(service) = wanted.into_iter().find(|it| !project.services.contains_key(*it)) {
            return Err(WorldError::Service {
                project: project.id.clone(),
                service: service.clone(),
                has: names(&project.services),
            });
        }
        let fence = self.fence(place).await?;
        let world = self.world(project, place.1, environment, release, scope, own).await?;
        let plan = plan(project, (place.1, environment), release, scope, &world);
        Ok(Planned { plan, services: world.services, fence })
    }

    /// How often an environment of a project was taken.
    async fn fence(&self, (project, environment): (&str, &str)) -> Result<i64, StoreError> {
        let held = self.store().environment_lease(project, environment).await?;
        Ok(held.map_or(0, |held| held.fence))
    }

    /// What is in the way of a release, by what is remembered alone.
    pub(crate) async fn in_the_way(
        &self,
        place: (&str, &str),
        release: ReleaseId,
        own: Option<RolloutId>,
    ) -> Result<Vec<Refusal>, StoreError> {
        Ok(self.remembered(place, release, own).await?.refusals())
    }

    async fn remembered(
        &self,
        (project, environment): (&str, &str),
        release: ReleaseId,
        own: Option<RolloutId>,
    ) -> Result<World, StoreError> {
        let (store, now) = (self.store(), self.store().now());
        let held = store.environment_lease(project, environment).await?;
        Ok(World {
            held: held.filter(|held| held.until >= now && Some(held.rollout) != own),
            frozen: store.frozen(project, environment, now).await?,
            not_before: self.not_before((project, environment), release).await?,
            quarantined: store.quarantine(release).await?,
            ..World::default()
        })
    }

    async fn world(
        &self,
        project: &Project,
        name: &str,
        environment: &Environment,
        release: &Release,
        scope: &Scope,
        own: Option<RolloutId>,
    ) -> Result<World, WorldError> {
        let services = async {
            let wanted = project.services.keys();
            let wanted: BTreeSet<String> = wanted
                .filter(|it| scope.services.as_ref().is_none_or(|only| only.contains(*it)))
                .cloned()
                .collect();
            let target = self.reach().target(project, name).await?;
            Ok::<_, WorldError>((target.read(&wanted).await?, target.note()))
        };
        let images = self.images_there(project, name, environment, release);
        // One after the other: each makes as many calls at once as are made at all.
        let ((services, note), images) = (services.await?, images.await?);
        let remembered = self.remembered((&project.id, name), release.id, own).await?;
        Ok(World { services, images, note, ..remembered })
    }

    async fn images_there(
        &self,
        project: &Project,
        name: &str,
        environment: &Environment,
        release: &Release,
    ) -> Result<BTreeMap<String, ImageThere>, WorldError> {
        let images = self.reach().images(project, Some(name)).await?;
        let mut asked = Vec::new();
        for released in &release.images {
            if let Some(spot) = project.spot(&released.image, name) {
                let tags = environment.tags.clone();
                asked.push((released, Wanted { spot, digest: released.digest, tags }));
            }
        }
        let wanted: Vec<Wanted> = asked.iter().map(|(_, wanted)| wanted.clone()).collect();
        let found = images.look(&wanted).await?;
        let source = |registry: &Option<String>, repository| Spot {
            registry: registry.clone(),
            repository: Clone::clone(repository),
        };
        let mut there = BTreeMap::new();
        let mut missing = Vec::new();
        for ((released, wanted), found) in asked.into_iter().zip(found) {
            let from = source(&released.registry, &released.repository);
            if !found.present && from != wanted.spot {
                let wanted = Wanted { spot: from, digest: released.digest, tags: Vec::new() };
                missing.push((released.image.clone(), wanted));
            }
            let image = ImageThere {
                place: images.place(&wanted.spot),
                spot: wanted.spot,
                present: found.present,
                at_source: found.present,
                platforms: found.platforms,
                tags: found.tags,
                fixed_tags: found.fixed_tags,
            };
            there.insert(released.image.clone(), image);
        }
        if !missing.is_empty() {
            let (names, wanted): (Vec<String>, Vec<Wanted>) = missing.into_iter().unzip();
            let sources = self.reach().images(project, None).await?;
            for (name, found) in names.iter().zip(sources.look(&wanted).await?) {
                if let Some(image) = there.get_mut(name) {
                    image.at_source = found.present;
                    image.platforms = found.platforms;
                }
            }
        }
        Ok(there)
    }
}
