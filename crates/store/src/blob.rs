//! Blobs of the built-in registry: which exist, and which repositories may read them.

use portolan_model::{Digest, RepositoryName, Timestamp};

use crate::row::sql;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Keeps every other change of this blob out until this one is committed, so that its bytes
    /// and its row agree. SQLite has one writer, and so nothing to do.
    pub async fn lock_blob(&mut self, digest: &Digest) -> Result<(), StoreError> {
        if !self.is_postgres() {
            return Ok(());
        }
        let (first, _) = digest.as_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
        let key = i64::from_be_bytes(*first);
        self.all(sql("SELECT pg_advisory_xact_lock($1)").bind(key)).await.map(|_| ())
    }

    /// Records that the bytes of a blob are in place.
    pub async fn put_blob(
        &mut self,
        digest: &Digest,
        size: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO blob (digest, size, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT (digest) DO NOTHING")
        .bind(digest)
        .bind(size)
        .bind(now);
        self.run(insert).await.map(|_| ())
    }

    /// Lets `repository` read a blob, and restarts the time for which garbage collection leaves it
    /// alone. False where there is no such blob.
    pub async fn link_blob(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.ensure_repository(repository, now).await?;
        let insert = sql("INSERT INTO repository_blob (repository, digest, linked_at) \
             SELECT $1, digest, $3 FROM blob WHERE digest = $2 \
             ON CONFLICT (repository, digest) DO UPDATE SET linked_at = excluded.linked_at")
        .bind(repository)
        .bind(digest)
        .bind(now);
        Ok(self.run(insert).await? > 0)
    }

    /// Takes a blob out of one repository; false where it was not there.
    pub async fn unlink_blob(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM repository_blob WHERE repository = $1 AND digest = $2")
            .bind(repository)
            .bind(digest);
        Ok(self.run(delete).await? > 0)
    }

    /// Whether any repository may hold this blob: whether its bytes are wanted.
    pub async fn blob_exists(&mut self, digest: &Digest) -> Result<bool, StoreError> {
        let select = sql("SELECT 1 AS one FROM blob WHERE digest = $1").bind(digest);
        Ok(self.first(select).await?.is_some())
    }
}

impl Store {
    /// The size of a blob, and when it was last linked, where `repository` may read it.
    pub async fn repository_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<(u64, Timestamp)>, StoreError> {
        let select = sql("SELECT blob.size, link.linked_at FROM repository_blob AS link \
             JOIN blob ON blob.digest = link.digest \
             WHERE link.repository = $1 AND link.digest = $2")
        .bind(repository)
        .bind(digest);
        self.first(select)
            .await?
            .map(|row| Ok((row.count("size")?, row.time("linked_at")?)))
            .transpose()
    }

    /// The size of a blob, whoever may read it.
    pub async fn blob_size(&self, digest: &Digest) -> Result<Option<u64>, StoreError> {
        let select = sql("SELECT size FROM blob WHERE digest = $1").bind(digest);
        self.first(select).await?.map(|row| row.count("size")).transpose()
    }

    /// How many blobs there are, and their bytes together.
    pub async fn blob_totals(&self) -> Result<(u64, u64), StoreError> {
        let select = sql(
            "SELECT COUNT(*) AS blobs, CAST(COALESCE(SUM(size), 0) AS BIGINT) AS bytes FROM blob",
        );
        self.first(select)
            .await?
            .map_or(Ok((0, 0)), |row| Ok((row.count("blobs")?, row.count("bytes")?)))
    }
}
