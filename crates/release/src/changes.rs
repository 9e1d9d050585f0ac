//! What a release changes: the commits and the files between what was and what is to be.
//!
//! Commits are those that somebody told of (`POST /commits`); files are those that the catalogue has
//! indexed. Where either is not known, it is said so, and nothing is guessed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use portolan_model::{CommitId, Digest, Platform, ReleaseId};
use portolan_store::{CommitSpan, FileChanges, ImageKind, Release, StoreError};

use crate::plan::Plan;
use crate::releases::{Releases, WorldError};

/// What a release is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The release of the same project that was prepared before it.
    Before,
    /// This release.
    Release(ReleaseId),
    /// What runs in this environment now, as events told it; where they told nothing of an image,
    /// what was brought there last.
    Environment(String),
}

/// How much is told at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// Commits of each side of a span.
    pub commits: usize,
    /// Files of each image that differ; none: files are not looked at.
    pub files: Option<usize>,
}

/// What a release changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Changes {
    /// The release.
    pub release: Release,
    /// The release that it is held against, where it is one: none where there is none before it.
    pub against: Option<ReleaseId>,
    /// Its images, and those that are no more, by name.
    pub images: Vec<ImageChange>,
}

/// What becomes of one image of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageChange {
    /// The project's name for it.
    pub image: String,
    /// What there was: nothing, or one, or several where not all tasks run the same.
    pub before: Vec<ImageSide>,
    /// What there is to be; none where the release does not have it.
    pub after: Option<ImageSide>,
    /// The commits between; none where they are not known, or there was not just one image.
    pub commits: Option<CommitSpan>,
    /// The files that differ; none where one of the images was not scanned, there was not just one,
    /// or files are not asked for.
    pub files: Option<FileChanges>,
}

/// An image on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSide {
    /// Which it is.
    pub digest: Digest,
    /// The commit that it was built from, by its own word or that of a release.
    pub revision: Option<String>,
}

impl ImageChange {
    /// Whether it is the same image as before.
    pub fn is_same(&self) -> bool {
        let after = self.after.as_ref().map(|it| it.digest);
        after.is_some() && self.before.iter().map(|it| Some(it.digest)).eq([after])
    }
}

/// Why it cannot be told what a release changes.
#[derive(Debug, thiserror::Error)]
pub enum ChangesError {
    /// No such release.
    #[error("there is no release {0}")]
    Release(ReleaseId),
    /// Both are releases, and of two projects.
    #[error("release {0} is of another project")]
    OfAnother(ReleaseId),
    /// No such environment.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Images by the project's names for them.
type Images = BTreeMap<String, BTreeSet<Digest>>;

fn images_of(release: &Release) -> Images {
    release.images.iter().map(|it| (it.image.clone(), BTreeSet::from([it.digest]))).collect()
}

impl Releases {
    /// What a release changes.
    pub async fn changes(
        &self,
        release: ReleaseId,
        base: &Base,
        most: Most,
    ) -> Result<Changes, ChangesError> {
        let found = self.store().release(release).await?;
        let release = found.ok_or(ChangesError::Release(release))?;
        let (against, before) = match base {
            Base::Before => {
                let before = self.store().release_before(&release).await?;
                (before.as_ref().map(|it| it.id), before.as_ref().map(images_of))
            }
            Base::Release(id) => {
                let other = self.store().release(*id).await?.ok_or(ChangesError::Release(*id))?;
                if other.project != release.project {
                    return Err(ChangesError::OfAnother(other.id));
                }
                (Some(other.id), Some(images_of(&other)))
            }
            Base::Environment(name) => (None, Some(self.there(&release.project, name).await?)),
        };
        let images = self.image_changes(before.unwrap_or_default(), &release, most).await?;
        Ok(Changes { release, against, images })
    }

    /// What a plan changes, image by image: against what it found to run.
    pub async fn changes_of_plan(
        &self,
        plan: &Plan,
        most: Most,
    ) -> Result<Vec<ImageChange>, ChangesError> {
        let found = self.store().release(plan.release).await?;
        let mut release = found.ok_or(ChangesError::Release(plan.release))?;
        let planned: BTreeSet<&String> = plan.images.iter().map(|it| &it.image).collect();
        release.images.retain(|it| planned.contains(&it.image));
        let mut before = Images::new();
        for container in plan.services.iter().flat_map(|it| &it.containers) {
            before.entry(container.image.clone()).or_default().extend(&container.runs);
        }
        self.image_changes(before, &release, most).await
    }

    /// What runs in an environment, or was brought there last.
    async fn there(&self, project: &str, environment: &str) -> Result<Images, ChangesError> {
        let (described, _) = self.place((project, environment))?;
        let now = self.store().now();
        let mut running = self.heard(described, environment, now).await?;
        let last = self.brought(project, environment, now).await?;
        if let Some(last) = last
            && let Some(last) = self.store().release(last).await?
        {
            for (image, digests) in images_of(&last) {
                running.entry(image).or_insert(digests);
            }
        }
        Ok(running)
    }

