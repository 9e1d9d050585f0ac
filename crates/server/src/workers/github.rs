//! Reading the organisation's repositories and teams anew, every now and then.
//!
//! Of several processes, one takes each turn and queues the job; nothing is queued while one waits
//! or runs. What is remembered changes only when all has been read.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_github::{GithubError, Inventory, Reading, Source, Step};
use portolan_model::{JobId, Timestamp};
use portolan_store::{SourceChange, SourceRepository, SourceTeam, StoreError};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::queue::{self, Failure, Progress, Work};
use crate::App;

/// How often it is looked whether it is time, at least.
const LOOK: Duration = Duration::from_secs(10);
/// And at most.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads all repositories and teams.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SyncRepositories {}

impl SyncRepositories {
    /// There is one at a time.
    const KEY: &'static str = "sync-repositories";
}

/// How far a reading is, and what it changed in the end.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// Answers that were read.
    pages: usize,
    repositories: usize,
    teams: usize,
    /// Only when all has been read.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<u64>,
}

impl Work for SyncRepositories {
    const KIND: &'static str = "sync-repositories";
    const PRIORITY: i64 = -5;

    fn run(self, app: App, progress: Progress) -> BoxFuture<'static, Result<(), Failure>> {
        async move {
            // The configuration may have changed since it was queued.
            let Some(source) = &app.settings.repositories.source else { return Ok(()) };
            let (inventory, mut told) = read(source, &progress).await?;
            (told.repositories, told.teams) = (inventory.repositories.len(), inventory.teams.len());
            let change = keep(&app, inventory).await.map_err(|error| lost(&error))?;
            told.added = Some(change.added);
            told.changed = Some(change.changed);
            told.removed = Some(change.removed);
            progress.keep(&told).await.map_err(|error| lost(&error))?;
            tracing::info!(
                repositories = told.repositories,
                teams = told.teams,
                added = change.added,
                changed = change.changed,
                removed = change.removed,
                "read the organisation's repositories"
            );
            Ok(())
        }
        .boxed()
    }
}

/// Reads all of it, and tells how far it is.
async fn read(source: &Source, progress: &Progress) -> Result<(Inventory, Told), Failure> {
    let mut reading: Reading<'_> = source.read();
    loop {
        let counts = reading.counts();
        let told = Told {
            pages: counts.pages,
            repositories: counts.repositories,
            teams: counts.teams,
            ..Told::default()
        };
        match reading.step().await.map_err(|error| failure(&error))? {
            Step::All(inventory) => {
                return Ok((inventory, Told { pages: told.pages + 1, ..told }));
            }
            Step::More(next) => {
                progress.keep(&told).await.map_err(|error| lost(&error))?;
                reading = next;
            }
        }
    }
}

fn failure(error: &GithubError) -> Failure {
    Failure { again_at: error.again_at(), ..Failure::new(error, error.is_transient()) }
}

fn lost(error: &StoreError) -> Failure {
    Failure::new(error, true)
}

/// Remembers what was read, in one change.
async fn keep(app: &App, inventory: Inventory) -> Result<SourceChange, StoreError> {
    let repositories: Vec<_> = inventory.repositories.into_iter().map(repository).collect();
    let team = |team: portolan_github::Team| SourceTeam { slug: team.slug, name: team.name };
    let teams: Vec<_> = inventory.teams.into_iter().map(team).collect();
    let change = app.store.write(move |tx| {
        Box::pin(async move { tx.replace_source_repositories(&repositories, &teams).await })
    });
    change.await
}

fn repository(found: portolan_github::Repository) -> SourceRepository {
    SourceRepository {
        name: found.name,
        description: found.description,
        primary_language: found.primary_language,
        url: found.url,
        is_archived: found.is_archived,
        is_template: found.is_template,
        is_private: found.is_private,
        created_at: found.created_at,
        teams: found.teams,
    }
}

/// Queues the job whenever it is time, until `stop`.
pub(super) async fn run(app: App, stop: CancellationToken) {
    if app.settings.repositories.source.is_none() {
        return;
    }
    loop {
        let pause = match queue_when_due(&app).await {
            Ok(next) => {
                let millis = next.millis_since(app.store.now()).max(0).unsigned_abs();
                Duration::from_millis(millis).clamp(PAUSE, LOOK)
            }
            Err(error) => {
                tracing::warn!(%error, "reading repositories waits for the store");
                LOOK
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Queues the job where it is time and no other process did; when it is time next.
async fn queue_when_due(app: &App) -> Result<Timestamp, StoreError> {
    let (store, now) = (&app.store, app.store.now());
    let interval = i64::try_from(app.settings.repositories.interval.as_millis());
    let next = now.plus_millis(interval.unwrap_or(i64::MAX).max(1));
    // One that is late, or that GitHub told to come back later, is not joined by a second one.
    if store.open_job(SyncRepositories::KEY).await?.is_some() {
        return Ok(next);
    }
    let job = queue::new(&SyncRepositories {}, Some(SyncRepositories::KEY.to_owned()), store.now());
    let id = JobId::new(store.ids());
    let queued = store.write(move |tx| {
        Box::pin(async move {
            let mine = tx.take_turn(SyncRepositories::KEY, now, next).await?;
            Ok(mine && tx.enqueue(id, &job, now).await?)
        })
    });
    if queued.await? {
        store.wake_jobs().await;
        return Ok(next);
    }
    Ok(store.next_turn(SyncRepositories::KEY).await?.unwrap_or(next))
}
