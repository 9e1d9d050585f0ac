//! How projects are released: which there are, and how their environments are reached.

mod built_in;
mod machine;
mod reach;

use std::collections::BTreeMap;

use portolan_aws::AwsSettings;
use portolan_model::Secret;
use portolan_oci::Client;
use portolan_registry::Registry;
use portolan_release::{Project, Releases, Teller};
use portolan_tracker::Tracker;

pub(crate) use machine::Machine;
use reach::Reached;

/// How projects are released. The default has no project.
#[derive(Debug, Clone, Default)]
pub struct ReleaseSettings {
    /// The projects, by name.
    pub projects: BTreeMap<String, Project>,
    /// How AWS is reached, where an environment says nothing else.
    pub aws: AwsSettings,
    /// How registries are reached; none: only the built-in one is.
    pub client: Option<Client>,
    /// The host by which others on this machine reach the built-in registry; none: they do not.
    pub host: Option<String>,
    /// Hosts of registries that speak plain http, besides the built-in one.
    pub insecure: Vec<String>,
    /// How the containers of this machine are run; none: they are not.
    pub engine: Option<portolan_engine::Settings>,
    /// How rollouts are done.
    pub rollout: portolan_release::Settings,
}

impl ReleaseSettings {
    /// Releases over `tracker`'s store, whose images may be in `registry`, and what of them runs on this
    /// machine. `own` is the token by which this server comes in at its own door.
    pub(crate) fn open(
        &self,
        tracker: &Tracker,
        registry: &Registry,
        own: Option<Secret<String>>,
    ) -> (Releases, Machine) {
        let teller = Teller::new(tracker.store().clone());
        let machine = Machine::new(self.clone(), teller, own);
        let clock = tracker.store().clock();
        let reach = Reached::new(machine.clone(), registry.clone(), clock);
        let releases = Releases::new(
            tracker.clone(),
            self.projects.clone(),
            std::sync::Arc::new(reach),
            self.rollout.clone(),
        );
        (releases, machine)
    }
}
