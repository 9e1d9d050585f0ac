//! What is shown to many readers, and put together once for all of them.

use std::sync::Arc;
use std::time::Duration;

use portolan_model::Timestamp;
use portolan_store::{Page, SourceFilter, SourceRepository, SourceTeam, StoreError};
use portolan_tracker::Running;
use portolan_tracker::dora::Figures;
use portolan_tracker::running::RunningFilter;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::App;

/// How long what runs is shown without looking again, though nothing seems to have changed: some
/// states change with time alone, and a change in another process may be told late.
const RUNNING: Duration = Duration::from_secs(2);
/// How long figures and teams are shown without looking again.
const SLOW: Duration = Duration::from_secs(30);
/// Repositories of source code that are asked for their teams at most.
const REPOSITORIES: u64 = 10_000;
/// Over how many days the figures are.
pub(super) const DAYS: u32 = 30;

/// What was put together last. Who asks while it is being made waits for that, and makes no other.
#[derive(Debug)]
struct Kept<T>(Mutex<Option<Made<T>>>);

#[derive(Debug)]
struct Made<T> {
    /// The store's count of changes before it was made.
    generation: u64,
    at: Instant,
    what: Arc<T>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Kept<T> {
    /// What is kept, if that is of the generation `wanted` or a later one and not older than `age`;
    /// else what `make` makes.
    async fn get<F>(
        &self,
        wanted: u64,
        age: Duration,
        generation: impl Fn() -> u64,
        make: impl FnOnce() -> F,
    ) -> Result<Arc<T>, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut kept = self.0.lock().await;
        if let Some(made) = &*kept
            && made.generation >= wanted
            && made.at.elapsed() < age
        {
            return Ok(Arc::clone(&made.what));
        }
        let (generation, at) = (generation(), Instant::now());
        let what = Arc::new(make().await?);
        *kept = Some(Made { generation, at, what: Arc::clone(&what) });
        Ok(what)
    }
}

/// Who has which repository of source code.
#[derive(Debug, Default)]
pub(super) struct Teams {
    /// All teams, by slug.
    pub(super) all: Vec<SourceTeam>,
    /// All repositories.
    pub(super) repositories: std::collections::HashMap<String, SourceRepository>,
}

/// What is kept for all readers.
#[derive(Debug, Default)]
pub(super) struct Now {
    running: Kept<Running>,
    figures: Kept<(String, Figures)>,
    teams: Kept<Teams>,
}

impl Now {
    /// What runs where now. Whoever asks after a change sees it.
    pub(super) async fn running(&self, app: &App) -> Result<Arc<Running>, StoreError> {
        let changes = app.store.change_wakes();
        let generation = || *changes.borrow();
        let all = RunningFilter::default();
        let make = || app.tracker.running(app.store.now(), &all);
        self.running.get(generation(), RUNNING, generation, make).await
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
        let kept = self.figures.get(0, SLOW, || 0, make).await?;
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
        self.teams.get(0, SLOW, || 0, make).await
    }
}

impl Teams {
    /// The teams of the service `name`: those of the repository of the same name.
    pub(super) fn of(&self, name: &str) -> &[String] {
        self.repositories.get(name).map_or(&[], |repository| repository.teams.as_slice())
    }
}
