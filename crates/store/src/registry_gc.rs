//! Garbage of the built-in registry: what no manifest refers to and nobody touched of late.

use portolan_model::{Digest, Timestamp};

use crate::row::sql;
use crate::{Store, StoreError, Tx};

/// A blob that nothing refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreferenced {
    /// The blob.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Tx {
    /// Takes out of their repositories the manifests that no tag, no index and no subject keeps and
    /// that were pushed before `before`; how many.
    pub async fn remove_untagged_manifests(
        &mut self,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM repository_manifest WHERE pushed_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM registry_tag AS t \
               WHERE t.repository = repository_manifest.repository \
               AND t.digest = repository_manifest.digest) \
             AND NOT EXISTS (SELECT 1 FROM manifest_part AS p JOIN repository_manifest AS parent \
               ON parent.digest = p.manifest AND parent.repository = repository_manifest.repository \
               WHERE p.part = repository_manifest.digest) \
             AND NOT EXISTS (SELECT 1 FROM manifest AS m JOIN repository_manifest AS s \
               ON s.digest = m.subject AND s.repository = repository_manifest.repository \
               WHERE m.digest = repository_manifest.digest)")
        .bind(before);
        self.run(delete).await
    }

    /// Forgets manifests that are in no repository; how many.
    pub async fn remove_orphan_manifests(&mut self) -> Result<u64, StoreError> {
        let orphan = "NOT EXISTS (SELECT 1 FROM repository_manifest AS link WHERE link.digest =";
        let mut parts = sql("DELETE FROM manifest_part WHERE ");
        parts.push(&format!("{orphan} manifest_part.manifest)"), []);
        self.run(parts).await?;
        let mut manifests = sql("DELETE FROM manifest WHERE ");
        manifests.push(&format!("{orphan} manifest.digest)"), []);
        self.run(manifests).await
    }

    /// Takes blobs out of repositories in which no manifest refers to them and where they were
    /// linked before `before`.
    pub async fn unlink_unreferenced_blobs(
        &mut self,
        before: Timestamp,
    ) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM repository_blob WHERE linked_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM manifest_part AS p JOIN repository_manifest AS link \
              ON link.digest = p.manifest AND link.repository = repository_blob.repository \
              WHERE p.part = repository_blob.digest)")
        .bind(before);
        self.run(delete).await
    }

    /// Forgets blobs that are in no repository and were made before `before`. Their bytes are to be
    /// removed after this is committed, each under [`Tx::lock_blob`] and only while
    /// [`Tx::blob_exists`] says no: a push may bring one back at any moment.
    pub async fn remove_unlinked_blobs(
        &mut self,
        before: Timestamp,
    ) -> Result<Vec<Unreferenced>, StoreError> {
        let delete = sql("DELETE FROM blob WHERE created_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM repository_blob AS link WHERE link.digest = blob.digest) \
             RETURNING digest, size")
        .bind(before);
        self.all(delete)
            .await?
            .iter()
            .map(|row| Ok(Unreferenced { digest: row.digest("digest")?, size: row.count("size")? }))
            .collect()
    }
}

impl Store {
    /// What [`Tx::remove_unlinked_blobs`] would remove after
    /// [`Tx::unlink_unreferenced_blobs`], changing nothing: the plan of a collection. Manifests
    /// that a collection would take first are counted as staying.
    pub async fn unreferenced_blobs(
        &self,
        before: Timestamp,
    ) -> Result<Vec<Unreferenced>, StoreError> {
        let select = sql("SELECT digest, size FROM blob WHERE created_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM repository_blob AS link WHERE link.digest = blob.digest \
              AND (link.linked_at >= $1 OR EXISTS \
                (SELECT 1 FROM manifest_part AS p JOIN repository_manifest AS m \
                 ON m.digest = p.manifest AND m.repository = link.repository \
                 WHERE p.part = link.digest))) ORDER BY digest")
        .bind(before);
        self.all(select)
            .await?
            .iter()
            .map(|row| Ok(Unreferenced { digest: row.digest("digest")?, size: row.count("size")? }))
            .collect()
    }
}
