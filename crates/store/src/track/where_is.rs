//! From a fact about an image to what runs it: which images fit, and which tasks run them.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use super::deployment::Deployment;
use super::task::Task;
use crate::row::{Query, Row, Value, sql};
use crate::{Store, StoreError};

/// Values bound in one statement at most.
const CHUNK: usize = 500;

/// Tasks of an environment at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskTotals {
    /// The environment's name.
    pub environment: String,
    /// Tasks that run.
    pub running: u64,
    /// Services that have one.
    pub services: u64,
    /// Tasks that are there and whose image is not known.
    pub held: u64,
}

/// What an image says of where it came from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The commit that it was built from.
    pub revision: Option<String>,
    /// Where its source is.
    pub source_url: Option<String>,
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn pairs(query: &mut Query, pairs: &[(String, String)]) {
    let values = pairs.iter().flat_map(|(one, other)| [one.as_str().into(), other.as_str().into()]);
    query.push(&vec!["(?, ?)"; pairs.len()].join(", "), values);
}

impl Store {
    /// Of each environment that has any, its tasks at `at`; by environment.
    pub async fn task_totals(&self, at: Timestamp) -> Result<Vec<TaskTotals>, StoreError> {
        let runs = "service IS NOT NULL AND running_at <= $1 AND stopping_at > $1";
        let mut select = sql("SELECT environment, ");
        select.push(
            &format!(
                "COUNT(DISTINCT CASE WHEN {runs} THEN id END) AS running, \
                 COUNT(DISTINCT CASE WHEN {runs} THEN service END) AS services, \
                 COUNT(DISTINCT CASE WHEN service IS NULL THEN id END) AS held \
                 FROM task WHERE ended_at > $1 AND pending_at <= $1 \
                 GROUP BY environment ORDER BY environment"
            ),
            [],
        );
        let read = |row: &Row| {
            Ok(TaskTotals {
                environment: row.text("environment")?,
                running: row.count("running")?,
                services: row.count("services")?,
                held: row.count("held")?,
            })
        };
        self.all(select.bind(at)).await?.iter().map(read).collect()
    }

