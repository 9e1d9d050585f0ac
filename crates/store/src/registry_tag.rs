//! Tags of the built-in registry: what it answers for a name. Their history is the catalogue's.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use crate::manifest::StoredManifest;
use crate::row::sql;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Points a tag of a repository to a manifest that is there.
    pub async fn put_registry_tag(
        &mut self,
        repository: &RepositoryName,
        tag: &Tag,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO registry_tag (repository, name, digest, updated_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (repository, name) DO UPDATE \
             SET digest = excluded.digest, updated_at = excluded.updated_at")
        .bind(repository)
        .bind(tag)
        .bind(digest)
        .bind(now);
        self.run(upsert).await.map(|_| ())
    }

    /// Removes a tag; false where it was not there.
    pub async fn remove_registry_tag(
        &mut self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM registry_tag WHERE repository = $1 AND name = $2")
            .bind(repository)
            .bind(tag);
        Ok(self.run(delete).await? > 0)
    }
}

impl Store {
    /// The manifest that a tag of a repository points to.
    pub async fn tagged_manifest(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<StoredManifest>, StoreError> {
        let select = sql("SELECT m.digest, m.media_type, m.bytes FROM registry_tag AS t \
             JOIN manifest AS m ON m.digest = t.digest WHERE t.repository = $1 AND t.name = $2")
        .bind(repository)
        .bind(tag);
        let Some(row) = self.first(select).await? else { return Ok(None) };
        Ok(Some(StoredManifest {
            digest: row.digest("digest")?,
            media_type: row.text("media_type")?,
            bytes: row.bytes("bytes")?,
        }))
    }

    /// The digest that a tag of a repository points to.
    pub async fn registry_tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<Digest>, StoreError> {
        let select = sql("SELECT digest FROM registry_tag WHERE repository = $1 AND name = $2")
            .bind(repository)
            .bind(tag);
        self.first(select).await?.map(|row| row.digest("digest")).transpose()
    }

    /// Tags of a repository in byte order, after `last`.
    pub async fn registry_tags(
        &self,
        repository: &RepositoryName,
        last: Option<&str>,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let select = sql("SELECT name FROM registry_tag WHERE repository = $1 AND name > $2 \
             ORDER BY name LIMIT $3")
        .bind(repository)
        .bind(last.unwrap_or(""))
        .bind(limit);
        self.all(select).await?.iter().map(|row| row.text("name")).collect()
    }
}
