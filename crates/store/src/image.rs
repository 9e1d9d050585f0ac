//! Images: what a manifest's digest stands for, and what a scan found in it.

use std::collections::BTreeMap;
use std::str::FromStr;

use portolan_model::{Digest, FileKind, Platform, RepositoryName, Timestamp, path};

use crate::page::{Page, Paged};
use crate::row::{Row, Value, json_text, sql};
use crate::{Store, StoreError, Tx};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The word in the column.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not known")),
                }
            }
        }
    };
}

words! {
    /// What a manifest stands for.
    ImageKind {
        /// One runnable image.
        Image = "image",
        /// A list of images, one for each platform.
        Index = "index",
        /// Something else that registries carry: a chart, a signature, an attestation.
        Artifact = "artifact",
    }
}

words! {
    /// How far the scan of an image is.
    ImageState {
        /// Seen, not scanned.
        Pending = "pending",
        /// Scanned.
        Scanned = "scanned",
        /// Could not be scanned; the error says why.
        Failed = "failed",
    }
}

/// An image.
#[derive(Debug, Clone)]
pub struct Image {
    /// The digest of its manifest.
    pub digest: Digest,
    /// The manifest's media type.
    pub media_type: String,
    /// What it stands for.
    pub kind: ImageKind,
    /// How far its scan is.
    pub state: ImageState,
    /// Why it could not be scanned.
    pub error: Option<String>,
    /// When it was scanned for the first time; a later scan does not change this.
    pub first_scanned_at: Option<Timestamp>,
    /// When it was scanned last.
    pub scanned_at: Option<Timestamp>,
    /// What the scan found; empty until then.
    pub found: ScannedImage,
}

/// What a scan of an image found. Of an index, labels and names are those of its first image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScannedImage {
    /// The scanner and the rules that scanned it.
    pub scan_key: Option<Digest>,
    /// The digest of its configuration.
    pub config_digest: Option<Digest>,
    /// When it was built, by the word of its configuration.
    pub created_at: Option<Timestamp>,
    /// What it is built for.
    pub platform: Option<Platform>,
    /// The name of the service that it is, by its label.
    pub service_name: Option<String>,
    /// Where its source is, by its label.
    pub source_url: Option<String>,
    /// The commit it was built from, by its label.
    pub revision: Option<String>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// The part of its configuration that a runtime uses (entrypoint, environment, …), as JSON.
    pub config: serde_json::Value,
    /// Bytes of all layers as they are stored.
    pub compressed_bytes: u64,
    /// Bytes of all layers uncompressed.
    pub raw_bytes: u64,
    /// Its layers, lowest first; none of an index.
    pub layers: Vec<ImageLayer>,
    /// What an index lists, in its order.
    pub children: Vec<Child>,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayer {
    /// The digest as it is stored.
    pub digest: Digest,
    /// The digest uncompressed.
    pub diff_id: Option<Digest>,
    /// Its media type.
    pub media_type: String,
    /// Bytes as it is stored.
    pub size: u64,
    /// The command that made it, by the word of the configuration.
    pub created_by: Option<String>,
}

/// One manifest that an index lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it is for.
    pub platform: Option<Platform>,
}

/// A repository as a list of images shows it.
#[derive(Debug, Clone)]
pub struct ImageSummary {
    /// The repository.
    pub repository: RepositoryName,
    /// Tags that point somewhere.
    pub tags: u64,
    /// Images that were ever seen.
    pub images: u64,
    /// When a tag of it moved last.
    pub updated_at: Option<Timestamp>,
}

impl Image {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            digest: row.digest("digest")?,
            media_type: row.text("media_type")?,
            kind: row.parsed("kind")?,
            state: row.parsed("state")?,
            error: row.opt_text("error")?,
            first_scanned_at: row.opt_time("first_scanned_at")?,
            scanned_at: row.opt_time("scanned_at")?,
            found: ScannedImage::read(row)?,
        })
    }
}

impl ScannedImage {
    /// Reads the columns of the image itself, without its layers and children.
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            scan_key: row.opt_digest("scan_key")?,
            config_digest: row.opt_digest("config_digest")?,
            created_at: row.opt_time("created_at")?,
            platform: row.opt_parsed("platform")?,
            service_name: row.opt_text("service_name")?,
            source_url: row.opt_text("source_url")?,
            revision: row.opt_text("revision")?,
            labels: row.json("labels")?,
            config: row.json("config")?,
            compressed_bytes: row.count("compressed_bytes")?,
            raw_bytes: row.count("raw_bytes")?,
            layers: Vec::new(),
            children: Vec::new(),
        })
    }
}

