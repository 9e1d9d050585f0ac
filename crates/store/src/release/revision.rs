//! Which images were built from a commit.

use std::collections::HashMap;

use portolan_model::{Digest, RepositoryName, Tag};

use crate::row::{Row, Value, sql};
use crate::{Store, StoreError};

/// Images of a repository that are looked at for one commit at most.
const MOST: u64 = 50;

/// An image, and the commit that it says it was built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The image.
    pub digest: Digest,
    /// A tag that points to it.
    pub tag: Tag,
    /// The commit, where it is known.
    pub revision: Option<String>,
}

impl Built {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            digest: row.digest("digest")?,
            tag: row.parsed("name")?,
            revision: row.opt_text("revision")?,
        })
    }
}

impl Store {
    /// Images of `repository` that say they were built from the commit whose name begins with
    /// `revision`, under the tags that point to them; the newest tag first.
    pub async fn images_built_from(
        &self,
        repository: &RepositoryName,
        revision: &str,
    ) -> Result<Vec<Built>, StoreError> {
        // A commit's name is hexadecimal, so that none of these is a pattern.
        let pattern: String = revision.chars().filter(char::is_ascii_hexdigit).collect();
        let select = sql("SELECT tag.digest, tag.name, image.revision FROM tag \
             JOIN image ON image.digest = tag.digest \
             WHERE tag.repository = $1 AND image.revision LIKE $2 \
             ORDER BY tag.at DESC, tag.name LIMIT $3")
        .bind(repository)
        .bind(format!("{pattern}%"))
        .bind(MOST);
        self.all(select).await?.iter().map(Built::read).collect()
    }

    /// The commits that these images were built from: as they say themselves, else as releases that
    /// have them say.
    pub async fn revisions_of(
        &self,
        digests: &[Digest],
    ) -> Result<HashMap<Digest, String>, StoreError> {
        let mut found = HashMap::new();
        for chunk in digests.chunks(500) {
            // What comes later counts.
            for said in [
                "SELECT digest, MIN(revision) AS revision FROM release_image \
                 WHERE revision IS NOT NULL AND digest IN (",
                "SELECT digest, MIN(revision) AS revision FROM image \
                 WHERE revision IS NOT NULL AND digest IN (",
            ] {
                let mut select = sql(said);
                let marks = vec!["?"; chunk.len()].join(", ");
                let end = format!("{marks}) GROUP BY digest");
                select.push(&end, chunk.iter().map(Value::from));
                for row in self.all(select).await? {
                    found.insert(row.digest("digest")?, row.text("revision")?);
                }
            }
        }
        Ok(found)
    }
}
