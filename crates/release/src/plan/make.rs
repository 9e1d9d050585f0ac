//! Making a plan: a pure function of the project, the release and what was found.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Digest, Reference, Tag};
use portolan_store::{Release, ReleaseImage};

use super::{
    Action, ContainerPlan, ImagePlan, ImageThere, Plan, Refusal, ServicePlan, TagMove, World, hash,
};
use crate::project::{Environment, Project, Service, Spot};
use crate::table::Taken;
use crate::target::{Controller, Found, Seen, SeenContainer};

/// Which part of a release is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scope {
    /// Only these services, and images that they run; all where there is none.
    pub services: Option<BTreeSet<String>>,
}

impl Scope {
    fn has_service(&self, service: &str) -> bool {
        self.services.as_ref().is_none_or(|wanted| wanted.contains(service))
    }

    /// Whether an image that `services` run is part of it.
    fn has_image(&self, services: &BTreeSet<String>) -> bool {
        self.services.as_ref().is_none_or(|wanted| !wanted.is_disjoint(services))
    }
}

/// What applying `release` to `environment` would do in `world`.
pub fn plan(
    project: &Project,
    (name, environment): (&str, &Environment),
    release: &Release,
    scope: &Scope,
    world: &World,
) -> Plan {
    let mut making = Making {
        project,
        environment,
        release,
        world,
        refusals: world.refusals(),
        notes: world.note.iter().cloned().collect(),
        first: BTreeSet::new(),
    };
    making.lost(scope);
    let services = making.services(scope);
    let images = making.images(scope);
    // Tags that point where they shall are as good as services that run what they shall.
    if services.is_empty() && (images.is_empty() || environment.tags.is_empty()) {
        making.refusals.push(Refusal::Nothing);
    }
    let mut plan = Plan {
        project: project.id.clone(),
        environment: name.to_owned(),
        release: release.id,
        images,
        services,
        protected: environment.protected,
        refusals: making.refusals,
        notes: making.notes,
        hash: Digest::from_bytes([0; 32]),
    };
    plan.hash = hash::of(&plan);
    plan
}

struct Making<'a> {
    project: &'a Project,
    environment: &'a Environment,
    release: &'a Release,
    world: &'a World,
    refusals: Vec<Refusal>,
    notes: Vec<String>,
    /// Images whose tags services take them by.
    first: BTreeSet<String>,
}

