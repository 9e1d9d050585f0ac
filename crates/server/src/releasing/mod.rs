//! How projects are released: which there are, and how their environments are reached.

mod built_in;
mod reach;

use std::collections::BTreeMap;

use portolan_aws::AwsSettings;
use portolan_oci::Client;
use portolan_registry::Registry;
use portolan_release::{Project, Releases};
use portolan_tracker::Tracker;

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
    /// Releases over `tracker`'s store, whose images may be in `registry`.
    pub(crate) fn open(&self, tracker: &Tracker, registry: &Registry) -> Releases {
        let reach = Reached::new(self.clone(), tracker.store().clone(), registry.clone());
        Releases::new(
            tracker.clone(),
            self.projects.clone(),
            std::sync::Arc::new(reach),
            self.rollout.clone(),
        )
    }
}
