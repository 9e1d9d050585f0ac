//! Finding the images of a release.

use std::collections::{BTreeMap, BTreeSet};

use futures::FutureExt as _;
use portolan_model::{Digest, ReleaseId, Tag, Target};
use portolan_store::ReleaseImage;

use super::PrepareError;
use crate::Images;
use crate::many::many;
use crate::project::{Image, Project, Spot};
use crate::releases::Releases;
use crate::table::Taken;

/// Images that are looked for at once.
const AT_ONCE: usize = 8;

/// An image that was found, or where it was not.
pub(super) type Hit = Result<ReleaseImage, String>;

pub(super) fn hit(image: &str, spot: &Spot, digest: Digest, tag: Option<Tag>) -> ReleaseImage {
    ReleaseImage {
        image: image.to_owned(),
        registry: spot.registry.clone(),
        repository: spot.repository.clone(),
        digest,
        tag,
        revision: None,
    }
}

/// All of `hits`; an error that names all that are missing.
pub(super) fn all(what: &str, hits: Vec<Hit>) -> Result<Vec<ReleaseImage>, PrepareError> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for hit in hits {
        match hit {
            Ok(image) => found.push(image),
            Err(which) => missing.push(which),
        }
    }
    if missing.is_empty() {
        return Ok(found);
    }
    Err(PrepareError::Missing { what: what.to_owned(), missing })
}

/// The tag that says best which image it is: `ref.` and a commit first, then by name.
fn telling(tags: &[Tag]) -> Option<Tag> {
    let is_ref = |tag: &&Tag| tag.as_str().starts_with("ref.");
    let is_pointer = |tag: &&Tag| tag.as_str().starts_with("env.") || tag.as_str() == "latest";
    let by_ref = tags.iter().filter(is_ref).min();
    by_ref.or_else(|| tags.iter().filter(|tag| !is_pointer(tag)).max()).cloned()
}

impl Releases {
    pub(super) async fn by_tag(
        &self,
        project: &Project,
        tag: &Tag,
    ) -> Result<Vec<ReleaseImage>, PrepareError> {
        let images = self.reach().images(project, None).await?;
        let target = Target::Tag(tag.clone());
        let mut looks = Vec::new();
        for (id, image) in &project.images {
            looks.push(at(&*images, id, image, &target).boxed());
        }
        let hits = many(looks, AT_ONCE).await.into_iter().collect::<Result<_, _>>()?;
        all(&format!("the tag {tag}"), hits)
    }

    pub(super) async fn by_commit(
        &self,
        project: &Project,
        commit: &str,
    ) -> Result<Vec<ReleaseImage>, PrepareError> {
        let is_name =
            (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_name {
            return Err(PrepareError::Commit(commit.chars().take(100).collect()));
        }
        let images = self.reach().images(project, None).await?;
        let mut looks = Vec::new();
        for (id, image) in &project.images {
            looks.push(self.of_commit(&*images, id, image, commit).boxed());
        }
        let hits = many(looks, AT_ONCE).await.into_iter().collect::<Result<_, _>>()?;
        all(&format!("the commit {commit}"), hits)
    }

    /// The image that was built from a commit: by what the catalogue read in it, else by the tags
    /// that builds give.
    async fn of_commit(
        &self,
        images: &dyn Images,
        id: &str,
        image: &Image,
        commit: &str,
    ) -> Result<Hit, PrepareError> {
        let commit = commit.to_ascii_lowercase();
        let built = self.store().images_built_from(&image.source.repository, &commit).await?;
        let digests: BTreeSet<Digest> = built.iter().map(|it| it.digest).collect();
        // Of several builds of one commit the newest is meant; of several commits, none.
        let commits: BTreeSet<&str> =
            built.iter().filter_map(|it| it.revision.as_deref()).collect();
        if commits.len() > 1 {
            let several = vec![format!(
                "image {id} was built from {}",
                Vec::from_iter(commits).join(" and ")
            )];
            return Err(PrepareError::Several { what: format!("the commit {commit}"), several });
        }
        if let (Some(first), false) = (built.first(), digests.is_empty()) {
            let tags: Vec<Tag> = built
                .iter()
                .filter(|it| it.digest == first.digest)
                .map(|it| it.tag.clone())
                .collect();
            let mut found = hit(id, &image.source, first.digest, telling(&tags));
            found.revision.clone_from(&first.revision);
            return Ok(Ok(found));
        }
        for tag in [format!("ref.{commit}"), commit.clone(), format!("sha-{commit}")] {
            let Ok(tag) = tag.parse::<Tag>() else { continue };
            if let Ok(mut found) = at(images, id, image, &Target::Tag(tag)).await? {
                found.revision = Some(commit);
                return Ok(Ok(found));
            }
        }
        Ok(Err(format!("{id} in {}", image.source)))
    }

    pub(super) async fn by_release(
        &self,
        project: &Project,
        release: ReleaseId,
        changes: &BTreeMap<String, String>,
    ) -> Result<Vec<ReleaseImage>, PrepareError> {
        let base = self.find_release(release).await?;
        let base =
            base.filter(|base| base.project == project.id).ok_or(PrepareError::Release(release))?;
        let is_missed = |id: &String| project.images.contains_key(id) && !changes.contains_key(id);
        let lost = Taken::lost(&base).into_iter().filter(|(id, _)| is_missed(id));
        let lost = lost.map(|(id, why)| Err(format!("{id}: {why}"))).collect();
        all(&format!("the release {release}"), lost)?;
        let sources = self.reach().images(project, None).await?;
        let mut images: BTreeMap<String, ReleaseImage> =
            base.images.into_iter().map(|image| (image.image.clone(), image)).collect();
        let mut hits = Vec::new();
        for (id, text) in changes {
            let image = project.images.get(id).ok_or_else(|| PrepareError::Image {
                project: project.id.clone(),
                image: id.clone(),
                has: project.images.keys().cloned().collect(),
            })?;
            let target: Target = text
                .parse()
                .map_err(|source| PrepareError::Change { image: id.clone(), source })?;
            hits.push(at(&*sources, id, image, &target).await?);
        }
        for image in all("the changes", hits)? {
            images.insert(image.image.clone(), image);
        }
        Ok(images.into_values().collect())
    }
}

/// What `target` leads to in the repository of an image.
async fn at(
    images: &dyn Images,
    id: &str,
    image: &Image,
    target: &Target,
) -> Result<Hit, PrepareError> {
    let Some(found) = images.resolve(&image.source, target).await? else {
        return Ok(Err(format!("{id} in {}", image.source)));
    };
    let own = match target {
        Target::Tag(tag) => Some(tag.clone()),
        Target::Digest(_) => None,
    };
    let mut tags = found.tags;
    tags.extend(own.clone());
    let mut found = hit(id, &image.source, found.digest, telling(&tags).or(own));
    let by_ref = found.tag.as_ref().and_then(|tag| tag.as_str().strip_prefix("ref."));
    found.revision = by_ref.map(str::to_owned);
    Ok(Ok(found))
}
