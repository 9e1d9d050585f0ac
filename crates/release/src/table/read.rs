//! Taking in what others put into a table.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use portolan_model::{Digest, ReleaseId, Tag, Target};
use portolan_store::{Release, StoreError};

use super::TableError;
use super::shape::{self, Named, Seen};
use crate::many::many;
use crate::project::{Project, Spot};
use crate::releases::Releases;
use crate::weco::{Deployments, ReleaseItem, Table};

/// Releases that are looked at for what is new.
const NEWEST: usize = 25;
/// Releases that are looked at when a table is looked through.
const MOST: usize = 500;
/// Between two times that a table is looked through, in milliseconds: a day.
const THROUGH: i64 = 24 * 3_600_000;
/// Releases that are taken in in one change.
const TOGETHER: usize = 50;
/// How long a table is not looked at once more after it was.
const REST: Duration = Duration::from_secs(10);
/// And after it could not be.
const PAUSE: Duration = Duration::from_mins(1);
/// How long anybody waits for a table.
const PATIENCE: Duration = Duration::from_secs(10);
/// Tables and repositories that are asked at once.
const AT_ONCE: usize = 8;

/// When the table of each project is looked at next.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<String, Look>>);

type Look = Arc<tokio::sync::Mutex<Option<Instant>>>;

impl Looks {
    fn of(&self, project: &str) -> Look {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.entry(project.to_owned()).or_default().clone()
    }
}

impl Releases {
    /// Takes in what is new in the table of a project, or of all, unless that was done a moment ago.
    /// A table that does not answer in time is looked at later: what is known is known.
    pub(crate) async fn look_into_tables(&self, project: Option<&str>) {
        let has_table = |it: &&Project| it.table.is_some() && project.is_none_or(|id| id == it.id);
        let mut looks = Vec::new();
        for project in self.projects().values().filter(has_table) {
            looks.push(self.look_into(&project.id).boxed());
        }
        many(looks, AT_ONCE).await;
    }

    async fn look_into(&self, project: &str) {
        let look = self.looks().of(project);
        let mut next = look.lock().await;
        if next.is_some_and(|next| Instant::now() < next) {
            return;
        }
        // It goes on where it takes longer than anybody waits.
        let (releases, id) = (self.clone(), project.to_owned());
        let taking = tokio::spawn(async move { releases.take_in(&id).await });
        let pause = match tokio::time::timeout(PATIENCE, taking).await {
            Ok(Ok(Ok(()))) => REST,
            Ok(Ok(Err(error))) => {
                tracing::warn!(project, %error, "the table of releases is looked at later");
                PAUSE
            }
            Ok(Err(_)) | Err(_) => {
                tracing::warn!(project, "the table of releases does not answer in time");
                PAUSE
            }
        };
        *next = Some(Instant::now() + pause);
    }

    /// Takes in what is new in the table of a project.
    async fn take_in(&self, project: &str) -> Result<(), TableError> {
        let Some(project) = self.project(project) else { return Ok(()) };
        let Some(table) = self.reach().table(project).await? else { return Ok(()) };
        let (now, turn) = (self.store().now(), format!("release-table:{}", table.name()));
        let due = self.store().next_turn(&turn).await?;
        let mut through = due.is_none_or(|due| due <= now);
        let mut new = Vec::new();
        if !through {
            let newest = table.newest(NEWEST).await?;
            let count = newest.len();
            new = self.unknown(newest).await?;
            through = count == NEWEST && new.len() == NEWEST;
        }
        if through {
            new = self.unknown(table.newest(MOST).await?).await?;
        }
        for some in new.chunks(TOGETHER) {
            self.take_in_these(project, &table, some).await?;
        }
        if through {
            let next = now.plus_millis(THROUGH);
            let take = self
                .store()
                .write(move |tx| Box::pin(async move { tx.take_turn(&turn, now, next).await }));
            take.await?;
        }
        Ok(())
    }

