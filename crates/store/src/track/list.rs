//! Questions about tasks and deployments, at any moment.

use portolan_model::{Digest, RepositoryName, Tag, Timestamp};

use super::NEVER;
use super::deployment::Deployment;
use super::fact::RequestFact;
use super::task::Task;
use crate::page::{Page, Paged};
use crate::row::{Query, Value, sql, sql_made};
use crate::{Store, StoreError};

/// Values bound in one statement at most.
const CHUNK: usize = 500;

/// Which tasks are wanted.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// Only those that were there at this moment: seen by then, and not yet stopped.
    pub at: Option<Timestamp>,
    /// Only those of this environment.
    pub environment: Option<String>,
    /// Only those of this service.
    pub service: Option<String>,
    /// Only those that run one of these images.
    pub digests: Option<Vec<Digest>>,
    /// Those that are held instead of those whose image is known.
    pub held: bool,
}

/// Which deployments are wanted.
#[derive(Debug, Clone, Default)]
pub struct DeploymentFilter {
    /// Only those in one of these environments, where any is named.
    pub environments: Vec<String>,
    /// Only those of one of these services, where any is named.
    pub services: Option<Vec<String>>,
    /// Only those made at or after this moment.
    pub from: Option<Timestamp>,
    /// Only those made at or before this moment.
    pub to: Option<Timestamp>,
}

fn marks(count: usize) -> String {
    vec!["?"; count].join(", ")
}

impl Store {
    /// Tasks, by environment, service, task and container.
    pub async fn tasks(&self, filter: &TaskFilter) -> Result<Vec<Task>, StoreError> {
        let mut select = sql("SELECT * FROM task WHERE");
        select.push(if filter.held { " service IS NULL" } else { " service IS NOT NULL" }, []);
        if let Some(at) = filter.at {
            select.push(" AND ended_at > ? AND pending_at <= ?", [at.into(), at.into()]);
        }
        if let Some(environment) = &filter.environment {
            select.push(" AND environment = ?", [environment.as_str().into()]);
        }
        if let Some(service) = &filter.service {
            select.push(" AND service = ?", [service.as_str().into()]);
        }
        let order = " ORDER BY environment, service, id, container";
        let Some(digests) = &filter.digests else {
            select.push(order, []);
            return self.all(select).await?.iter().map(Task::read).collect();
        };
        let mut tasks = Vec::new();
        for chunk in digests.chunks(CHUNK) {
            let mut select = select.clone();
            select.push(
                &format!(" AND digest IN ({}){order}", marks(chunk.len())),
                chunk.iter().map(Value::from),
            );
            for row in self.all(select).await? {
                tasks.push(Task::read(&row)?);
            }
        }
        Ok(tasks)
    }

    /// Every task of an environment of which no end was told, held or not, for a sweep to compare.
    pub async fn tasks_open(&self, environment: &str) -> Result<Vec<Task>, StoreError> {
        let select = sql("SELECT * FROM task WHERE ended_at = $1 AND environment = $2 \
             ORDER BY id, container")
        .bind(NEVER)
        .bind(environment);
        self.all(select).await?.iter().map(Task::read).collect()
    }

    /// How many tasks are held that were there at `at`.
    pub async fn tasks_held(&self, at: Timestamp) -> Result<u64, StoreError> {
        let count = sql("SELECT COUNT(*) AS total FROM task WHERE service IS NULL \
             AND ended_at > $1 AND pending_at <= $1")
        .bind(at);
        self.first(count).await?.map_or(Ok(0), |row| row.count("total"))
    }

    /// The tasks of these deployments, each named by environment and key; by deployment, task and
    /// container.
    pub async fn tasks_of(&self, of: &[(String, String)]) -> Result<Vec<Task>, StoreError> {
        let mut tasks = Vec::new();
        for chunk in of.chunks(CHUNK / 2) {
            let rows = vec!["(?, ?)"; chunk.len()].join(", ");
            let mut select = sql("SELECT * FROM task WHERE (environment, deployment) IN (VALUES ");
            let values = chunk
                .iter()
                .flat_map(|(place, key)| [Value::from(place.as_str()), Value::from(key.as_str())]);
            select
                .push(&format!("{rows}) ORDER BY environment, deployment, id, container"), values);
            for row in self.all(select).await? {
                tasks.push(Task::read(&row)?);
            }
        }
        Ok(tasks)
    }

