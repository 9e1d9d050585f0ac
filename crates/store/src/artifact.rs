//! Artifacts: scanned images under their tags, in the shape in which the portal's clients ask.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use crate::image::{ImageKind, ScannedImage};
use crate::page::{Page, Paged};
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError};

/// A tag and the scanned image that it points to.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The repository.
    pub repository: RepositoryName,
    /// The tag.
    pub tag: Tag,
    /// The manifest that the tag names: of many platforms, the index's.
    pub digest: Digest,
    /// Whether that is an image or an index.
    pub kind: ImageKind,
    /// Since when the tag points there.
    pub tagged_at: Timestamp,
    /// When the image was scanned for the first time.
    pub first_scanned_at: Timestamp,
    /// What the scan found, without layers and children.
    pub found: ScannedImage,
    /// The files whose contents are kept, by path.
    pub files: Vec<ArtifactFile>,
}

/// A file of an artifact whose contents are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactFile {
    /// Its path.
    pub path: String,
    /// The layer that it is in.
    pub layer: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Which artifacts are wanted.
#[derive(Debug, Clone, Default)]
pub struct ArtifactFilter {
    /// Only those of this repository.
    pub repository: Option<RepositoryName>,
    /// Only those under this tag.
    pub tag: Option<Tag>,
    /// Leave the files out.
    pub without_files: bool,
}

/// A service, by the label of its newest image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where its source is.
    pub source_url: Option<String>,
    /// The repository of its newest image.
    pub repository: RepositoryName,
}

impl Artifact {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            repository: row.parsed("repository")?,
            tag: row.parsed("tag_name")?,
            digest: row.digest("digest")?,
            kind: row.parsed("kind")?,
            tagged_at: row.time("tagged_at")?,
            first_scanned_at: row.time("first_scanned_at")?,
            found: ScannedImage::read(row)?,
            files: Vec::new(),
        })
    }
}

/// Tags that point to a scanned image: neither one that waits, nor a chart or a signature.
const SCANNED: &str = "FROM tag JOIN image ON image.digest = tag.digest \
     WHERE image.first_scanned_at IS NOT NULL AND image.kind <> 'artifact'";

impl ArtifactFilter {
    fn conditions(&self) -> (String, Vec<Value>) {
        let mut text = SCANNED.to_owned();
        let mut values = Vec::new();
        if let Some(repository) = &self.repository {
            text.push_str(" AND tag.repository = ?");
            values.push(repository.into());
        }
        if let Some(tag) = &self.tag {
            text.push_str(" AND tag.name = ?");
            values.push(tag.into());
        }
        (text, values)
    }
}

impl Store {
    /// Artifacts by repository, then by tag.
    pub async fn artifacts(
        &self,
        filter: &ArtifactFilter,
        page: Page,
    ) -> Result<Paged<Artifact>, StoreError> {
        let (conditions, values) = filter.conditions();
        let mut count = sql("SELECT COUNT(*) AS total ");
        count.push(&conditions, values.clone());
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let mut select = sql("SELECT image.*, tag.repository, tag.name AS tag_name, \
             tag.at AS tagged_at ");
        select.push(&conditions, values);
        select.push(
            " ORDER BY tag.repository, tag.name LIMIT ? OFFSET ?",
            [page.limit.into(), page.offset.into()],
        );
        let mut items: Vec<Artifact> =
            self.all(select).await?.iter().map(Artifact::read).collect::<Result<_, _>>()?;
        if !filter.without_files {
            self.add_files(&mut items).await?;
        }
        Ok(Paged { items, total })
    }

    async fn add_files(&self, artifacts: &mut [Artifact]) -> Result<(), StoreError> {
        for chunk in artifacts.chunks_mut(500) {
            let marks = vec!["?"; chunk.len()].join(", ");
            let mut select = sql("SELECT image, path, layer, size FROM image_kept ");
            select.push(
                &format!("WHERE image IN ({marks}) ORDER BY path, layer"),
                chunk.iter().map(|artifact| Value::from(artifact.digest)),
            );
            for row in self.all(select).await? {
                let image = row.digest("image")?;
                let file = ArtifactFile {
                    path: row.text("path")?,
                    layer: row.digest("layer")?,
                    size: row.count("size")?,
                };
                for artifact in chunk.iter_mut().filter(|artifact| artifact.digest == image) {
                    artifact.files.push(file.clone());
                }
            }
        }
        Ok(())
    }

    /// The artifact under one tag.
    pub async fn artifact(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Artifact>, StoreError> {
        let filter = ArtifactFilter {
            repository: Some(repository.clone()),
            tag: Some(tag.clone()),
            without_files: false,
        };
        Ok(self.artifacts(&filter, Page::first(1)).await?.items.pop())
    }

    /// Tags of a repository that point to a scanned image, with since when; in no special order.
    pub async fn artifact_tags(
        &self,
        repository: &RepositoryName,
    ) -> Result<Vec<(Tag, Timestamp)>, StoreError> {
        let filter =
            ArtifactFilter { repository: Some(repository.clone()), ..ArtifactFilter::default() };
        let (conditions, values) = filter.conditions();
        let mut select = sql("SELECT tag.name AS tag_name, tag.at AS tagged_at ");
        select.push(&conditions, values);
        let read = |row: &Row| Ok((row.parsed("tag_name")?, row.time("tagged_at")?));
        self.all(select).await?.iter().map(read).collect()
    }

    /// Repositories that hold an artifact, by name.
    pub async fn artifact_repositories(&self) -> Result<Vec<RepositoryName>, StoreError> {
        let mut select = sql("SELECT DISTINCT tag.repository ");
        select.push(SCANNED, []);
        select.push(" ORDER BY tag.repository", []);
        self.all(select).await?.iter().map(|row| row.parsed("repository")).collect()
    }

    /// Services by name, or the one of this name: each with the source and the repository of its
    /// most recently tagged image.
    pub async fn services(&self, name: Option<&str>) -> Result<Vec<Service>, StoreError> {
        let mut select = sql("SELECT service_name, source_url, repository FROM (SELECT \
             image.service_name, image.source_url, tag.repository, ROW_NUMBER() OVER \
             (PARTITION BY image.service_name ORDER BY tag.at DESC, tag.repository, tag.name) \
             AS place ");
        select.push(SCANNED, []);
        select.push(" AND image.service_name IS NOT NULL", []);
        if let Some(name) = name {
            select.push(" AND image.service_name = ?", [name.into()]);
        }
        select.push(") AS ranked WHERE place = 1 ORDER BY service_name", []);
        let read = |row: &Row| {
            Ok(Service {
                name: row.text("service_name")?,
                source_url: row.opt_text("source_url")?,
                repository: row.parsed("repository")?,
            })
        };
        self.all(select).await?.iter().map(read).collect()
    }
}