impl Making<'_> {
    /// Images that the release was to have, and has not.
    fn lost(&mut self, scope: &Scope) {
        for (image, why) in Taken::lost(self.release) {
            match self.project.images.get(&image) {
                Some(known) if scope.has_image(&known.services) => {
                    self.refusals.push(Refusal::ImageLost { image, why });
                }
                Some(_) => {}
                None => self.notes.push(format!("image {image}: {why}, and it is left alone")),
            }
        }
    }

    fn services(&mut self, scope: &Scope) -> Vec<ServicePlan> {
        let mut plans = Vec::new();
        for (name, service) in &self.project.services {
            let images = self.project.images_of(name);
            if !scope.has_service(name) || images.is_empty() {
                continue;
            }
            if images.iter().all(|image| self.release.image(image).is_none()) {
                self.notes.push(format!("service {name}: the release has none of its images"));
                continue;
            }
            plans.extend(self.service(name, service, &images));
        }
        plans.sort_by(|a, b| (a.wave, &a.service).cmp(&(b.wave, &b.service)));
        plans
    }

    fn service(
        &mut self,
        name: &str,
        service: &Service,
        images: &BTreeSet<&str>,
    ) -> Option<ServicePlan> {
        let service_name = || name.to_owned();
        let seen = match self.world.services.get(name) {
            Some(Found::One(seen)) => seen,
            Some(Found::Several(found)) => {
                let (service, found) = (service_name(), found.clone());
                self.refusals.push(Refusal::ServiceSeveral { service, found });
                return None;
            }
            Some(Found::None) | None if service.optional => {
                self.notes.push(format!("service {name} is optional, and not there"));
                return None;
            }
            Some(Found::None) | None => {
                self.refusals.push(Refusal::ServiceMissing { service: service_name() });
                return None;
            }
        };
        if let Controller::Other(controller) = &seen.controller {
            let controller = controller.clone();
            self.refusals.push(Refusal::Controller { service: service_name(), controller });
            return None;
        }
        let (mut containers, mut action) = (Vec::new(), Action::Keep);
        for image in images {
            let Some(released) = self.release.image(image) else {
                self.notes.push(format!("service {name}: the release has no image {image}"));
                continue;
            };
            let Some(there) = self.world.images.get(*image) else { continue };
            let running = containers_of(image, service, seen, there, released);
            if running.is_empty() {
                let has = seen.containers.iter().map(|it| it.name.clone()).collect();
                let image = (*image).to_owned();
                self.refusals.push(Refusal::Container { service: service_name(), image, has });
            }
            for container in running {
                let (plan, wanted) =
                    self.container(name, service, seen, container, released, there);
                action = action.max(wanted);
                containers.push((plan, &there.place));
            }
        }
        let pins = action == Action::Define && !service.floating;
        let mut containers: Vec<ContainerPlan> = containers
            .into_iter()
            .map(|(mut plan, place)| {
                // New tasks must not find something else behind the tag of a container that runs
                // what it shall.
                if pins {
                    plan.will_name = format!("{place}@{}", plan.digest);
                }
                plan
            })
            .collect();
        containers.sort_by(|a, b| a.container.cmp(&b.container));
        Some(ServicePlan {
            service: service_name(),
            id: seen.id.clone(),
            wave: service.wave,
            action,
            definition: seen.definition.clone(),
            containers,
            hooks: if action == Action::Keep { Vec::new() } else { service.hooks.clone() },
        })
    }

    fn container(
        &mut self,
        name: &str,
        service: &Service,
        seen: &Seen,
        container: &SeenContainer,
        released: &ReleaseImage,
        there: &ImageThere,
    ) -> (ContainerPlan, Action) {
        let digest = released.digest;
        let pinned = format!("{}@{digest}", there.place);
        let idle = container.runs.is_empty() && seen.desired == 0;
        let runs_it = container.runs.iter().eq([&digest]);
        let (will_name, action) = if service.floating {
            self.first.insert(released.image.clone());
            if !self.is_by_tag(&container.image, there) {
                self.refusals.push(Refusal::NotByTag {
                    service: name.to_owned(),
                    container: container.name.clone(),
                    named: container.image.clone(),
                });
            }
            (container.image.clone(), if runs_it || idle { Action::Keep } else { Action::Restart })
        } else if runs_it && !names_other(&container.image, &digest) {
            // Named by a tag it may run something else after its next start; it runs what it shall,
            // and is not stopped for that.
            (container.image.clone(), Action::Keep)
        } else if container.image == pinned {
            (pinned, if idle { Action::Keep } else { Action::Restart })
        } else {
            (pinned, Action::Define)
        };
        let plan = ContainerPlan {
            container: container.name.clone(),
            image: released.image.clone(),
            named: container.image.clone(),
            runs: container.runs.clone(),
            digest,
            will_name,
        };
        (plan, action)
    }

    /// Whether `named` is one of the environment's tags of an image.
    fn is_by_tag(&self, named: &str, there: &ImageThere) -> bool {
        let by = |tag: &Tag| named == format!("{}:{tag}", there.place);
        self.environment.tags.iter().any(by)
    }

    fn images(&mut self, scope: &Scope) -> Vec<ImagePlan> {
        let mut plans = Vec::new();
        for released in &self.release.images {
            let known = self.project.images.get(&released.image);
            let Some(there) = self.world.images.get(&released.image) else {
                let what = "the project has it no longer, and it is left alone";
                self.notes.push(format!("image {}: {what}", released.image));
                continue;
            };
            if known.is_some_and(|image| !scope.has_image(&image.services)) {
                continue;
            }
            plans.push(self.image(released, there));
        }
        plans.sort_by(|a, b| a.image.cmp(&b.image));
        plans
    }

    fn image(&mut self, released: &ReleaseImage, there: &ImageThere) -> ImagePlan {
        let (image, digest) = (released.image.clone(), released.digest);
        let source =
            Spot { registry: released.registry.clone(), repository: released.repository.clone() };
        let is_elsewhere = source != there.spot;
        let copy_from = (!there.present && is_elsewhere && there.at_source).then(|| source.clone());
        if !there.present && copy_from.is_none() {
            let elsewhere = is_elsewhere.then(|| source.to_string());
            let places = std::iter::once(there.spot.to_string()).chain(elsewhere).collect();
            self.refusals.push(Refusal::ImageMissing { image: image.clone(), digest, places });
        }
        let wanted = &self.environment.platform;
        let fits = there.platforms.is_empty()
            || there.platforms.iter().any(|has| {
                has.os == wanted.os
                    && has.architecture == wanted.architecture
                    && (wanted.variant.is_none() || has.variant == wanted.variant)
            });
        if !fits {
            self.refusals.push(Refusal::Platform {
                image: image.clone(),
                wanted: wanted.to_string(),
                has: there.platforms.iter().map(ToString::to_string).collect(),
            });
        }
        let first = self.first.contains(&image);
        let tags = self.tags(&image, digest, there, first);
        ImagePlan { image, digest, spot: there.spot.clone(), copy_from, tags }
    }

    fn tags(
        &mut self,
        image: &str,
        digest: Digest,
        there: &ImageThere,
        first: bool,
    ) -> Vec<TagMove> {
        let mut moves = Vec::new();
        for tag in &self.environment.tags {
            let from = there.tags.get(tag).copied();
            match from {
                Some(from) if from == digest => {}
                Some(_) if there.fixed_tags && first => {
                    let (image, tag) = (image.to_owned(), tag.clone());
                    self.refusals.push(Refusal::FixedTag { image, tag });
                }
                Some(_) if there.fixed_tags => {
                    let what = format!(
                        "image {image}: the tag {tag} is left where it is, as tags \
                         of the repository are immutable"
                    );
                    self.notes.push(what);
                }
                from => moves.push(TagMove { tag: tag.clone(), from, first }),
            }
        }
        moves
    }
}

/// Whether `named` is, by its digest, another image than `digest`.
fn names_other(named: &str, digest: &Digest) -> bool {
    let reference = named.parse::<Reference>().ok();
    reference.and_then(|reference| reference.digest).is_some_and(|named| named != *digest)
}

/// The containers of a service that run an image: the one that the project names, else those whose
/// repository is the image's, at its place or where it was released from.
fn containers_of<'a>(
    image: &str,
    service: &Service,
    seen: &'a Seen,
    there: &ImageThere,
    released: &ReleaseImage,
) -> Vec<&'a SeenContainer> {
    if let Some(name) = service.containers.get(image) {
        return seen.containers.iter().filter(|it| it.name == *name).collect();
    }
    let runs = |container: &&SeenContainer| {
        container.image.parse::<Reference>().is_ok_and(|named| {
            named.repository == there.spot.repository || named.repository == released.repository
        })
    };
    seen.containers.iter().filter(runs).collect()
}

/// What a service's containers shall be, by container.
pub(crate) fn images_of(service: &ServicePlan) -> BTreeMap<String, String> {
    let changed = service.containers.iter().filter(|it| it.named != it.will_name);
    changed.map(|it| (it.container.clone(), it.will_name.clone())).collect()
}