    /// Deployments, newest first. Those that have no known image yet are left out.
    pub async fn deployments(
        &self,
        filter: &DeploymentFilter,
        page: Page,
    ) -> Result<Paged<Deployment>, StoreError> {
        let clause = clause(filter, "created_at");
        let of = |before: &str| {
            sql_made(format!(
                "{before} FROM deployment WHERE service IS NOT NULL{}",
                clause.as_str()
            ))
            .with(clause.values.clone())
        };
        let count = of("SELECT COUNT(*) AS total");
        let total = self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?;
        let mut select = of("SELECT *");
        select.push(
            " ORDER BY created_at DESC, environment, key LIMIT ? OFFSET ?",
            [page.limit.into(), page.offset.into()],
        );
        let items =
            self.all(select).await?.iter().map(Deployment::read).collect::<Result<_, _>>()?;
        Ok(Paged { items, total })
    }

    /// Deployments that the API names `id`, or that came from the request `id`; newest first.
    pub async fn deployments_named(&self, id: &str) -> Result<Vec<Deployment>, StoreError> {
        let select = sql("SELECT * FROM deployment WHERE service IS NOT NULL \
             AND (id = $1 OR request = $1) ORDER BY created_at DESC, environment, key")
        .bind(id);
        self.all(select).await?.iter().map(Deployment::read).collect()
    }

    /// Of each service in each environment the newest deployment that was made at or before `at`, and
    /// `depth - 1` before it; newest first.
    pub async fn latest_deployments(
        &self,
        at: Timestamp,
        depth: u64,
        filter: &DeploymentFilter,
    ) -> Result<Vec<Deployment>, StoreError> {
        let clause = clause(filter, "created_at");
        let mut select = sql_made(format!(
            "SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY environment, service \
             ORDER BY created_at DESC, key DESC) AS place FROM deployment \
             WHERE service IS NOT NULL{}",
            clause.as_str()
        ))
        .with(clause.values);
        select.push(
            " AND created_at <= ?) AS numbered WHERE place <= ? \
             ORDER BY created_at DESC, environment, key",
            [at.into(), depth.into()],
        );
        self.all(select).await?.iter().map(Deployment::read).collect()
    }