    async fn image_changes(
        &self,
        mut before: Images,
        after: &Release,
        most: Most,
    ) -> Result<Vec<ImageChange>, ChangesError> {
        let told = after.images.iter().filter_map(|it| Some((it.digest, it.revision.clone()?)));
        let mut revisions: HashMap<Digest, String> = told.collect();
        let unknown: BTreeSet<Digest> = before
            .values()
            .flatten()
            .chain(after.images.iter().map(|it| &it.digest))
            .filter(|digest| !revisions.contains_key(*digest))
            .copied()
            .collect();
        let unknown: Vec<Digest> = unknown.into_iter().collect();
        revisions.extend(self.store().revisions_of(&unknown).await?);
        let side = |digest: Digest| ImageSide { digest, revision: revisions.get(&digest).cloned() };
        let mut spans = Spans::default();
        let mut changes = Vec::new();
        for image in &after.images {
            let was = before.remove(&image.image).unwrap_or_default();
            let mut change = ImageChange {
                image: image.image.clone(),
                before: was.into_iter().map(side).collect(),
                after: Some(side(image.digest)),
                commits: None,
                files: None,
            };
            if let ([was], Some(is)) = (&change.before[..], &change.after) {
                change.commits = spans.between(self, (was, is), most.commits).await?;
                if let Some(most) = most.files {
                    change.files = self.files_between(&was.digest, &is.digest, most).await?;
                }
            }
            changes.push(change);
        }
        changes.extend(before.into_iter().map(|(image, was)| ImageChange {
            image,
            before: was.into_iter().map(side).collect(),
            after: None,
            commits: None,
            files: None,
        }));
        changes.sort_by(|a, b| a.image.cmp(&b.image));
        Ok(changes)
    }

    /// The commit that a revision names: whole, or by its beginning where only one is known so.
    async fn commit_of(&self, revision: &str) -> Result<Option<CommitId>, StoreError> {
        if let Ok(id) = revision.parse() {
            return Ok(Some(id));
        }
        Ok(self.store().commit_named(revision).await?.map(|commit| commit.id))
    }

    async fn files_between(
        &self,
        was: &Digest,
        is: &Digest,
        most: usize,
    ) -> Result<Option<FileChanges>, StoreError> {
        let Some((is, platform)) = self.scanned(is, None).await? else { return Ok(None) };
        let Some((was, _)) = self.scanned(was, platform.as_ref()).await? else { return Ok(None) };
        self.store().file_changes(&was, &is, most).await.map(Some)
    }

    /// The image whose files are known: itself, or of an index the one for `platform`, or the first.
    async fn scanned(
        &self,
        digest: &Digest,
        platform: Option<&Platform>,
    ) -> Result<Option<(Digest, Option<Platform>)>, StoreError> {
        let Some(image) = self.store().image(digest).await? else { return Ok(None) };
        if image.kind == ImageKind::Image {
            let known = image.first_scanned_at.is_some();
            return Ok(known.then_some((image.digest, image.found.platform)));
        }
        let listed: Vec<Digest> = image.found.children.iter().map(|child| child.digest).collect();
        let briefs = self.store().image_briefs(&listed).await?;
        let child = image.found.children.into_iter().find(|child| {
            let is_image = briefs.get(&child.digest).is_some_and(|it| it.kind == ImageKind::Image);
            is_image && platform.is_none_or(|wanted| child.platform.as_ref() == Some(wanted))
        });
        Ok(child.map(|child| (child.digest, child.platform)))
    }
}

/// What lies between pairs of revisions: many images of one project are built from one commit.
#[derive(Default)]
struct Spans(HashMap<(String, String), Option<CommitSpan>>);

impl Spans {
    async fn between(
        &mut self,
        releases: &Releases,
        (was, is): (&ImageSide, &ImageSide),
        most: usize,
    ) -> Result<Option<CommitSpan>, StoreError> {
        let (Some(was), Some(is)) = (&was.revision, &is.revision) else { return Ok(None) };
        if was == is {
            return Ok(Some(CommitSpan { whole: true, ..CommitSpan::default() }));
        }
        let pair = (was.clone(), is.clone());
        if let Some(known) = self.0.get(&pair) {
            return Ok(known.clone());
        }
        let both = (releases.commit_of(was).await?, releases.commit_of(is).await?);
        let span = match both {
            (Some(was), Some(is)) => releases.store().commits_between(&was, &is, most).await?,
            _ => None,
        };
        self.0.insert(pair, span.clone());
        Ok(span)
    }
}
