//! Manifests of the built-in registry.

use portolan_model::{Digest, RepositoryName, Timestamp};

use crate::row::{Row, json_text, sql};
use crate::{Store, StoreError, Tx};

/// A manifest that was checked and is to be kept.
#[derive(Debug, Clone)]
pub struct NewManifest {
    /// The digest of `bytes`.
    pub digest: Digest,
    /// Its media type, as `Content-Type`.
    pub media_type: String,
    /// Exactly what was pushed.
    pub bytes: Vec<u8>,
    /// What it is about, where it names a subject.
    pub subject: Option<Digest>,
    /// Its artifact type (an image's is its configuration's media type), for lists of referrers.
    pub artifact_type: Option<String>,
    /// Its annotations, for lists of referrers.
    pub annotations: serde_json::Map<String, serde_json::Value>,
    /// What it is made of.
    pub parts: Vec<ManifestPart>,
}

/// Something that a manifest refers to and that must not go before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManifestPart {
    /// What is referred to.
    pub digest: Digest,
    /// Whether it is a manifest, and not a blob.
    pub is_manifest: bool,
}

/// A manifest as it is kept.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// The digest of `bytes`.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Exactly what was pushed.
    pub bytes: Vec<u8>,
}

/// A manifest that names another as its subject.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// The manifest.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its artifact type.
    pub artifact_type: Option<String>,
    /// Its annotations.
    pub annotations: serde_json::Map<String, serde_json::Value>,
}

impl StoredManifest {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            digest: row.digest("digest")?,
            media_type: row.text("media_type")?,
            bytes: row.bytes("bytes")?,
        })
    }
}

impl Tx {
    /// Keeps a manifest in a repository.
    pub async fn put_manifest(
        &mut self,
        repository: &RepositoryName,
        manifest: &NewManifest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.ensure_repository(repository, now).await?;
        let insert = sql("INSERT INTO manifest \
             (digest, media_type, bytes, subject, artifact_type, annotations, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (digest) DO NOTHING")
        .bind(manifest.digest)
        .bind(manifest.media_type.as_str())
        .bind(manifest.bytes.as_slice())
        .bind(manifest.subject)
        .bind(manifest.artifact_type.as_deref())
        .bind(json_text(&manifest.annotations))
        .bind(now);
        if self.run(insert).await? == 1 {
            for part in &manifest.parts {
                let insert = sql("INSERT INTO manifest_part (manifest, part, is_manifest) \
                     VALUES ($1, $2, $3) ON CONFLICT (manifest, part) DO NOTHING")
                .bind(manifest.digest)
                .bind(part.digest)
                .bind(part.is_manifest);
                self.run(insert).await?;
            }
        }
        let link = sql("INSERT INTO repository_manifest (repository, digest, pushed_at) \
             VALUES ($1, $2, $3) \
             ON CONFLICT (repository, digest) DO UPDATE SET pushed_at = excluded.pushed_at")
        .bind(repository)
        .bind(manifest.digest)
        .bind(now);
        self.run(link).await.map(|_| ())
    }

    /// Which of `parts` this repository does not hold.
    pub async fn missing_parts(
        &mut self,
        repository: &RepositoryName,
        parts: &[ManifestPart],
    ) -> Result<Vec<ManifestPart>, StoreError> {
        let mut missing = Vec::new();
        for part in parts {
            let select = if part.is_manifest {
                sql(
                    "SELECT 1 AS one FROM repository_manifest WHERE repository = $1 AND digest = $2",
                )
            } else {
                sql("SELECT 1 AS one FROM repository_blob WHERE repository = $1 AND digest = $2")
            };
            if self.first(select.bind(repository).bind(part.digest)).await?.is_none() {
                missing.push(*part);
            }
        }
        Ok(missing)
    }

    /// Takes a manifest, and every tag that points to it, out of a repository; the tags that went,
    /// or none where the manifest was not there.
    pub async fn remove_manifest(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let delete = sql("DELETE FROM repository_manifest WHERE repository = $1 AND digest = $2")
            .bind(repository)
            .bind(digest);
        if self.run(delete).await? == 0 {
            return Ok(None);
        }
        let delete = sql("DELETE FROM registry_tag WHERE repository = $1 AND digest = $2 \
             RETURNING name")
        .bind(repository)
        .bind(digest);
        self.all(delete)
            .await?
            .iter()
            .map(|row| row.text("name"))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

impl Store {
    /// A manifest of a repository by its digest.
    pub async fn manifest(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<StoredManifest>, StoreError> {
        let select =
            sql("SELECT m.digest, m.media_type, m.bytes FROM repository_manifest AS link \
             JOIN manifest AS m ON m.digest = link.digest \
             WHERE link.repository = $1 AND link.digest = $2")
            .bind(repository)
            .bind(digest);
        self.first(select).await?.as_ref().map(StoredManifest::read).transpose()
    }

    /// Manifests of a repository whose subject is `subject`, in the order of their digests.
    pub async fn referrers(
        &self,
        repository: &RepositoryName,
        subject: &Digest,
    ) -> Result<Vec<Referrer>, StoreError> {
        let select =
            sql("SELECT m.digest, m.media_type, CAST(length(m.bytes) AS BIGINT) AS size, \
             m.artifact_type, m.annotations FROM manifest AS m \
             JOIN repository_manifest AS link ON link.digest = m.digest AND link.repository = $1 \
             WHERE m.subject = $2 ORDER BY m.digest LIMIT 10000")
            .bind(repository)
            .bind(subject);
        let read = |row: &Row| {
            Ok(Referrer {
                digest: row.digest("digest")?,
                media_type: row.text("media_type")?,
                size: row.count("size")?,
                artifact_type: row.opt_text("artifact_type")?,
                annotations: row.json("annotations")?,
            })
        };
        self.all(select).await?.iter().map(read).collect()
    }
}
