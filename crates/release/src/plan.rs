//! Plans: what applying a release to an environment would do.

mod canonical;
mod hash;
mod make;
mod moved;
mod refusal;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::{Digest, ReleaseId, Tag};
use serde::{Deserialize, Serialize};

pub(crate) use make::images_of;
pub use make::{Scope, plan};
pub use moved::moved;
pub use refusal::Refusal;
pub use world::{ImageThere, World};

use crate::project::{Hook, Spot};

/// What applying a release to an environment would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The project.
    pub project: String,
    /// The environment.
    pub environment: String,
    /// The release.
    pub release: ReleaseId,
    /// The images, by name.
    pub images: Vec<ImagePlan>,
    /// The services, by wave, then by name.
    pub services: Vec<ServicePlan>,
    /// Whether a second person must agree.
    pub protected: bool,
    /// Why it cannot be applied. Not part of its hash.
    pub refusals: Vec<Refusal>,
    /// What else should be known. Not part of its hash.
    pub notes: Vec<String>,
    /// The digest of all of it but what is said not to be part of it.
    pub hash: Digest,
}

/// What happens to an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePlan {
    /// Its name.
    pub image: String,
    /// Which it is.
    pub digest: Digest,
    /// Where the environment takes it from.
    pub spot: Spot,
    /// From where it is copied there first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_from: Option<Spot>,
    /// Tags that move.
    pub tags: Vec<TagMove>,
}

/// A tag that moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagMove {
    /// The tag.
    pub tag: Tag,
    /// Where it pointed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Digest>,
    /// Whether it moves before services are changed, as some of them take their image by it. Others
    /// move when all is done.
    pub first: bool,
}

/// What happens to a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlan {
    /// Its name.
    pub service: String,
    /// What it is called where it runs.
    pub id: String,
    /// Its wave.
    pub wave: u32,
    /// What is done.
    pub action: Action,
    /// The definition that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Its containers that run images of the release.
    pub containers: Vec<ContainerPlan>,
    /// What is run once around its change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<Hook>,
}

/// What is done to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing: it runs what it shall run.
    Keep,
    /// It is started anew as it is defined.
    Restart,
    /// It gets a new definition.
    Define,
}

/// What happens to a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPlan {
    /// Its name.
    pub container: String,
    /// The project's name for its image.
    pub image: String,
    /// The image that the definition names.
    pub named: String,
    /// The images that run.
    pub runs: BTreeSet<Digest>,
    /// The image that shall run.
    pub digest: Digest,
    /// What the new definition names; as it is where there is none.
    pub will_name: String,
}

impl Plan {
    /// Services that are changed.
    pub fn changed(&self) -> impl Iterator<Item = &ServicePlan> {
        self.services.iter().filter(|service| service.action != Action::Keep)
    }

    /// Whether nothing would be done.
    pub fn is_empty(&self) -> bool {
        self.changed().next().is_none()
            && self.images.iter().all(|image| image.copy_from.is_none() && image.tags.is_empty())
    }

    /// The waves, lowest first, with the services that change in each.
    pub fn waves(&self) -> BTreeMap<u32, Vec<&ServicePlan>> {
        let mut waves: BTreeMap<u32, Vec<&ServicePlan>> = BTreeMap::new();
        for service in self.changed() {
            waves.entry(service.wave).or_default().push(service);
        }
        waves
    }

    /// Whether the hash is that of what the plan says: false where it was changed on its way.
    pub fn is_whole(&self) -> bool {
        hash::of(self) == self.hash
    }
}

#[cfg(test)]
mod tests;
