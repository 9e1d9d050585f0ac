//! The catalogue of what a registry already holds.

use std::collections::HashSet;

use futures::future::{BoxFuture, FutureExt as _};
use futures::stream::{self, StreamExt as _};
use portolan_model::{Digest, EventId, RepositoryName, Tag, Target, Timestamp, failpoint};
use portolan_store::{Page, StoreError};
use serde::{Deserialize, Serialize};

use crate::content::Listing;
use crate::{Catalogue, CatalogueError};

/// Repositories of one registry, at most.
const REPOSITORIES: usize = 1_000_000;
/// Failures that are told one by one; the others are counted.
const FAILURES: usize = 50;
/// Tags that are looked at together when it is found out what has gone.
const PAGE: u32 = 1000;

/// How far a backfill is: the job's progress, from which it goes on after a kill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BackfillProgress {
    /// Where the next page of repositories begins; none before the first.
    pub cursor: Option<String>,
    /// The repository of that page that was done last; none before the first.
    pub last: Option<RepositoryName>,
    /// Whether all pages were read.
    pub listed: bool,
    /// Repositories that are done.
    pub repositories: u64,
    /// Tags that were looked at.
    pub tags: u64,
    /// Images that were scanned.
    pub scanned: u64,
    /// Images that had been scanned before.
    pub known: u64,
    /// Images that could not be scanned.
    pub failed: u64,
    /// Tags that were dropped because the registry has them no longer.
    pub dropped: u64,
    /// The first failures, each in a line.
    pub failures: Vec<String>,
}

/// Keeps the progress of a backfill: false where the job was lost to another worker.
pub type KeepProgress<'a> =
    dyn FnMut(&BackfillProgress) -> BoxFuture<'a, Result<bool, StoreError>> + Send + 'a;

/// What became of one tag.
enum Outcome {
    Scanned,
    Known,
    Failed(String),
    /// It was deleted between being listed and being looked at.
    Gone,
}

impl BackfillProgress {
    fn count(&mut self, outcome: Outcome) {
        self.tags += 1;
        match outcome {
            Outcome::Scanned => self.scanned += 1,
            Outcome::Known => self.known += 1,
            Outcome::Gone => {}
            Outcome::Failed(story) => {
                self.failed += 1;
                if self.failures.len() < FAILURES {
                    self.failures.push(story);
                }
            }
        }
    }
}

async fn keep(
    keep: &mut KeepProgress<'_>,
    progress: &BackfillProgress,
) -> Result<(), CatalogueError> {
    if keep(progress).await? { Ok(()) } else { Err(CatalogueError::Superseded) }
}

impl Catalogue {
    /// Scans every tag of a registry, from where `progress` says; with `drop`, forgets the tags
    /// that the registry has no longer. `save` is called after each repository and page.
    ///
    /// One image that cannot be scanned is counted and told, and does not stop the others.
    pub async fn backfill(
        &self,
        registry: &dyn Listing,
        drop: bool,
        progress: BackfillProgress,
        save: &mut KeepProgress<'_>,
    ) -> Result<BackfillProgress, CatalogueError> {
        let mut progress = progress;
        let mut listed = 0;
        while !progress.listed {
            let page = registry.repositories(progress.cursor.as_deref()).await?;
            listed += page.repositories.len();
            if listed > REPOSITORIES {
                return Err(CatalogueError::Endless { what: "repositories", limit: REPOSITORIES });
            }
            let last = progress.last.take();
            let done = page.repositories.iter().position(|name| Some(name) == last.as_ref());
            for repository in page.repositories.iter().skip(done.map_or(0, |done| done + 1)) {
                self.backfill_repository(registry, repository, drop, &mut progress).await?;
                progress.last = Some(repository.clone());
                keep(save, &progress).await?;
            }
            progress.last = None;
            progress.listed = page.next.is_none();
            progress.cursor = page.next;
            keep(save, &progress).await?;
            failpoint::hit("backfill.after-page");
        }
        if drop {
            self.drop_repositories(registry, &mut progress).await?;
        }
        keep(save, &progress).await?;
        failpoint::hit("backfill.before-finish");
        Ok(progress)
    }

