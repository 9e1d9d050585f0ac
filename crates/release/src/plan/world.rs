//! What was found before a plan was made.

use std::collections::BTreeMap;

use portolan_model::{Digest, Platform, Tag};
use portolan_store::{Freeze, Held, Quarantine};

use super::Refusal;
use crate::project::Spot;
use crate::target::Found;

/// What was found where services run, in the registries, and in the store.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Services, by name.
    pub services: BTreeMap<String, Found>,
    /// Images of the release, by name, where the environment takes them from.
    pub images: BTreeMap<String, ImageThere>,
    /// What should be known of where they run.
    pub note: Option<String>,
    /// Who is changing the environment.
    pub held: Option<Held>,
    /// Why nothing is to change in it.
    pub frozen: Option<Freeze>,
    /// Where the release must have succeeded first, and has not.
    pub not_before: Vec<String>,
    /// Why the release is not to be deployed.
    pub quarantined: Option<Quarantine>,
}

impl World {
    /// What is in the way of any change.
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        if let Some(held) = &self.held {
            let (rollout, owner, until) = (held.rollout, held.owner.clone(), held.until);
            refusals.push(Refusal::Held { rollout, owner, until });
        }
        if let Some(frozen) = &self.frozen {
            let (reason, by) = (frozen.reason.clone(), frozen.created_by.clone());
            refusals.push(Refusal::Frozen { reason, by, until: frozen.until });
        }
        let first = self.not_before.iter().cloned();
        refusals.extend(first.map(|environment| Refusal::NotBefore { environment }));
        if let Some(quarantine) = &self.quarantined {
            let (reason, by) = (quarantine.reason.clone(), quarantine.created_by.clone());
            refusals.push(Refusal::Quarantined { reason, by });
        }
        refusals
    }
}

/// What was found of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageThere {
    /// Where the environment takes it from.
    pub spot: Spot,
    /// The name by which that place is reached from where services run.
    pub place: String,
    /// Whether it is there.
    pub present: bool,
    /// Whether it is where the release has it from.
    pub at_source: bool,
    /// What it is built for, where it is known.
    pub platforms: Vec<Platform>,
    /// Where the environment's tags point.
    pub tags: BTreeMap<Tag, Digest>,
    /// Whether tags never move there.
    pub fixed_tags: bool,
}
