//! Reading the organisation's repositories and teams anew, every now and then.
//!
//! Of several processes, one takes each turn and queues the job; nothing is queued while one waits,
//! perhaps for GitHub's limits, or runs. What is remembered changes only when all has been read.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use portolan_github::{GithubError, Inventory, Reading, Source, Step};
use portolan_store::{SourceChange, SourceRepository, SourceTeam, StoreError};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::queue::{Failure, Progress, Work};
use super::turns;
use crate::App;

/// Reads all repositories and teams.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SyncRepositories {}

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
            if change != SourceChange::default() {
                tracing::info!(%source, ?change, "the list of repositories has changed");
            }
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
    let repositories = &app.settings.repositories;
    let Some(source) = &repositories.source else { return };
    // Another organisation is read at once, and not when the one before would have been.
    let key = format!("sync-repositories:{source}");
    let interval = repositories.interval;
    turns::run(app, SyncRepositories {}, key, interval, stop).await;
}
