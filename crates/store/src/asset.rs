//! Asset sets: what builds made for commits, as it was found where assets are kept.

use portolan_model::{CommitId, Digest, Timestamp};

use crate::bulk::statements;
use crate::page::{Page, Paged};
use crate::row::{Row, Value, sql, sql_made};
use crate::{Store, StoreError, Tx};

/// Sets that one statement is about at most.
const CHUNK: usize = 200;

/// Which way of keeping assets a set is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetLayout {
    /// Portolan's own: a manifest, and blobs by their digests.
    Portolan,
    /// That of s3-asset-manager: objects under `artifacts/COMMIT/`.
    Legacy,
}

/// What is known of whether a set is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetState {
    /// Its manifest names all of it.
    Complete,
    /// It has no manifest: what is there is there.
    Unproven,
    /// Its upload was begun, and has not ended.
    Incomplete,
    /// Its manifest is not believed: it is not signed as its scope asks, or says what cannot be.
    Refused,
}

/// What a build made for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetSet {
    /// The address of where it is kept, as in `s3://bucket/prefix`.
    pub bucket: String,
    /// What it is known by there: the key of its manifest, or the beginning of its objects' keys.
    pub key: String,
    /// Which way it is kept.
    pub layout: AssetLayout,
    /// The project; empty where the layout has none.
    pub project: String,
    /// The scope of trust in which it was written; empty where the layout has none.
    pub scope: String,
    /// The commit that it is for.
    pub commit: CommitId,
    /// The commit that it was built for: another one where the inputs of both are the same.
    pub built_commit: CommitId,
    /// Whether it is whole.
    pub state: AssetState,
    /// The hash of what went into the build.
    pub inputs: Option<String>,
    /// The key that signed it, where it was verified.
    pub signed_by: Option<String>,
    /// Who made it.
    pub made_by: Option<String>,
    /// The page of the build that made it.
    pub ci_url: Option<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// When it was looked at last.
    pub seen_at: Timestamp,
    /// How many files it has.
    pub files: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// A file of an asset set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its path in the set.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// The digest of its contents, where that is known.
    pub digest: Option<Digest>,
}

/// Which asset sets are wanted. The default wants all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// Only for commits whose names begin with these digits.
    pub commit: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this scope.
    pub scope: Option<String>,
    /// Only those that have a file of these contents.
    pub digest: Option<Digest>,
}

impl AssetLayout {
    /// Its name: `portolan` or `legacy`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portolan => "portolan",
            Self::Legacy => "legacy",
        }
    }
}

impl AssetState {
    /// Its name: `complete`, `unproven`, `incomplete` or `refused`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Unproven => "unproven",
            Self::Incomplete => "incomplete",
            Self::Refused => "refused",
        }
    }
}

impl std::str::FromStr for AssetLayout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Portolan, Self::Legacy]
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| format!("`{text}` is no layout of assets"))
    }
}

impl std::str::FromStr for AssetState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Complete, Self::Unproven, Self::Incomplete, Self::Refused]
            .into_iter()
            .find(|it| it.name() == text)
            .ok_or_else(|| format!("`{text}` is no state of an asset set"))
    }
}

impl AssetSet {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            bucket: row.text("bucket")?,
            key: row.text("key")?,
            layout: row.parsed("layout")?,
            project: row.text("project")?,
            scope: row.text("scope")?,
            commit: row.parsed("commit_id")?,
            built_commit: row.parsed("built_commit")?,
            state: row.parsed("state")?,
            inputs: row.opt_text("inputs")?,
            signed_by: row.opt_text("signed_by")?,
            made_by: row.opt_text("made_by")?,
            ci_url: row.opt_text("ci_url")?,
            made_at: row.time("made_at")?,
            seen_at: row.time("seen_at")?,
            files: row.count("files")?,
            bytes: row.count("bytes")?,
        })
    }
}

impl Tx {
    /// Remembers an asset set with its files, in place of what was known of it.
    pub async fn see_assets(&mut self, set: &AssetSet, files: &[Asset]) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO asset_set (bucket, key, layout, project, scope, commit_id, \
             built_commit, state, inputs, signed_by, made_by, ci_url, made_at, seen_at, files, bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
             ON CONFLICT (bucket, key) DO UPDATE SET layout = excluded.layout, \
             project = excluded.project, scope = excluded.scope, commit_id = excluded.commit_id, \
             built_commit = excluded.built_commit, state = excluded.state, \
             inputs = excluded.inputs, signed_by = excluded.signed_by, \
             made_by = excluded.made_by, ci_url = excluded.ci_url, made_at = excluded.made_at, \
             seen_at = excluded.seen_at, files = excluded.files, bytes = excluded.bytes")
        .bind(set.bucket.as_str())
        .bind(set.key.as_str())
        .bind(set.layout.name())
        .bind(set.project.as_str())
        .bind(set.scope.as_str())
        .bind(set.commit.as_str())
        .bind(set.built_commit.as_str())
        .bind(set.state.name())
        .bind(set.inputs.as_deref())
        .bind(set.signed_by.as_deref())
        .bind(set.made_by.as_deref())
        .bind(set.ci_url.as_deref())
        .bind(set.made_at)
        .bind(set.seen_at)
        .bind(set.files)
        .bind(set.bytes);
        self.run(upsert).await?;
        let delete = sql("DELETE FROM asset WHERE bucket = $1 AND key = $2")
            .bind(set.bucket.as_str())
            .bind(set.key.as_str());
        self.run(delete).await?;
        let row = |file: &Asset| -> Vec<Value> {
            vec![
                set.bucket.as_str().into(),
                set.key.as_str().into(),
                file.path.as_str().into(),
                file.size.into(),
                file.digest.into(),
            ]
        };
        let rows = files.iter().map(row).collect();
        let insert = "INSERT INTO asset (bucket, key, path, size, digest) VALUES";
        for insert in statements(insert, rows, "ON CONFLICT (bucket, key, path) DO NOTHING") {
            self.run(insert).await?;
        }
        Ok(())
    }

