//! Tags as the catalogue knows them: where each points now, and where it pointed before.
//!
//! Every move is kept as a point in time, so that the same moves in any order give the same
//! answer for every moment.

use portolan_model::{Digest, EventId, RepositoryName, Tag, Timestamp};

use crate::page::{Page, Paged};
use crate::row::{Row, Value, sql};
use crate::{Store, StoreError, Tx};

/// Where a tag points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagPointer {
    /// The repository.
    pub repository: RepositoryName,
    /// The tag.
    pub tag: Tag,
    /// What it points to.
    pub digest: Digest,
    /// Since when.
    pub since: Timestamp,
}

/// One move of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMove {
    /// Where it pointed from then on; none where the tag was deleted.
    pub digest: Option<Digest>,
    /// From when.
    pub from: Timestamp,
    /// Until when; none where it still points there.
    pub to: Option<Timestamp>,
}

impl TagPointer {
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            repository: row.parsed("repository")?,
            tag: row.parsed("name")?,
            digest: row.digest("digest")?,
            since: row.time("at")?,
        })
    }
}

impl Tx {
    /// Records that a tag points to `digest`, or to nothing, since `at`, by the word of `event`.
    /// A move that happened before the newest known one changes the history alone.
    pub async fn move_tag(
        &mut self,
        repository: &RepositoryName,
        tag: &Tag,
        digest: Option<Digest>,
        at: Timestamp,
        event: EventId,
    ) -> Result<(), StoreError> {
        let point = sql("INSERT INTO tag_event (repository, name, at, event, digest) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (repository, name, at, event) DO NOTHING")
        .bind(repository)
        .bind(tag)
        .bind(at)
        .bind(event.to_string())
        .bind(digest);
        self.run(point).await?;
        let pointer = sql("INSERT INTO tag (repository, name, digest, at, event) \
             VALUES ($1, $2, $5, $3, $4) ON CONFLICT (repository, name) DO UPDATE \
             SET digest = excluded.digest, at = excluded.at, event = excluded.event \
             WHERE excluded.at > tag.at OR (excluded.at = tag.at AND excluded.event > tag.event)")
        .bind(repository)
        .bind(tag)
        .bind(at)
        .bind(event.to_string())
        .bind(digest);
        self.run(pointer).await?;
        self.tag_has_moved(repository, tag).await
    }

    /// The tags of `repository` that point to `digest`.
    pub async fn tags_pointing_to(
        &mut self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<Tag>, StoreError> {
        let select =
            sql("SELECT name FROM tag WHERE repository = $1 AND digest = $2 ORDER BY name")
                .bind(repository)
                .bind(digest);
        self.all(select).await?.iter().map(|row| row.parsed("name")).collect()
    }
}

impl Store {
    /// Where one tag points.
    pub async fn tag(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Option<TagPointer>, StoreError> {
        let select = sql("SELECT * FROM tag \
             WHERE repository = $1 AND name = $2 AND digest IS NOT NULL")
        .bind(repository)
        .bind(tag);
        self.first(select).await?.as_ref().map(TagPointer::read).transpose()
    }

    /// Tags of all repositories, or of one, that point somewhere; by repository, then by name.
    pub async fn tags(
        &self,
        repository: Option<&RepositoryName>,
        page: Page,
    ) -> Result<Paged<TagPointer>, StoreError> {
        let total = self.tag_count(repository).await?;
        let mut select =
            sql("SELECT repository, name, digest, at FROM tag WHERE digest IS NOT NULL");
        if let Some(name) = repository {
            select.push(" AND repository = ?", [Value::from(name)]);
        }
        select.push(
            " ORDER BY repository, name LIMIT ? OFFSET ?",
            [page.limit.into(), page.offset.into()],
        );
        let items =
            self.all(select).await?.iter().map(TagPointer::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// How many tags, of all repositories or of one, point somewhere.
    pub async fn tag_count(&self, repository: Option<&RepositoryName>) -> Result<u64, StoreError> {
        let mut count = sql("SELECT COUNT(*) AS total FROM tag WHERE digest IS NOT NULL");
        if let Some(name) = repository {
            count.push(" AND repository = ?", [Value::from(name)]);
        }
        self.first(count).await?.map_or(Ok(0), |row| row.count("total"))
    }

    /// The tags that point to `digest`, in every repository.
    pub async fn tags_of(&self, digest: &Digest) -> Result<Vec<TagPointer>, StoreError> {
        let select =
            sql("SELECT * FROM tag WHERE digest = $1 ORDER BY repository, name").bind(digest);
        self.all(select).await?.iter().map(TagPointer::read).collect()
    }

    /// Where a tag pointed over time, newest first. Moves to where it already pointed are one.
    pub async fn tag_history(
        &self,
        repository: &RepositoryName,
        tag: &Tag,
    ) -> Result<Vec<TagMove>, StoreError> {
        let select = sql("SELECT at, digest FROM tag_event WHERE repository = $1 AND name = $2 \
             ORDER BY at, event")
        .bind(repository)
        .bind(tag);
        let mut moves: Vec<TagMove> = Vec::new();
        for row in self.all(select).await? {
            let (from, digest) = (row.time("at")?, row.opt_digest("digest")?);
            if let Some(last) = moves.last_mut() {
                if last.digest == digest {
                    continue;
                }
                last.to = Some(from);
            }
            moves.push(TagMove { digest, from, to: None });
        }
        moves.reverse();
        Ok(moves)
    }
}
