//! Releases: which image of a project is which digest. They never change.

use portolan_model::{Digest, ReleaseId, RepositoryName, Tag, Timestamp};

use crate::page::{Page, Paged};
use crate::row::{Row, Value, json_text, sql};
use crate::{Store, StoreError, Tx};

/// Releases whose images are read in one statement at most.
const CHUNK: usize = 200;

/// A release.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Its identity.
    pub id: ReleaseId,
    /// The project.
    pub project: String,
    /// What people are told of it.
    pub description: String,
    /// What it was prepared from, as JSON.
    pub source: serde_json::Value,
    /// Who prepared it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The page of the build that prepared it.
    pub ci_url: Option<String>,
    /// Its images, by identity.
    pub images: Vec<ReleaseImage>,
}

/// One image of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseImage {
    /// The project's name for it.
    pub image: String,
    /// The registry it was found in; none for the built-in one.
    pub registry: Option<String>,
    /// The repository there.
    pub repository: RepositoryName,
    /// Which image it is.
    pub digest: Digest,
    /// The tag that it was found by or is known by, for eyes only.
    pub tag: Option<Tag>,
    /// The commit that it was built from, where that is known.
    pub revision: Option<String>,
}

impl ReleaseImage {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            image: row.text("image")?,
            registry: Some(row.text("registry")?).filter(|host| !host.is_empty()),
            repository: row.parsed("repository")?,
            digest: row.digest("digest")?,
            tag: row.opt_parsed("tag")?,
            revision: row.opt_text("revision")?,
        })
    }
}

impl Release {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parsed("id")?,
            project: row.text("project")?,
            description: row.text("description")?,
            source: row.json("source")?,
            created_by: row.text("created_by")?,
            created_at: row.time("created_at")?,
            ci_url: row.opt_text("ci_url")?,
            images: Vec::new(),
        })
    }

    /// Its image of this name.
    pub fn image(&self, image: &str) -> Option<&ReleaseImage> {
        self.images.iter().find(|each| each.image == image)
    }
}

impl Tx {
    /// Records a release. One that is recorded already stays as it is: then false.
    pub async fn add_release(&mut self, release: &Release) -> Result<bool, StoreError> {
        let insert = sql("INSERT INTO release (id, project, description, source, created_by, \
             created_at, ci_url) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING")
        .bind(release.id.to_string())
        .bind(release.project.as_str())
        .bind(release.description.as_str())
        .bind(json_text(&release.source))
        .bind(release.created_by.as_str())
        .bind(release.created_at)
        .bind(release.ci_url.as_deref());
        if self.run(insert).await? == 0 {
            return Ok(false);
        }
        for image in &release.images {
            let insert = sql("INSERT INTO release_image (release, image, registry, repository, \
                 digest, tag, revision) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(release.id.to_string())
            .bind(image.image.as_str())
            .bind(image.registry.as_deref().unwrap_or_default())
            .bind(&image.repository)
            .bind(image.digest)
            .bind(image.tag.as_ref().map(Tag::as_str))
            .bind(image.revision.as_deref());
            self.run(insert).await?;
        }
        Ok(true)
    }
}

impl Store {
    /// One release.
    pub async fn release(&self, id: ReleaseId) -> Result<Option<Release>, StoreError> {
        let select = sql("SELECT * FROM release WHERE id = $1").bind(id.to_string());
        let found = self.first(select).await?.as_ref().map(Release::read).transpose()?;
        let mut found: Vec<Release> = found.into_iter().collect();
        self.add_images(&mut found).await?;
        Ok(found.pop())
    }

    /// These releases, in no order; those that there are not are left out.
    pub async fn releases_of(&self, ids: &[ReleaseId]) -> Result<Vec<Release>, StoreError> {
        let mut found = Vec::new();
        for chunk in ids.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM release WHERE id IN (");
            select.push(
                &vec!["?"; chunk.len()].join(", "),
                chunk.iter().map(|id| Value::from(id.to_string())),
            );
            select.push(")", []);
            for row in self.all(select).await? {
                found.push(Release::read(&row)?);
            }
        }
        self.add_images(&mut found).await?;
        Ok(found)
    }

    /// The release of the same project that was prepared before this one.
    pub async fn release_before(&self, release: &Release) -> Result<Option<Release>, StoreError> {
        let select = sql("SELECT * FROM release WHERE project = $1 AND (created_at < $2 \
             OR (created_at = $2 AND id < $3)) ORDER BY created_at DESC, id DESC LIMIT 1")
        .bind(release.project.as_str())
        .bind(release.created_at)
        .bind(release.id.to_string());
        let found = self.first(select).await?.as_ref().map(Release::read).transpose()?;
        let mut found: Vec<Release> = found.into_iter().collect();
        self.add_images(&mut found).await?;
        Ok(found.pop())
    }

    /// Releases of all projects, or of one, newest first.
    pub async fn releases(
        &self,
        project: Option<&str>,
        page: Page,
    ) -> Result<Paged<Release>, StoreError> {
        let count = sql("SELECT COUNT(*) AS total FROM release WHERE ($1 IS NULL OR project = $1)")
            .bind(project);
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT * FROM release WHERE ($1 IS NULL OR project = $1) \
             ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3")
        .bind(project)
        .bind(page.limit)
        .bind(page.offset);
        let mut items: Vec<Release> =
            self.all(select).await?.iter().map(Release::read).collect::<Result<_, _>>()?;
        self.add_images(&mut items).await?;
        Ok(Paged { items, total })
    }

    async fn add_images(&self, releases: &mut [Release]) -> Result<(), StoreError> {
        for chunk in releases.chunks_mut(CHUNK) {
            let mut select = sql("SELECT * FROM release_image WHERE release IN (");
            select.push(
                &vec!["?"; chunk.len()].join(", "),
                chunk.iter().map(|release| Value::from(release.id.to_string())),
            );
            select.push(") ORDER BY release, image", []);
            for row in self.all(select).await? {
                let id: ReleaseId = row.parsed("release")?;
                if let Some(release) = chunk.iter_mut().find(|release| release.id == id) {
                    release.images.push(ReleaseImage::read(&row)?);
                }
            }
        }
        Ok(())
    }
}
