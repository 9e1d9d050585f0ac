//! Where something is: what the search box of the pages asks.

use portolan_model::{Digest, RepositoryName};

use crate::page::{Page, Paged};
use crate::row::{Row, sql};
use crate::tag::TagPointer;
use crate::{Store, StoreError};

/// An image at a place where it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The repository.
    pub repository: RepositoryName,
    /// The image.
    pub digest: Digest,
}

impl Placed {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { repository: row.parsed("repository")?, digest: row.digest("digest")? })
    }
}

/// The text after every text that starts with `prefix`, in byte order of ASCII texts.
fn after(prefix: &str) -> String {
    format!("{prefix}\u{7f}")
}

impl Store {
    /// Images that have this layer, with the repositories they are in; by repository.
    pub async fn images_with_layer(
        &self,
        layer: &Digest,
        page: Page,
    ) -> Result<Paged<Placed>, StoreError> {
        let count = sql("SELECT COUNT(*) AS total FROM (SELECT DISTINCT r.repository, r.digest \
             FROM image_layer AS l JOIN repository_image AS r ON r.digest = l.image \
             WHERE l.layer = $1) AS found")
        .bind(layer);
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = sql("SELECT DISTINCT r.repository, r.digest FROM image_layer AS l \
             JOIN repository_image AS r ON r.digest = l.image WHERE l.layer = $1 \
             ORDER BY r.repository, r.digest LIMIT $2 OFFSET $3")
        .bind(layer)
        .bind(page.limit)
        .bind(page.offset);
        let items = self.all(select).await?.iter().map(Placed::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// Images whose digests are from `first` to `last`, both included, with the repositories they
    /// are in: those that a shortened digest may mean.
    pub async fn images_between(
        &self,
        first: &Digest,
        last: &Digest,
        limit: u64,
    ) -> Result<Vec<Placed>, StoreError> {
        let select = sql("SELECT repository, digest FROM repository_image \
             WHERE digest >= $1 AND digest <= $2 ORDER BY digest, repository LIMIT $3")
        .bind(first)
        .bind(last)
        .bind(limit);
        self.all(select).await?.iter().map(Placed::read).collect()
    }

    /// Images whose revision label starts with `commit`, with the repositories they are in.
    pub async fn images_of_commit(
        &self,
        commit: &str,
        limit: u64,
    ) -> Result<Vec<Placed>, StoreError> {
        let select = sql("SELECT r.repository, r.digest FROM image AS i \
             JOIN repository_image AS r ON r.digest = i.digest \
             WHERE i.revision >= $1 AND i.revision < $2 \
             ORDER BY r.repository, r.digest LIMIT $3")
        .bind(commit)
        .bind(after(commit))
        .bind(limit);
        self.all(select).await?.iter().map(Placed::read).collect()
    }

    /// Tags of all repositories that contain `contains` and point somewhere, moved last first.
    pub async fn tags_containing(
        &self,
        contains: &str,
        limit: u64,
    ) -> Result<Vec<TagPointer>, StoreError> {
        let pattern =
            format!("%{}%", contains.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
        let select =
            sql("SELECT * FROM tag WHERE digest IS NOT NULL AND name LIKE $1 ESCAPE '\\' \
             ORDER BY at DESC, repository, name LIMIT $2")
            .bind(pattern)
            .bind(limit);
        self.all(select).await?.iter().map(TagPointer::read).collect()
    }
}