impl Tx {
    /// Records that an image is in a repository; it waits for its scan unless it had one.
    pub async fn see_image(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
        media_type: &str,
        kind: ImageKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO image (digest, media_type, kind, state, labels, config, \
             compressed_bytes, raw_bytes, file_count) \
             VALUES ($1, $2, $3, 'pending', '{}', 'null', 0, 0, 0) \
             ON CONFLICT (digest) DO NOTHING")
        .bind(digest)
        .bind(media_type)
        .bind(kind.name());
        self.run(insert).await?;
        let link = sql("INSERT INTO repository_image (repository, digest, first_seen_at) \
             VALUES ($1, $2, $3) ON CONFLICT (repository, digest) DO NOTHING")
        .bind(repository)
        .bind(digest)
        .bind(now);
        self.run(link).await.map(|_| ())
    }

    /// Records why an image could not be scanned. What an earlier scan found stays.
    pub async fn image_failed(
        &mut self,
        digest: &Digest,
        error: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = sql("UPDATE image SET state = 'failed', error = $2, scanned_at = $3 \
             WHERE digest = $1")
        .bind(digest)
        .bind(error)
        .bind(now);
        self.run(update).await?;
        self.image_is_known(digest).await
    }

    /// Records what a scan of an image found, in place of what an earlier one did. Its layers must
    /// have been read, but for those whose bytes are not held, and its children scanned.
    pub async fn put_scanned_image(
        &mut self,
        digest: &Digest,
        kind: ImageKind,
        found: &ScannedImage,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for table in ["image_layer", "image_cover", "image_kept"] {
            let mut delete = sql("DELETE FROM ");
            delete.push(&format!("{table} WHERE image = ?"), [digest.into()]);
            self.run(delete).await?;
        }
        self.run(sql("DELETE FROM image_child WHERE parent = $1").bind(digest)).await?;
        self.put_parts(digest, found).await?;
        self.put_covers(digest, found.layers.len()).await?;
        self.put_kept(digest).await?;
        let files = self.count_files(digest).await?;
        let update = sql("UPDATE image SET kind = $2, state = 'scanned', error = NULL, \
             scan_key = $3, first_scanned_at = COALESCE(first_scanned_at, $4), scanned_at = $4, \
             config_digest = $5, created_at = $6, platform = $7, service_name = $8, \
             source_url = $9, revision = $10, labels = $11, config = $12, \
             compressed_bytes = $13, raw_bytes = $14, file_count = $15 WHERE digest = $1")
        .bind(digest)
        .bind(kind.name())
        .bind(found.scan_key)
        .bind(now)
        .bind(found.config_digest)
        .bind(found.created_at)
        .bind(found.platform.as_ref().map(ToString::to_string))
        .bind(found.service_name.as_deref())
        .bind(found.source_url.as_deref())
        .bind(found.revision.as_deref())
        .bind(json_text(&found.labels))
        .bind(json_text(&found.config))
        .bind(found.compressed_bytes)
        .bind(found.raw_bytes)
        .bind(files);
        self.run(update).await?;
        self.image_is_known(digest).await
    }

