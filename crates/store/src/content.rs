//! Contents of the files that were kept, once each whatever the number of layers that hold them.

use portolan_model::Digest;

use crate::row::sql;
use crate::{Store, StoreError, Tx};

impl Tx {
    /// Keeps the contents of a file.
    pub async fn put_content(&mut self, digest: &Digest, bytes: Vec<u8>) -> Result<(), StoreError> {
        let size = bytes.len() as u64;
        let insert = sql("INSERT INTO file_content (digest, size, bytes) VALUES ($1, $2, $3) \
             ON CONFLICT (digest) DO NOTHING")
        .bind(digest)
        .bind(size)
        .bind(bytes);
        self.run(insert).await.map(|_| ())
    }

    /// Forgets contents that no layer refers to; how many.
    pub async fn remove_orphan_contents(&mut self) -> Result<u64, StoreError> {
        self.run(sql("DELETE FROM file_content WHERE digest NOT IN \
             (SELECT digest FROM layer_file WHERE kept AND digest IS NOT NULL)"))
            .await
    }
}

impl Store {
    /// The contents of a file that was kept.
    pub async fn content(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let select = sql("SELECT bytes FROM file_content WHERE digest = $1").bind(digest);
        self.first(select).await?.map(|row| row.bytes("bytes")).transpose()
    }
}
