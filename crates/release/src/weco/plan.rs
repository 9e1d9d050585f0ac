//! What deploying a release would do: tags that move, and services that start anew.

use std::collections::{BTreeMap, BTreeSet};

use portolan_aws::RegistryImage;
use portolan_aws::ecs::{Service, Task};
use portolan_model::Tag;

use super::images::Found;
use super::services::running;
use super::{ReleaseItem, ServicesFound, Weco, WecoError};

/// The tag of one image of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The image.
    pub image: String,
    /// Its repository.
    pub repository: String,
    /// What the release finds it by: a tag, or a digest.
    pub source: String,
    /// The image itself.
    pub to: RegistryImage,
    /// What the tag points to; none where it points to nothing.
    pub from: Option<RegistryImage>,
}

impl Move {
    /// Whether the tag points elsewhere.
    pub fn is_needed(&self) -> bool {
        self.from.as_ref().is_none_or(|from| from.digest != self.to.digest)
    }
}

/// What deploying a release to an environment would do.
#[derive(Debug, Clone)]
pub struct WecoPlan {
    /// The release.
    pub release: String,
    /// The environment.
    pub environment: String,
    /// The tag that is moved.
    pub tag: Tag,
    /// Each image of the release that there is.
    pub moves: Vec<Move>,
    /// Images of the release for which nothing was found when it was prepared.
    pub nothing: Vec<String>,
    /// The services that run its images.
    pub services: ServicesFound,
    /// Those of them that are started anew.
    pub rolls: BTreeSet<String>,
}

impl WecoPlan {
    /// Whether it changes anything.
    pub fn is_empty(&self) -> bool {
        self.rolls.is_empty() && !self.moves.iter().any(Move::is_needed)
    }

    /// What ECS says of the service `id`.
    pub(super) fn service(&self, id: &str) -> Option<&Service> {
        self.services.found.get(id)
    }
}

impl Weco {
    /// What deploying `release` to `environment` would do to `services`. Reads, and changes nothing.
    ///
    /// A tag that already points to the release says nothing about what runs: whoever moved it may
    /// have gone no further. So the services of which no tag moves are held against what their
    /// tasks run.
    pub async fn plan(
        &self,
        release: &ReleaseItem,
        environment: &str,
        services: ServicesFound,
    ) -> Result<WecoPlan, WecoError> {
        self.environment(environment)?;
        let name = format!("env.{environment}");
        let tag: Tag = name
            .parse()
            .map_err(|_| WecoError::BadTag { image: environment.to_owned(), name: name.clone() })?;
        let found = self.found(release, Some(&tag)).await?;
        let moves: Vec<Move> = found.into_iter().map(Move::of).collect();
        let mut rolls = moved(&moves, &services);
        let others: BTreeMap<&str, &Service> = services
            .found
            .iter()
            .filter(|(id, service)| !rolls.contains(*id) && service.desired_count > 0)
            .map(|(id, service)| (id.as_str(), service))
            .collect();
        if !others.is_empty() {
            let tasks = self.tasks(&others).await?;
            rolls.extend(stale(&moves, &services, &others, &tasks));
        }
        let nothing = release.images().into_iter().filter(|(_, name)| name.is_none());
        Ok(WecoPlan {
            release: release.id().to_owned(),
            environment: environment.to_owned(),
            tag,
            nothing: nothing.map(|(id, _)| id.to_owned()).collect(),
            moves,
            services,
            rolls,
        })
    }
}

impl Move {
    fn of(found: Found) -> Self {
        Self {
            image: found.id,
            repository: found.repository,
            source: found.source.to_string(),
            to: found.image,
            from: found.before,
        }
    }
}

/// The services with an image whose tag moves: all of an image's, each once.
fn moved(moves: &[Move], services: &ServicesFound) -> BTreeSet<String> {
    let moving = moves.iter().filter(|each| each.is_needed());
    let of = moving.filter_map(|each| services.by_image.get(&each.image)).flatten();
    of.filter(|id| services.found.contains_key(*id)).cloned().collect()
}

/// Those of `others` that run something else than the release, or nothing.
fn stale(
    moves: &[Move],
    services: &ServicesFound,
    others: &BTreeMap<&str, &Service>,
    tasks: &BTreeMap<&str, Vec<Task>>,
) -> BTreeSet<String> {
    let is_stale = |id: &str| {
        let Some(tasks) = tasks.get(id) else { return true };
        moves.iter().any(|each| {
            let is_own = services.by_image.get(&each.image).is_some_and(|all| all.contains(id));
            is_own
                && running(tasks, &each.repository)
                    .any(|(_, _, digest)| digest.is_some_and(|digest| digest != each.to.digest))
        })
    };
    others.keys().filter(|id| is_stale(id)).map(|id| (*id).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use portolan_aws::ecs::Container;
    use portolan_model::Digest;

    use super::*;

    fn image(content: &str) -> RegistryImage {
        let manifest = content.to_owned();
        RegistryImage {
            digest: Digest::of(content.as_bytes()),
            manifest,
            media_type: String::new(),
        }
    }

    fn to(image_id: &str, from: Option<&str>) -> Move {
        Move {
            image: image_id.to_owned(),
            repository: format!("uk.ac.wellcome/{image_id}"),
            source: "ref.b".to_owned(),
            to: image("b"),
            from: from.map(image),
        }
    }

    fn services(of: &[(&str, &[&str])]) -> ServicesFound {
        let by_image: BTreeMap<String, BTreeSet<String>> = of
            .iter()
            .map(|(image, ids)| {
                ((*image).to_owned(), ids.iter().map(|&id| id.to_owned()).collect())
            })
            .collect();
        let all = by_image.values().flatten().cloned();
        let found =
            all.map(|id| (id, Service { desired_count: 1, ..Service::default() })).collect();
        ServicesFound { by_image, found, missing: BTreeSet::new() }
    }

    #[test]
    fn every_service_of_an_image_that_moves_is_rolled_once() {
        let services =
            services(&[("a", &["one", "two", "three"]), ("b", &["three"]), ("c", &["four"])]);
        let moves = [to("a", Some("a")), to("b", None), to("c", Some("b"))];
        let rolls: Vec<_> = moved(&moves, &services).into_iter().collect();
        assert_eq!(rolls, ["one", "three", "two"]);
    }

    #[test]
    fn a_tag_that_was_moved_and_a_service_that_was_not_are_told_apart() {
        let services = services(&[("a", &["old", "new", "down"])]);
        let moves = [to("a", Some("b"))];
        assert_eq!(moved(&moves, &services), BTreeSet::new());
        let others = services.found.iter().map(|(id, it)| (id.as_str(), it)).collect();
        let task = |content: &str| Task {
            containers: vec![
                Container {
                    image: "1.dkr.ecr.eu-west-1.amazonaws.com/uk.ac.wellcome/a:env.stage".into(),
                    image_digest: Some(Digest::of(content.as_bytes()).to_string()),
                    ..Container::default()
                },
                Container {
                    image: "public.ecr.aws/nginx@sha256:bad".into(),
                    image_digest: Some(Digest::of(b"sidecar").to_string()),
                    ..Container::default()
                },
            ],
            ..Task::default()
        };
        let tasks = [("old", vec![task("b"), task("a")]), ("new", vec![task("b")])].into();
        let stale: Vec<_> = stale(&moves, &services, &others, &tasks).into_iter().collect();
        assert_eq!(stale, ["down", "old"]);
    }
}