    /// These deployments, each named by environment and key, in no order; without those whose image
    /// is not known.
    pub async fn deployments_keyed(
        &self,
        keys: &[(String, String)],
    ) -> Result<Vec<Deployment>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK / 2) {
            let mut select = sql("SELECT * FROM deployment WHERE service IS NOT NULL \
                 AND (environment, key) IN (VALUES ");
            pairs(&mut select, chunk);
            select.push(")", []);
            for row in self.all(select).await? {
                found.push(Deployment::read(&row)?);
            }
        }
        Ok(found)
    }

    /// Tasks that run one of these images at `at`; by environment, service, task and container.
    pub async fn tasks_running(
        &self,
        digests: &[Digest],
        environments: &[String],
        at: Timestamp,
    ) -> Result<Vec<Task>, StoreError> {
        let mut found = Vec::new();
        for chunk in digests.chunks(CHUNK) {
            let mut select = sql("SELECT * FROM task WHERE service IS NOT NULL");
            select.push(
                &format!(
                    " AND digest IN ({}) AND ended_at > ? AND running_at <= ? AND stopping_at > ?",
                    marks(chunk.len())
                ),
                chunk.iter().map(Value::from).chain([at.into(), at.into(), at.into()]),
            );
            if !environments.is_empty() {
                select.push(
                    &format!(" AND environment IN ({})", marks(environments.len())),
                    environments.iter().map(|name| name.as_str().into()),
                );
            }
            for row in self.all(select).await? {
                found.push(Task::read(&row)?);
            }
        }
        found.sort_by(|a, b| {
            let rank = |it: &Task| {
                let fact = &it.fact;
                let name = (fact.id.clone(), fact.container.clone());
                (fact.environment.clone(), it.service.clone(), name)
            };
            rank(a).cmp(&rank(b))
        });
        Ok(found)
    }

    /// These images, the indexes that they are part of, and the images that are part of them.
    pub async fn image_family(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let mut family = digests.to_vec();
        for chunk in digests.chunks(CHUNK / 2) {
            let marks = marks(chunk.len());
            let mut select = sql("SELECT parent AS other FROM image_child ");
            select.push(
                &format!(
                    "WHERE digest IN ({marks}) UNION SELECT digest AS other FROM image_child \
                     WHERE parent IN ({marks})"
                ),
                chunk.iter().chain(chunk).map(Value::from),
            );
            family.extend(self.digests(select, "other").await?);
        }
        family.sort_unstable();
        family.dedup();
        Ok(family)
    }

    /// These images and the indexes that they are part of.
    pub async fn image_indexes(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let mut all = digests.to_vec();
        for chunk in digests.chunks(CHUNK) {
            let mut select = sql("SELECT DISTINCT parent FROM image_child WHERE digest IN (");
            select.push(&format!("{})", marks(chunk.len())), chunk.iter().map(Value::from));
            all.extend(self.digests(select, "parent").await?);
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// Images whose revision starts with `commit`; in byte order.
    pub async fn digests_of_commit(&self, commit: &str) -> Result<Vec<Digest>, StoreError> {
        let select = sql("SELECT digest FROM image WHERE revision >= $1 AND revision < $2 \
             ORDER BY digest")
        .bind(commit)
        .bind(format!("{commit}\u{7f}"));
        self.digests(select, "digest").await
    }

    /// Images that `tag` of `repository` pointed to until `at`; without a tag, all images that were
    /// seen there. In byte order.
    pub async fn digests_of_reference(
        &self,
        repository: &RepositoryName,
        tag: Option<&Tag>,
        at: Timestamp,
    ) -> Result<Vec<Digest>, StoreError> {
        let select = match tag {
            None => sql("SELECT digest FROM repository_image WHERE repository = $1 \
                 ORDER BY digest")
            .bind(repository),
            Some(tag) => sql("SELECT DISTINCT digest FROM tag_event WHERE repository = $1 \
                 AND name = $2 AND at <= $3 AND digest IS NOT NULL ORDER BY digest")
            .bind(repository)
            .bind(tag)
            .bind(at),
        };
        self.digests(select, "digest").await
    }

    /// Images that have this label with exactly this value; in byte order.
    pub async fn digests_with_label(
        &self,
        name: &str,
        value: &str,
    ) -> Result<Vec<Digest>, StoreError> {
        // Labels are kept as compact JSON. The text narrows, the parsed labels decide.
        let pair = crate::row::json_text(&std::collections::BTreeMap::from([(name, value)]));
        let pair = pair.trim_start_matches('{').trim_end_matches('}');
        let mut pattern = String::from("%");
        for character in pair.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        let select = sql("SELECT digest, labels FROM image WHERE labels LIKE $1 ESCAPE '\\' \
             ORDER BY digest")
        .bind(pattern);
        let mut found = Vec::new();
        for row in self.all(select).await? {
            let labels: std::collections::BTreeMap<String, String> = row.json("labels")?;
            if labels.get(name).is_some_and(|known| known == value) {
                found.push(row.digest("digest")?);
            }
        }
        Ok(found)
    }

    /// What each of these images says of where it came from; of an index that says nothing, what the
    /// first of its images says. Those of which nothing is known are left out.
    pub async fn origins(&self, digests: &[Digest]) -> Result<Vec<(Digest, Origin)>, StoreError> {
        let mut found = Vec::with_capacity(digests.len());
        for chunk in digests.chunks(CHUNK) {
            let mut select = sql("SELECT digest, \
                 COALESCE(revision, (SELECT i.revision FROM image_child AS c \
                  JOIN image AS i ON i.digest = c.digest WHERE c.parent = image.digest \
                  AND i.revision IS NOT NULL ORDER BY c.position LIMIT 1)) AS revision, \
                 COALESCE(source_url, (SELECT i.source_url FROM image_child AS c \
                  JOIN image AS i ON i.digest = c.digest WHERE c.parent = image.digest \
                  AND i.source_url IS NOT NULL ORDER BY c.position LIMIT 1)) AS source_url \
                 FROM image WHERE digest IN (");
            select.push(&format!("{})", marks(chunk.len())), chunk.iter().map(Value::from));
            for row in self.all(select).await? {
                let origin = Origin {
                    revision: row.opt_text("revision")?,
                    source_url: row.opt_text("source_url")?,
                };
                found.push((row.digest("digest")?, origin));
            }
        }
        Ok(found)
    }

    async fn digests(&self, select: Query, column: &str) -> Result<Vec<Digest>, StoreError> {
        self.all(select).await?.iter().map(|row| row.digest(column)).collect()
    }
}
