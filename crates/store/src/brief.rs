//! What a list shows of each image, tag and layer: one question for a whole page of them.

use std::collections::HashMap;

use portolan_model::{Digest, Platform, RepositoryName, Tag};

use crate::image::{ImageKind, ImageState};
use crate::layer::Layer;
use crate::page::{Page, Paged};
use crate::row::{Row, Value, sql};
use crate::tag::TagPointer;
use crate::{Store, StoreError};

/// Values bound in one statement at most.
const CHUNK: usize = 500;

/// An image as one line of a list.
#[derive(Debug, Clone)]
pub struct ImageBrief {
    /// The digest of its manifest.
    pub digest: Digest,
    /// What it stands for.
    pub kind: ImageKind,
    /// How far its scan is.
    pub state: ImageState,
    /// Why it could not be scanned.
    pub error: Option<String>,
    /// What it is built for; of an index, what its images are, in its order.
    pub platforms: Vec<Platform>,
    /// Bytes of all layers as they are stored.
    pub compressed_bytes: u64,
    /// Bytes of all layers uncompressed.
    pub raw_bytes: u64,
    /// Files that it shows.
    pub files: u64,
}

impl ImageBrief {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            digest: row.digest("digest")?,
            kind: row.parsed("kind")?,
            state: row.parsed("state")?,
            error: row.opt_text("error")?,
            platforms: row.opt_parsed("platform")?.into_iter().collect(),
            compressed_bytes: row.count("compressed_bytes")?,
            raw_bytes: row.count("raw_bytes")?,
            files: row.count("file_count")?,
        })
    }
}

/// `?, ?, …`, one for each of `values`.
fn marks<T>(values: &[T]) -> String {
    vec!["?"; values.len()].join(", ")
}

impl Store {
    /// The lines of these images, by digest; none for a digest that is no image.
    pub async fn image_briefs(
        &self,
        digests: &[Digest],
    ) -> Result<HashMap<Digest, ImageBrief>, StoreError> {
        let mut briefs = HashMap::with_capacity(digests.len());
        for chunk in digests.chunks(CHUNK) {
            let values = || chunk.iter().map(Value::from);
            let mut select = sql("SELECT digest, kind, state, error, platform, compressed_bytes, \
                 raw_bytes, file_count FROM image ");
            select.push(&format!("WHERE digest IN ({})", marks(chunk)), values());
            for row in self.all(select).await? {
                let brief = ImageBrief::read(&row)?;
                briefs.insert(brief.digest, brief);
            }
        }
        self.add_platforms_of_indexes(&mut briefs).await?;
        Ok(briefs)
    }

    /// Adds to the line of each index what its images are built for.
    async fn add_platforms_of_indexes(
        &self,
        briefs: &mut HashMap<Digest, ImageBrief>,
    ) -> Result<(), StoreError> {
        let indexes = briefs.values().filter(|brief| brief.kind == ImageKind::Index);
        let indexes: Vec<Digest> = indexes.map(|brief| brief.digest).collect();
        for chunk in indexes.chunks(CHUNK) {
            let mut children = sql("SELECT parent, platform FROM image_child ");
            children.push(
                &format!(
                    "WHERE platform IS NOT NULL AND parent IN ({}) ORDER BY parent, position",
                    marks(chunk)
                ),
                chunk.iter().map(Value::from),
            );
            for row in self.all(children).await? {
                if let Some(brief) = briefs.get_mut(&row.digest("parent")?) {
                    let platform = row.parsed("platform")?;
                    if !brief.platforms.contains(&platform) {
                        brief.platforms.push(platform);
                    }
                }
            }
        }
        Ok(())
    }

    /// Tags of all repositories, or of one, that point somewhere, by repository and name; and the
    /// line of each image that they point to, where the catalogue knows it.
    pub async fn tag_briefs(
        &self,
        repository: Option<&RepositoryName>,
        page: Page,
    ) -> Result<(Paged<TagPointer>, HashMap<Digest, ImageBrief>), StoreError> {
        let total = self.tag_count(repository).await?;
        // One question for both: asking again for a thousand digests costs more than the join.
        // The page is cut before it, or every tag that is skipped would be joined too.
        let mut select = sql("SELECT tag.repository, tag.name, tag.digest, tag.at, image.kind, \
             image.state, image.error, image.platform, image.compressed_bytes, image.raw_bytes, \
             image.file_count FROM (SELECT repository, name, digest, at FROM tag \
             WHERE digest IS NOT NULL");
        if let Some(name) = repository {
            select.push(" AND repository = ?", [Value::from(name)]);
        }
        select.push(
            " ORDER BY repository, name LIMIT ? OFFSET ?) AS tag \
             LEFT JOIN image ON image.digest = tag.digest ORDER BY tag.repository, tag.name",
            [page.limit.into(), page.offset.into()],
        );
        let rows = self.all(select).await?;
        let mut items = Vec::with_capacity(rows.len());
        let mut briefs = HashMap::with_capacity(rows.len());
        for row in &rows {
            let pointer = TagPointer::read(row)?;
            if row.opt_text("kind")?.is_some() && !briefs.contains_key(&pointer.digest) {
                briefs.insert(pointer.digest, ImageBrief::read(row)?);
            }
            items.push(pointer);
        }
        self.add_platforms_of_indexes(&mut briefs).await?;
        Ok((Paged { items, total }, briefs))
    }

    /// The tags of these repositories that point somewhere; by repository, then by name.
    pub async fn tags_of_repositories(
        &self,
        repositories: &[RepositoryName],
    ) -> Result<Vec<TagPointer>, StoreError> {
        let mut tags = Vec::new();
        for chunk in repositories.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM tag WHERE digest IS NOT NULL ");
            select.push(
                &format!("AND repository IN ({}) ORDER BY repository, name", marks(chunk)),
                chunk.iter().map(Value::from),
            );
            for row in self.all(select).await? {
                tags.push(TagPointer::read(&row)?);
            }
        }
        Ok(tags)
    }

    /// How often each of these tags of a repository moved: to another image, or away.
    pub async fn tag_move_counts(
        &self,
        repository: &RepositoryName,
        tags: &[Tag],
    ) -> Result<HashMap<String, u64>, StoreError> {
        let mut counts = HashMap::with_capacity(tags.len());
        for chunk in tags.chunks(CHUNK) {
            let mut select = sql("SELECT name, COUNT(*) AS moves FROM (SELECT name, digest, \
                 LAG(digest) OVER (PARTITION BY name ORDER BY at, event) AS earlier, \
                 ROW_NUMBER() OVER (PARTITION BY name ORDER BY at, event) AS place \
                 FROM tag_event WHERE repository = $1")
            .bind(repository);
            select.push(
                &format!(
                    " AND name IN ({})) AS moved WHERE place = 1 \
                     OR digest IS DISTINCT FROM earlier GROUP BY name",
                    marks(chunk)
                ),
                chunk.iter().map(Value::from),
            );
            for row in self.all(select).await? {
                counts.insert(row.text("name")?, row.count("moves")?);
            }
        }
        Ok(counts)
    }

    /// These layers, by digest, where they have been read.
    pub async fn layers(&self, digests: &[Digest]) -> Result<HashMap<Digest, Layer>, StoreError> {
        let mut layers = HashMap::with_capacity(digests.len());
        for chunk in digests.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM layer ");
            select.push(
                &format!("WHERE digest IN ({})", marks(chunk)),
                chunk.iter().map(Value::from),
            );
            for row in self.all(select).await? {
                let layer = Layer::read(&row)?;
                layers.insert(layer.result.digest, layer);
            }
        }
        Ok(layers)
    }
}
