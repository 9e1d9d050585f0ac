//! What is shown to many readers, and put together once for all of them.

mod running;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use portolan_model::Timestamp;
use portolan_store::{Page, SourceFilter, SourceRepository, SourceTeam, StoreError};
use portolan_tracker::Running;
use portolan_tracker::behind::Versions;
use portolan_tracker::dora::Figures;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::App;

/// How long figures and teams are shown without looking again.
const SLOW: Duration = Duration::from_secs(30);
/// Repositories of source code that are asked for their teams at most.
const REPOSITORIES: u64 = 10_000;
/// Services whose versions are kept, at most.
const SERVICES: usize = 5_000;
/// Over how many days the figures are.
pub(super) const DAYS: u32 = 30;

/// What was put together last. Who asks while it is being made waits for that, and makes no other.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<(Instant, Arc<T>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Kept<T> {
    /// What is kept, if that is not too old; else what `make` makes.
    async fn get<F>(&self, make: impl FnOnce() -> F) -> Result<Arc<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut kept = self.0.lock().await;
        if let Some((_, what)) = kept.as_ref().filter(|(at, _)| at.elapsed() < SLOW) {
            return Ok(Arc::clone(what));
        }
        let (at, what) = (Instant::now(), Arc::new(make().await?));
        *kept = Some((at, Arc::clone(&what)));
        Ok(what)
    }
}

/// A service whose cells are compared: what tells that nothing was deployed since, and in which
/// environments it is looked back.
#[derive(Debug, Clone)]
pub(super) struct Compared {
    pub(super) service: String,
    pub(super) mark: u64,
    pub(super) environments: Vec<String>,
}

/// Who has which repository of source code.
#[derive(Debug, Default)]
pub(super) struct Teams {
    /// All teams, by slug.
    pub(super) all: Vec<SourceTeam>,
    /// All repositories.
    pub(super) repositories: HashMap<String, SourceRepository>,
}

/// What is kept for all readers.
#[derive(Debug, Default)]
pub(super) struct Now {
    running: Arc<running::Kept>,
    versions: Mutex<HashMap<String, (u64, Versions)>>,
    figures: Kept<(String, Figures)>,
    teams: Kept<Teams>,
}

impl Now {
    /// What runs where now. Whoever asks after a change sees it.
    pub(super) async fn running(&self, app: &App) -> Result<Arc<Running>, StoreError> {
        self.running.get(app).await
    }

    /// What was deployed of these services until `at`, which is about now. What is known of a service
    /// is kept as long as its mark is the same.
    pub(super) async fn versions(
        &self,
        app: &App,
        at: Timestamp,
        wanted: Vec<Compared>,
    ) -> Result<Versions, StoreError> {
        let mut kept = self.versions.lock().await;
        let known = |it: &Compared| kept.get(&it.service).is_some_and(|(mark, _)| *mark == it.mark);
        let new: Vec<&Compared> = wanted.iter().filter(|it| !known(it)).collect();
        let services = new.iter().map(|it| it.service.clone()).collect();
        let environments: BTreeSet<_> = new.iter().flat_map(|it| it.environments.clone()).collect();
        let found = app.tracker.versions(at, services, environments.into_iter().collect()).await?;
        if kept.len() + new.len() > SERVICES {
            kept.clear();
        }
        for it in new {
            kept.insert(it.service.clone(), (it.mark, Versions::new()));
        }
        for (place, versions) in found {
            if let Some((_, known)) = kept.get_mut(&place.1) {
                known.insert(place, versions);
            }
        }
        let known = wanted.iter().filter_map(|it| kept.get(&it.service));
        Ok(known.flat_map(|(_, versions)| versions.clone()).collect())
    }

    /// The figures of `environment` as of `at`; of now, where `past` is false, at most half a minute
    /// old.
    pub(super) async fn figures(
        &self,
        app: &App,
        environment: &str,
        at: Timestamp,
        past: bool,
    ) -> Result<Arc<(String, Figures)>, StoreError> {
        let make = || async {
            let figures = app.tracker.figures(environment, at, DAYS).await?;
            Ok((environment.to_owned(), figures))
        };
        if past {
            return Ok(Arc::new(make().await?));
        }
        let kept = self.figures.get(make).await?;
        if kept.0 == environment { Ok(kept) } else { Ok(Arc::new(make().await?)) }
    }

    /// Who has which repository.
    pub(super) async fn teams(&self, app: &App) -> Result<Arc<Teams>, StoreError> {
        let make = || async {
            let page = Page::first(REPOSITORIES);
            let found = app.store.source_repositories(&SourceFilter::default(), page).await?;
            let repositories = found.items.into_iter().map(|it| (it.name.clone(), it)).collect();
            Ok(Teams { all: app.store.source_teams().await?, repositories })
        };
        self.teams.get(make).await
    }
}

impl Teams {
    /// The teams of the service `name`: those of the repository of the same name.
    pub(super) fn of(&self, name: &str) -> &[String] {
        self.repositories.get(name).map_or(&[], |repository| repository.teams.as_slice())
    }
}