    /// Forgets an asset set: it is not there any more. False where it was not known.
    pub async fn forget_assets(&mut self, bucket: &str, key: &str) -> Result<bool, StoreError> {
        let delete =
            sql("DELETE FROM asset_set WHERE bucket = $1 AND key = $2").bind(bucket).bind(key);
        Ok(self.run(delete).await? == 1)
    }

    /// Remembers that these asset sets of a bucket were still there at `moment`.
    pub async fn assets_still_there(
        &mut self,
        bucket: &str,
        keys: &[String],
        moment: Timestamp,
    ) -> Result<(), StoreError> {
        for chunk in keys.chunks(CHUNK) {
            let update = sql("UPDATE asset_set SET seen_at = $1 WHERE bucket = $2 AND key IN (");
            let mut update = update.bind(moment).bind(bucket);
            let marks = vec!["?"; chunk.len()].join(", ");
            update.push(&format!("{marks})"), chunk.iter().map(|key| Value::from(key.as_str())));
            self.run(update).await?;
        }
        Ok(())
    }

    /// Forgets the asset sets of a bucket that were last seen before `moment`: a look through all of
    /// it did not find them. How many there were.
    pub async fn forget_assets_unseen(
        &mut self,
        bucket: &str,
        moment: Timestamp,
    ) -> Result<u64, StoreError> {
        let delete = sql("DELETE FROM asset_set WHERE bucket = $1 AND seen_at < $2")
            .bind(bucket)
            .bind(moment);
        self.run(delete).await
    }
}

impl Store {
    /// Asset sets, newest first.
    pub async fn asset_sets(
        &self,
        filter: &AssetFilter,
        page: Page,
    ) -> Result<Paged<AssetSet>, StoreError> {
        const WHERE: &str = "FROM asset_set AS s WHERE ($1 IS NULL OR (s.commit_id >= $1 AND \
             s.commit_id < $2)) AND ($3 IS NULL OR s.project = $3) AND ($4 IS NULL OR s.scope = $4) \
             AND ($5 IS NULL OR EXISTS (SELECT 1 FROM asset AS a WHERE a.bucket = s.bucket \
             AND a.key = s.key AND a.digest = $5))";
        let beginning = filter.commit.as_ref().map(|digits| digits.to_ascii_lowercase());
        // `g` comes after every digit.
        let end = beginning.as_ref().map(|digits| format!("{digits}g"));
        let bound = |text: &str| {
            sql_made(text.to_owned())
                .bind(beginning.as_deref())
                .bind(end.as_deref())
                .bind(filter.project.as_deref())
                .bind(filter.scope.as_deref())
                .bind(filter.digest)
        };
        let count = bound(&format!("SELECT COUNT(*) AS total {WHERE}"));
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let select = bound(&format!(
            "SELECT s.* {WHERE} ORDER BY s.made_at DESC, s.bucket, s.key LIMIT $6 OFFSET $7"
        ))
        .bind(page.limit)
        .bind(page.offset);
        let items = self.all(select).await?.iter().map(AssetSet::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// The keys of the asset sets of a bucket that need not be read again: ours that are whole, which
    /// are written once, and those of s3-asset-manager that nobody has written to since `moment`.
    pub async fn settled_assets(
        &self,
        bucket: &str,
        moment: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let select = sql("SELECT key FROM asset_set WHERE bucket = $1 AND \
             (state = 'complete' AND layout = 'portolan' OR \
             state IN ('complete', 'unproven') AND made_at < $2)")
        .bind(bucket)
        .bind(moment);
        self.all(select).await?.iter().map(|row| row.text("key")).collect()
    }

    /// The files of an asset set, by path.
    pub async fn assets(&self, set: &AssetSet) -> Result<Vec<Asset>, StoreError> {
        let select = sql("SELECT * FROM asset WHERE bucket = $1 AND key = $2 ORDER BY path")
            .bind(set.bucket.as_str())
            .bind(set.key.as_str());
        let read = |row: &Row| {
            Ok(Asset {
                path: row.text("path")?,
                size: row.count("size")?,
                digest: row.opt_digest("digest")?,
            })
        };
        self.all(select).await?.iter().map(read).collect()
    }
}