    async fn put_parts(&mut self, image: &Digest, found: &ScannedImage) -> Result<(), StoreError> {
        for (position, layer) in (0_u64..).zip(&found.layers) {
            let insert = sql("INSERT INTO image_layer \
                 (image, position, layer, diff_id, media_type, size, created_by) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(image)
            .bind(position)
            .bind(layer.digest)
            .bind(layer.diff_id)
            .bind(layer.media_type.as_str())
            .bind(layer.size)
            .bind(layer.created_by.as_deref());
            self.run(insert).await?;
        }
        for (position, child) in (0_u64..).zip(&found.children) {
            let insert = sql("INSERT INTO image_child \
                 (parent, position, digest, media_type, size, platform) \
                 VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(image)
            .bind(position)
            .bind(child.digest)
            .bind(child.media_type.as_str())
            .bind(child.size)
            .bind(child.platform.as_ref().map(ToString::to_string));
            self.run(insert).await?;
        }
        Ok(())
    }

    /// Works out what each layer of an image hides of those below it: whiteouts, opaque
    /// directories, and whatever stands where a lower layer has a directory.
    async fn put_covers(&mut self, image: &Digest, layers: usize) -> Result<(), StoreError> {
        if layers < 2 {
            return Ok(());
        }
        let marks = sql("SELECT l.position, f.path, f.kind FROM image_layer AS l \
             JOIN layer ON layer.digest = l.layer \
             JOIN layer_file AS f ON f.scan = layer.scan AND f.kind >= 7 \
             WHERE l.image = $1 AND l.position > 0")
        .bind(image);
        for row in self.all(marks).await? {
            let name = row.text("path")?;
            let (parent, base) = name.rsplit_once('/').unwrap_or(("", &name));
            let opaque = row.int("kind")? == i64::from(FileKind::Opaque as u8);
            let hidden = if opaque {
                parent.to_owned()
            } else {
                path::normalise(&format!("{parent}/{}", base.trim_start_matches(".wh.")))
            };
            self.put_cover(image, row.int("position")?, &hidden, opaque).await?;
        }
        let replaced = sql("SELECT DISTINCT upper.position, above.path FROM image_layer AS lower \
             JOIN layer AS lower_layer ON lower_layer.digest = lower.layer \
             JOIN layer_file AS below ON below.scan = lower_layer.scan AND below.kind = 1 \
             JOIN image_layer AS upper ON upper.image = lower.image \
               AND upper.position > lower.position \
             JOIN layer AS upper_layer ON upper_layer.digest = upper.layer \
             JOIN layer_file AS above ON above.scan = upper_layer.scan \
               AND above.path = below.path AND above.kind NOT IN (1, 7, 8) \
             WHERE lower.image = $1")
        .bind(image);
        for row in self.all(replaced).await? {
            self.put_cover(image, row.int("position")?, &row.text("path")?, true).await?;
        }
        Ok(())
    }

    async fn put_cover(
        &mut self,
        image: &Digest,
        position: i64,
        path: &str,
        opaque: bool,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO image_cover (image, position, path, opaque) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (image, position, path, opaque) DO NOTHING")
        .bind(image)
        .bind(position)
        .bind(path)
        .bind(opaque);
        self.run(insert).await.map(|_| ())
    }

    /// Writes down which kept files an image shows: its own, or those of an index's images.
    async fn put_kept(&mut self, image: &Digest) -> Result<(), StoreError> {
        let own = sql("INSERT INTO image_kept (image, path, layer, digest, size) \
             SELECT DISTINCT l.image, f.path, l.layer, f.digest, f.size FROM image_layer AS l \
             JOIN layer ON layer.digest = l.layer \
             JOIN layer_file AS f ON f.scan = layer.scan AND f.kept AND f.digest IS NOT NULL \
             WHERE l.image = $1 \
             AND NOT EXISTS (SELECT 1 FROM image_layer AS upper \
               JOIN layer AS top ON top.digest = upper.layer \
               JOIN layer_file AS other ON other.scan = top.scan AND other.path = f.path \
               WHERE upper.image = l.image AND upper.position > l.position) \
             AND NOT EXISTS (SELECT 1 FROM image_cover AS c \
               WHERE c.image = l.image AND c.position > l.position AND (c.path = '' \
               OR (c.path = f.path AND NOT c.opaque) \
               OR substr(f.path, 1, length(c.path) + 1) = c.path || '/'))")
        .bind(image);
        self.run(own).await?;
        let children = sql("INSERT INTO image_kept (image, path, layer, digest, size) \
             SELECT DISTINCT c.parent, k.path, k.layer, k.digest, k.size FROM image_child AS c \
             JOIN image_kept AS k ON k.image = c.digest WHERE c.parent = $1 \
             ON CONFLICT (image, path, layer) DO NOTHING")
        .bind(image);
        self.run(children).await.map(|_| ())
    }

    /// How many files, directories and links a container of this image sees; of an index, those of
    /// its first image that has any.
    async fn count_files(&mut self, image: &Digest) -> Result<u64, StoreError> {
        let own = sql("SELECT COUNT(*) AS files FROM (SELECT f.path, MAX(l.position) AS position \
             FROM image_layer AS l JOIN layer ON layer.digest = l.layer \
             JOIN layer_file AS f ON f.scan = layer.scan AND f.kind < 7 \
             WHERE l.image = $1 GROUP BY f.path) AS top \
             WHERE NOT EXISTS (SELECT 1 FROM image_cover AS c \
               WHERE c.image = $1 AND c.position > top.position AND (c.path = '' \
               OR (c.path = top.path AND NOT c.opaque) \
               OR substr(top.path, 1, length(c.path) + 1) = c.path || '/'))")
        .bind(image);
        let own = self.first(own).await?.map_or(Ok(0), |row| row.count("files"))?;
        if own > 0 {
            return Ok(own);
        }
        let child = sql("SELECT i.file_count AS files FROM image_child AS c \
             JOIN image AS i ON i.digest = c.digest WHERE c.parent = $1 AND i.file_count > 0 \
             ORDER BY c.position LIMIT 1")
        .bind(image);
        self.first(child).await?.map_or(Ok(0), |row| row.count("files"))
    }
}

impl Store {
    /// An image with its layers and children.
    pub async fn image(&self, digest: &Digest) -> Result<Option<Image>, StoreError> {
        let select = sql("SELECT * FROM image WHERE digest = $1").bind(digest);
        let Some(row) = self.first(select).await? else { return Ok(None) };
        let mut image = Image::read(&row)?;
        let layers =
            sql("SELECT * FROM image_layer WHERE image = $1 ORDER BY position").bind(digest);
        for row in self.all(layers).await? {
            image.found.layers.push(ImageLayer {
                digest: row.digest("layer")?,
                diff_id: row.opt_digest("diff_id")?,
                media_type: row.text("media_type")?,
                size: row.count("size")?,
                created_by: row.opt_text("created_by")?,
            });
        }
        let children =
            sql("SELECT * FROM image_child WHERE parent = $1 ORDER BY position").bind(digest);
        for row in self.all(children).await? {
            image.found.children.push(Child {
                digest: row.digest("digest")?,
                media_type: row.text("media_type")?,
                size: row.count("size")?,
                platform: row.opt_parsed("platform")?,
            });
        }
        Ok(Some(image))
    }

    /// How many files an image shows, as its scan counted them.
    pub async fn image_file_count(&self, digest: &Digest) -> Result<u64, StoreError> {
        let select = sql("SELECT file_count FROM image WHERE digest = $1").bind(digest);
        self.first(select).await?.map_or(Ok(0), |row| row.count("file_count"))
    }

    /// The repositories in which an image was seen.
    pub async fn repositories_of(
        &self,
        digest: &Digest,
    ) -> Result<Vec<RepositoryName>, StoreError> {
        let select = sql("SELECT repository FROM repository_image WHERE digest = $1 \
             ORDER BY repository")
        .bind(digest);
        self.all(select).await?.iter().map(|row| row.parsed("repository")).collect()
    }

    /// How many images have each of these layers, in the order of `layers`.
    pub async fn layer_sharing(&self, layers: &[Digest]) -> Result<Vec<u64>, StoreError> {
        let mut counts = Vec::with_capacity(layers.len());
        for chunk in layers.chunks(500) {
            let marks = vec!["?"; chunk.len()].join(", ");
            let mut select = sql("SELECT layer, COUNT(DISTINCT image) AS images FROM image_layer ");
            select.push(
                &format!("WHERE layer IN ({marks}) GROUP BY layer"),
                chunk.iter().map(Value::from),
            );
            let mut found = BTreeMap::new();
            for row in self.all(select).await? {
                found.insert(row.digest("layer")?, row.count("images")?);
            }
            counts.extend(chunk.iter().map(|layer| found.get(layer).copied().unwrap_or(0)));
        }
        Ok(counts)
    }

    /// Repositories whose names contain `contains`, by name.
    pub async fn image_summaries(
        &self,
        contains: &str,
        page: Page,
    ) -> Result<Paged<ImageSummary>, StoreError> {
        let pattern =
            format!("%{}%", contains.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let count = sql("SELECT COUNT(DISTINCT repository) AS total FROM repository_image \
             WHERE repository LIKE $1 ESCAPE '\\'")
        .bind(pattern.as_str());
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT r.repository, r.images, \
             (SELECT COUNT(*) FROM tag WHERE tag.repository = r.repository \
               AND digest IS NOT NULL) AS tags, \
             (SELECT MAX(at) FROM tag WHERE tag.repository = r.repository) AS updated_at \
             FROM (SELECT repository, COUNT(*) AS images FROM repository_image \
               WHERE repository LIKE $1 ESCAPE '\\' GROUP BY repository) AS r \
             ORDER BY r.repository LIMIT $2 OFFSET $3")
        .bind(pattern.as_str())
        .bind(page.limit)
        .bind(page.offset);
        let read = |row: &Row| {
            Ok(ImageSummary {
                repository: row.parsed("repository")?,
                tags: row.count("tags")?,
                images: row.count("images")?,
                updated_at: row.opt_time("updated_at")?,
            })
        };
        let items = self.all(select).await?.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }
}