    async fn backfill_repository(
        &self,
        registry: &dyn Listing,
        repository: &RepositoryName,
        drop: bool,
        progress: &mut BackfillProgress,
    ) -> Result<(), CatalogueError> {
        // Taken before the registry is asked: a push while we look is newer than what we see.
        let asked_at = self.store().now();
        let tags = registry.tags(repository).await?;
        let parallel = self.shared.options.backfill_images.clamp(1, 64);
        let scans =
            tags.clone().into_iter().map(|tag| self.backfill_tag(registry, repository, tag));
        let mut outcomes = stream::iter(scans).buffer_unordered(parallel);
        while let Some(outcome) = outcomes.next().await {
            progress.count(outcome?);
        }
        if drop {
            let listed: HashSet<&Tag> = tags.iter().collect();
            let known = self.known_tags(repository).await?;
            let gone = known.into_iter().filter(|tag| !listed.contains(tag)).collect();
            progress.dropped += self.drop_tags(repository, gone, asked_at).await?;
        }
        progress.repositories += 1;
        Ok(())
    }

    async fn backfill_tag(
        &self,
        registry: &dyn Listing,
        repository: &RepositoryName,
        tag: Tag,
    ) -> Result<Outcome, CatalogueError> {
        let asked_at = self.store().now();
        let scanned = self.scan_image(registry, repository, &Target::Tag(tag.clone())).await;
        match scanned {
            Ok(scanned) => {
                self.point_tag(repository, &tag, scanned.digest, asked_at).await?;
                Ok(if scanned.known { Outcome::Known } else { Outcome::Scanned })
            }
            Err(CatalogueError::NotFound { .. }) => Ok(Outcome::Gone),
            Err(error @ (CatalogueError::Store(_) | CatalogueError::Superseded)) => Err(error),
            Err(error) => Ok(Outcome::Failed(format!("{repository}:{tag}: {}", error.story()))),
        }
    }

    /// Points a tag to `digest`, unless it does already.
    async fn point_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
        digest: Digest,
        at: Timestamp,
    ) -> Result<(), CatalogueError> {
        let known = self.store().tag(repository, tag).await?;
        if known.is_some_and(|pointer| pointer.digest == digest) {
            return Ok(());
        }
        let (repository, tag) = (repository.clone(), tag.clone());
        let event = EventId::new(self.store().ids());
        let point = self.store().write(move |tx| {
            async move { tx.move_tag(&repository, &tag, Some(digest), at, event).await }.boxed()
        });
        Ok(point.await?)
    }

    async fn known_tags(&self, repository: &RepositoryName) -> Result<Vec<Tag>, CatalogueError> {
        let mut tags = Vec::new();
        loop {
            let page = Page { offset: tags.len() as u64, limit: u64::from(PAGE) };
            let pointers = self.store().tags(Some(repository), page).await?.items;
            if pointers.is_empty() {
                return Ok(tags);
            }
            tags.extend(pointers.into_iter().map(|pointer| pointer.tag));
        }
    }

    async fn drop_tags(
        &self,
        repository: &RepositoryName,
        tags: Vec<Tag>,
        at: Timestamp,
    ) -> Result<u64, CatalogueError> {
        let dropped = tags.len() as u64;
        if dropped == 0 {
            return Ok(0);
        }
        let events: Vec<_> = tags.iter().map(|_| EventId::new(self.store().ids())).collect();
        let repository = repository.clone();
        let drop = self.store().write(move |tx| {
            async move {
                for (tag, event) in tags.iter().zip(events) {
                    tx.move_tag(&repository, tag, None, at, event).await?;
                }
                Ok(())
            }
            .boxed()
        });
        drop.await?;
        Ok(dropped)
    }

    /// Forgets the tags of repositories that the registry has no longer.
    async fn drop_repositories(
        &self,
        registry: &dyn Listing,
        progress: &mut BackfillProgress,
    ) -> Result<(), CatalogueError> {
        let asked_at = self.store().now();
        let held = self.held_repositories(registry).await?;
        for repository in self.store().artifact_repositories().await? {
            if !held.contains(&repository) {
                let gone = self.known_tags(&repository).await?;
                progress.dropped += self.drop_tags(&repository, gone, asked_at).await?;
            }
        }
        Ok(())
    }

    async fn held_repositories(
        &self,
        registry: &dyn Listing,
    ) -> Result<HashSet<RepositoryName>, CatalogueError> {
        let mut held = HashSet::new();
        let mut from = None;
        loop {
            let page = registry.repositories(from.as_deref()).await?;
            held.extend(page.repositories);
            if held.len() > REPOSITORIES {
                return Err(CatalogueError::Endless { what: "repositories", limit: REPOSITORIES });
            }
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(held),
            }
        }
    }
}
