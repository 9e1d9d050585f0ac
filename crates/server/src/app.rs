//! What every route and worker is handed.

use std::sync::Arc;

use portolan_catalogue::Catalogue;
use portolan_model::{Secret, Timestamp, TokenId};
use portolan_registry::{Registry, RegistryError};
use portolan_release::Releases;
use portolan_store::{Store, StoreError};
use portolan_tracker::{Intake, Tracker};
use tokio_util::sync::CancellationToken;

use crate::contents::Opener;
use crate::door::{Door, mint};
use crate::images::Images;
use crate::metrics::Metrics;
use crate::releasing::Machine;
use crate::{Settings, Workers, workers};

/// The parts of a running server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    /// What is remembered.
    pub store: Store,
    /// The built-in registry.
    pub registry: Registry,
    /// What scans images and remembers what is in them.
    pub catalogue: Catalogue,
    /// What keeps track of what runs where.
    pub tracker: Tracker,
    /// Releases of projects, and bringing them to environments.
    pub releases: Releases,
    /// This machine, and what runs on it.
    pub(crate) machine: Machine,
    /// What takes events into the journal.
    pub intake: Intake,
    /// How it behaves.
    pub settings: Arc<Settings>,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// Where scans read from.
    pub(crate) images: Images,
    pub(crate) opener: Opener,
    /// What tells who may come in.
    pub(crate) door: Door,
    pub(crate) metrics: Metrics,
    /// Cancelled when the server stops: whatever would stream for ever ends then.
    pub(crate) stopping: CancellationToken,
}

/// Why the parts could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The built-in registry could not be opened.
    #[error("could not open the built-in registry")]
    Registry(#[from] RegistryError),
    /// The process is going down.
    #[error("the process is going down")]
    Stopped,
}

impl App {
    /// Puts the parts together. Nothing runs yet: see [`serve`](crate::serve()) and
    /// [`App::start_workers`].
    pub async fn open(store: Store, settings: Settings) -> Result<Self, OpenError> {
        let (blobs, limits) = (settings.blobs.clone(), settings.limits.clone());
        let opening = store.clone();
        let registry = tokio::task::spawn_blocking(move || Registry::open(opening, &blobs, limits));
        let registry = registry.await.map_err(|_| OpenError::Stopped)??;
        let (scan, limits) = (settings.scan.clone(), settings.limits.clone());
        let tracker = Tracker::new(store.clone(), settings.track.clone());
        let (door, own) = door(&store, &settings);
        let (releases, machine) = settings.releases.open(&tracker, &registry, own);
        Ok(Self {
            started_at: store.now(),
            catalogue: Catalogue::new(store.clone(), scan, limits),
            images: Images { built_in: registry.clone(), other: settings.registry.clone() },
            releases,
            machine,
            tracker,
            intake: Intake::new(store.clone()),
            opener: Opener::new(&settings.limits),
            door,
            registry,
            store,
            settings: Arc::new(settings),
            metrics: Metrics::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Starts what works in the background, until [`Workers::stop`].
    /// [`serve`](crate::serve()) does so by itself.
    pub fn start_workers(&self) -> Workers {
        Workers::start(self)
    }

    /// Does, here and now, what waits in the journal and in the queue, until nothing is left that
    /// may run: for a process that has no workers.
    pub async fn run_jobs_until_idle(&self) -> Result<(), StoreError> {
        workers::run_until_idle(self).await
    }
}

/// The door, and the token by which this process comes in by itself; none where none can be made.
fn door(store: &Store, settings: &Settings) -> (Door, Option<Secret<String>>) {
    let Some(entropy) = &settings.entropy else { return (Door::default(), None) };
    match mint(&**entropy) {
        Ok((secret, digest)) => (Door::with_own(digest, TokenId::new(store.ids())), Some(secret)),
        Err(error) => {
            tracing::warn!(error, "no token for this server itself could be made");
            (Door::default(), None)
        }
    }
}