    /// A release, from a table where the store does not have it yet.
    pub(crate) async fn find_release(&self, id: ReleaseId) -> Result<Option<Release>, StoreError> {
        if let Some(known) = self.store().release(id).await? {
            return Ok(Some(known));
        }
        for project in self.projects().values().filter(|it| it.table.is_some()) {
            let look = self.looks().of(&project.id);
            // Of those who ask for what is nowhere, one at a time is heard.
            let _one = look.lock().await;
            let taking = tokio::time::timeout(PATIENCE, self.take_in_one(project, id)).await;
            match taking {
                Ok(Ok(true)) => return self.store().release(id).await,
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(project = project.id, %error, "a table of releases cannot be read");
                }
                Err(_) => {
                    tracing::warn!(project = project.id, "the table of releases does not answer");
                }
            }
        }
        Ok(None)
    }

    /// Releases that others deployed to an environment, as the project's table tells, the last first;
    /// none where it does not answer. One that failed is left out.
    pub(crate) async fn deployed_by_others(
        &self,
        project: &str,
        environment: &str,
    ) -> Vec<ReleaseId> {
        let Some(project) = self.project(project).filter(|it| it.table.is_some()) else {
            return Vec::new();
        };
        let wanted =
            Deployments { release: None, environment: Some(environment.to_owned()), limit: NEWEST };
        let asked = async {
            let Some(table) = self.reach().table(project).await? else { return Ok(Vec::new()) };
            Ok::<_, TableError>(table.deployments(&wanted).await?)
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(found)) => found
                .iter()
                .filter(|it| !it.description.starts_with("FAILED"))
                .filter_map(|it| it.release.parse().ok())
                .collect(),
            Ok(Err(error)) => {
                tracing::warn!(project = project.id, %error, "a table of releases cannot be read");
                Vec::new()
            }
            Err(_) => Vec::new(),
        }
    }

    async fn take_in_one(&self, project: &Project, id: ReleaseId) -> Result<bool, TableError> {
        let Some(table) = self.reach().table(project).await? else { return Ok(false) };
        let Some(item) = table.find(&id.to_string()).await? else { return Ok(false) };
        self.take_in_these(project, &table, &[(id, item)]).await?;
        Ok(true)
    }

    /// Those of `items` that the store does not have, with their identities. What has no identity
    /// that can be kept is left out: weco-deploy gives none.
    async fn unknown(
        &self,
        items: Vec<ReleaseItem>,
    ) -> Result<Vec<(ReleaseId, ReleaseItem)>, StoreError> {
        let read = |item: ReleaseItem| Some((item.id().parse::<ReleaseId>().ok()?, item));
        let mut items: Vec<_> = items.into_iter().filter_map(read).collect();
        let ids: Vec<ReleaseId> = items.iter().map(|(id, _)| *id).collect();
        let known: HashSet<ReleaseId> =
            self.store().known_releases(&ids).await?.into_iter().collect();
        items.retain(|(id, _)| !known.contains(id));
        Ok(items)
    }

    async fn take_in_these(
        &self,
        project: &Project,
        table: &Table,
        items: &[(ReleaseId, ReleaseItem)],
    ) -> Result<(), TableError> {
        let named: Vec<_> = items.iter().map(|(_, item)| shape::named(project, item)).collect();
        let tags = self.where_they_point(project, named.iter().flat_map(BTreeMap::values)).await?;
        let now = self.store().now();
        let find = |named: &Named| -> Result<Seen, String> {
            match named {
                Named::Lost(why) => Err(why.clone()),
                Named::Digest(spot, digest, tag) => Ok((spot.clone(), *digest, tag.clone())),
                Named::Tag(spot, tag) => match tags.get(&(spot, tag)) {
                    Some(digest) => Ok((spot.clone(), *digest, Some(tag.clone()))),
                    None => Err(format!("{tag} is not in {spot} any more")),
                },
            }
        };
        let mut releases = Vec::new();
        for ((id, item), named) in items.iter().zip(&named) {
            let found = named.iter().map(|(image, named)| (image.clone(), find(named))).collect();
            releases.push(shape::release((project, table.name()), *id, item, found, now));
        }
        let take = self.store().write(move |tx| {
            let releases = releases.clone();
            Box::pin(async move {
                for release in &releases {
                    tx.add_release(release).await?;
                }
                Ok(())
            })
        });
        take.await?;
        self.store().wake_changes().await;
        Ok(())
    }

    /// Where tags point now, by repository and tag. Those that point nowhere are left out.
    async fn where_they_point<'a>(
        &self,
        project: &Project,
        named: impl Iterator<Item = &'a Named>,
    ) -> Result<HashMap<(&'a Spot, &'a Tag), Digest>, TableError> {
        let mut wanted: BTreeMap<&Spot, BTreeSet<&Tag>> = BTreeMap::new();
        for named in named {
            if let Named::Tag(spot, tag) = named {
                wanted.entry(spot).or_default().insert(tag);
            }
        }
        let images = self.reach().images(project, None).await?;
        let images = &images;
        let mut finds = Vec::new();
        for (spot, tags) in wanted {
            let find = async move {
                let targets: Vec<Target> =
                    tags.iter().map(|&tag| Target::Tag(tag.clone())).collect();
                let found = images.find(spot, &targets).await?;
                let found = tags.into_iter().zip(found);
                let found = found.filter_map(|(tag, digest)| Some(((spot, tag), digest?)));
                Ok::<Vec<_>, TableError>(found.collect())
            };
            finds.push(find.boxed());
        }
        let mut all = HashMap::new();
        for found in many(finds, AT_ONCE).await {
            all.extend(found?);
        }
        Ok(all)
    }
}