    /// Of each of these deployments, named by environment and key, the one of the same service that
    /// was made before it and the one that was made after it.
    pub async fn neighbours_of(
        &self,
        of: &[(String, String)],
    ) -> Result<Vec<Deployment>, StoreError> {
        let mut keys = Vec::new();
        for chunk in of.chunks(CHUNK / 2) {
            let mut select = wanted(chunk);
            select.push(
                "SELECT d.environment AS environment, \
                 (SELECT b.key FROM deployment AS b WHERE b.environment = d.environment \
                  AND b.service = d.service AND (b.created_at, b.key) < (d.created_at, d.key) \
                  ORDER BY b.created_at DESC, b.key DESC LIMIT 1) AS before_key, \
                 (SELECT a.key FROM deployment AS a WHERE a.environment = d.environment \
                  AND a.service = d.service AND (a.created_at, a.key) > (d.created_at, d.key) \
                  ORDER BY a.created_at, a.key LIMIT 1) AS after_key \
                 FROM wanted CROSS JOIN deployment AS d \
                 WHERE d.key = wanted.key AND d.environment = wanted.environment",
                [],
            );
            for row in self.all(select).await? {
                let place = row.text("environment")?;
                for column in ["before_key", "after_key"] {
                    keys.extend(row.opt_text(column)?.map(|key| (place.clone(), key)));
                }
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK / 2) {
            let mut select = wanted(chunk);
            select.push(
                "SELECT d.* FROM wanted CROSS JOIN deployment AS d \
                 WHERE d.key = wanted.key AND d.environment = wanted.environment",
                [],
            );
            for row in self.all(select).await? {
                found.push(Deployment::read(&row)?);
            }
        }
        Ok(found)
    }

    /// Requests, newest first, that have not become a deployment: none was linked to them, and none
    /// of the same service, environment and version was made within `patience_millis` after them.
    pub async fn requests_unanswered(
        &self,
        filter: &DeploymentFilter,
        patience_millis: i64,
        page: Page,
    ) -> Result<Vec<RequestFact>, StoreError> {
        let clause = clause(filter, "at");
        let mut select = sql_made(format!(
            "SELECT * FROM deployment_request AS r WHERE TRUE{}",
            clause.as_str()
        ))
        .with(clause.values);
        select.push(
            " AND NOT EXISTS (SELECT 1 FROM deployment AS d WHERE d.request = r.id) \
             AND NOT EXISTS (SELECT 1 FROM deployment AS d WHERE d.environment = r.environment \
             AND d.service = r.service AND d.request IS NULL \
             AND (d.tag IS NULL OR d.tag = r.version) \
             AND d.created_at >= r.at AND d.created_at <= r.at + ?) \
             ORDER BY at DESC, id LIMIT ? OFFSET ?",
            [patience_millis.into(), page.limit.into(), page.offset.into()],
        );
        self.all(select).await?.iter().map(RequestFact::read).collect()
    }

    /// Requests, newest first.
    pub async fn deployment_requests(
        &self,
        filter: &DeploymentFilter,
        page: Page,
    ) -> Result<Vec<RequestFact>, StoreError> {
        let clause = clause(filter, "at");
        let mut select =
            sql_made(format!("SELECT * FROM deployment_request WHERE TRUE{}", clause.as_str()))
                .with(clause.values);
        select.push(
            " ORDER BY at DESC, id LIMIT ? OFFSET ?",
            [page.limit.into(), page.offset.into()],
        );
        self.all(select).await?.iter().map(RequestFact::read).collect()
    }

    /// One request.
    pub async fn deployment_request(&self, id: &str) -> Result<Option<RequestFact>, StoreError> {
        let select = sql("SELECT * FROM deployment_request WHERE id = $1").bind(id);
        self.first(select).await?.as_ref().map(RequestFact::read).transpose()
    }

    /// The tag by which each of these images is best known in its repository or in any: of the tags
    /// that point to it, or to the index that it is part of. Pairs of an image and a tag; an image
    /// may have several.
    pub async fn names_of_images(
        &self,
        digests: &[Digest],
    ) -> Result<Vec<(Digest, RepositoryName, Tag)>, StoreError> {
        let mut names = Vec::new();
        for chunk in digests.chunks(CHUNK / 2) {
            let marks = marks(chunk.len());
            let mut select = sql("SELECT tag.digest AS image, repository, name FROM tag ");
            select.push(
                &format!(
                    "WHERE tag.digest IN ({marks}) UNION SELECT c.digest AS image, repository, \
                     name FROM image_child AS c JOIN tag ON tag.digest = c.parent \
                     WHERE c.digest IN ({marks})"
                ),
                chunk.iter().chain(chunk).map(Value::from),
            );
            for row in self.all(select).await? {
                names.push((row.digest("image")?, row.parsed("repository")?, row.parsed("name")?));
            }
        }
        Ok(names)
    }
}

/// `WITH wanted (environment, key) AS (…)` of these pairs. To be joined by `CROSS JOIN`, which SQLite
/// takes in the order in which it is written: it would go through a whole table for a list of pairs.
fn wanted(pairs: &[(String, String)]) -> Query {
    let mut query = sql("WITH wanted (environment, key) AS (VALUES ");
    let rows = vec!["(?, ?)"; pairs.len()].join(", ");
    let values = pairs.iter().flat_map(|(one, other)| [one.as_str().into(), other.as_str().into()]);
    query.push(&rows, values);
    query.push(") ", []);
    query
}

fn clause(filter: &DeploymentFilter, time: &str) -> Query {
    let mut clause = Query::default();
    if !filter.environments.is_empty() {
        let values = filter.environments.iter().map(|name| Value::from(name.as_str()));
        let marks = marks(filter.environments.len());
        clause.push(&format!(" AND environment IN ({marks})"), values);
    }
    if let Some(services) = &filter.services {
        let values = services.iter().map(|name| Value::from(name.as_str()));
        // No service at all is a filter too: nothing fits it.
        let marks = if services.is_empty() { "NULL".to_owned() } else { marks(services.len()) };
        clause.push(&format!(" AND service IN ({marks})"), values);
    }
    if let Some(from) = filter.from {
        clause.push(&format!(" AND {time} >= ?"), [from.into()]);
    }
    if let Some(to) = filter.to {
        clause.push(&format!(" AND {time} <= ?"), [to.into()]);
    }
    clause
}
