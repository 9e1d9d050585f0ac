//! Repositories of source code and the teams that have them, as their owner lists them.

use std::collections::{BTreeMap, BTreeSet};

use portolan_model::Timestamp;

use crate::bulk::statements;
use crate::page::{Page, Paged};
use crate::row::{Query, Row, Value, sql};
use crate::{Store, StoreError, Tx};

/// A repository of source code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRepository {
    /// Its name, without its owner's.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// The language of most of it.
    pub primary_language: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// Whether nothing changes there any more.
    pub is_archived: bool,
    /// Whether its owner says that others are made from it.
    pub is_template: bool,
    /// Whether not everybody may see it.
    pub is_private: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Slugs of the teams that have it, each once, in order.
    pub teams: Vec<String>,
}

/// A team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceTeam {
    /// Its name in URLs.
    pub slug: String,
    /// Its name for people.
    pub name: String,
}

/// What a new list of repositories changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// Repositories that were not there before.
    pub added: u64,
    /// Repositories, or their teams, that are not as they were.
    pub changed: u64,
    /// Repositories that are there no longer.
    pub removed: u64,
}

/// Which repositories are wanted.
#[derive(Debug, Clone, Default)]
pub struct SourceFilter {
    /// Only those of this team.
    pub team: Option<String>,
    /// Only those with one of these names.
    pub only: Option<Vec<String>>,
    /// None with one of these names.
    pub except: Vec<String>,
}

/// Repositories with their teams. A slug holds no line break.
const SELECT: &str = "SELECT r.*, (SELECT string_agg(t.team, '\n' ORDER BY t.team) \
    FROM source_repository_team AS t WHERE t.repository = r.name) AS teams \
    FROM source_repository AS r WHERE 1 = 1";

impl SourceRepository {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let teams = row.opt_text("teams")?.unwrap_or_default();
        Ok(Self {
            name: row.text("name")?,
            description: row.opt_text("description")?,
            primary_language: row.opt_text("primary_language")?,
            url: row.opt_text("url")?,
            is_archived: row.bool("is_archived")?,
            is_template: row.bool("is_template")?,
            is_private: row.bool("is_private")?,
            created_at: row.opt_time("created_at")?,
            teams: teams.lines().map(str::to_owned).collect(),
        })
    }

    fn values(&self) -> Vec<Value> {
        vec![
            self.name.as_str().into(),
            self.description.as_deref().into(),
            self.primary_language.as_deref().into(),
            self.url.as_deref().into(),
            self.is_archived.into(),
            self.is_template.into(),
            self.is_private.into(),
            self.created_at.into(),
        ]
    }
}

impl SourceFilter {
    fn narrow(&self, query: &mut Query) {
        if let Some(team) = &self.team {
            let of_team = " AND EXISTS (SELECT 1 FROM source_repository_team AS o \
                 WHERE o.team = ? AND o.repository = r.name)";
            query.push(of_team, [team.as_str().into()]);
        }
        match self.only.as_deref() {
            // Of no name at all there is nothing; an empty list is no SQL.
            Some([]) => query.push(" AND 1 = 0", []),
            Some(names) => among(query, " AND r.name IN ", names),
            None => {}
        }
        if !self.except.is_empty() {
            among(query, " AND r.name NOT IN ", &self.except);
        }
    }
}

fn among(query: &mut Query, condition: &str, names: &[String]) {
    let places = vec!["?"; names.len()].join(", ");
    let values = names.iter().map(|name| name.as_str().into());
    query.push(&format!("{condition}({places})"), values);
}

impl Tx {
    /// Makes these the repositories and teams that there are, all of them. Each team of a repository
    /// must be among `teams`. What is as it was is left alone.
    pub async fn replace_source_repositories(
        &mut self,
        repositories: &[SourceRepository],
        teams: &[SourceTeam],
    ) -> Result<SourceChange, StoreError> {
        let rows = self.all(sql(SELECT)).await?;
        let mut before: BTreeMap<String, SourceRepository> = BTreeMap::new();
        for row in &rows {
            let repository = SourceRepository::read(row)?;
            before.insert(repository.name.clone(), repository);
        }
        // New teams come before what has them, old ones go after what had them.
        let gone_teams = self.upsert_teams(teams).await?;
        let mut change = SourceChange::default();
        let (mut upserts, mut joins) = (Vec::new(), Vec::new());
        for now in repositories {
            let known = before.remove(&now.name);
            match &known {
                None => change.added += 1,
                Some(known) if known == now => continue,
                Some(_) => change.changed += 1,
            }
            upserts.push(now.values());
            let had: BTreeSet<&str> =
                known.iter().flat_map(|known| &known.teams).map(String::as_str).collect();
            let has: BTreeSet<&str> = now.teams.iter().map(String::as_str).collect();
            let pair = |team: &&str| vec![now.name.as_str().into(), (*team).into()];
            joins.extend(has.difference(&had).map(pair));
            for team in had.difference(&has) {
                let leave =
                    "DELETE FROM source_repository_team WHERE repository = $1 AND team = $2";
                self.run(sql(leave).bind(now.name.as_str()).bind(*team)).await?;
            }
        }
        let upserts = statements(
            "INSERT INTO source_repository (name, description, primary_language, url, \
             is_archived, is_template, is_private, created_at) VALUES",
            upserts,
            "ON CONFLICT (name) DO UPDATE SET description = excluded.description, \
             primary_language = excluded.primary_language, url = excluded.url, \
             is_archived = excluded.is_archived, is_template = excluded.is_template, \
             is_private = excluded.is_private, created_at = excluded.created_at",
        );
        let joins = statements(
            "INSERT INTO source_repository_team (repository, team) VALUES",
            joins,
            "ON CONFLICT (repository, team) DO NOTHING",
        );
        for statement in upserts.into_iter().chain(joins) {
            self.run(statement).await?;
        }
        for name in before.keys() {
            let delete = sql("DELETE FROM source_repository WHERE name = $1").bind(name.as_str());
            change.removed += self.run(delete).await?;
        }
        for slug in gone_teams {
            self.run(sql("DELETE FROM source_team WHERE slug = $1").bind(slug)).await?;
        }
        Ok(change)
    }

    /// Writes down the teams that are new or have another name; those that are not listed.
    async fn upsert_teams(&mut self, teams: &[SourceTeam]) -> Result<Vec<String>, StoreError> {
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        for row in self.all(sql("SELECT slug, name FROM source_team")).await? {
            before.insert(row.text("slug")?, row.text("name")?);
        }
        let mut upserts = Vec::new();
        for team in teams {
            if before.remove(&team.slug).as_ref() != Some(&team.name) {
                upserts.push(vec![team.slug.as_str().into(), team.name.as_str().into()]);
            }
        }
        let upserts = statements(
            "INSERT INTO source_team (slug, name) VALUES",
            upserts,
            "ON CONFLICT (slug) DO UPDATE SET name = excluded.name",
        );
        for statement in upserts {
            self.run(statement).await?;
        }
        Ok(before.into_keys().collect())
    }
}

impl Store {
    /// Repositories, by name in byte order.
    pub async fn source_repositories(
        &self,
        filter: &SourceFilter,
        page: Page,
    ) -> Result<Paged<SourceRepository>, StoreError> {
        let mut count = sql("SELECT COUNT(*) AS total FROM source_repository AS r WHERE 1 = 1");
        filter.narrow(&mut count);
        let mut select = sql(SELECT);
        filter.narrow(&mut select);
        let part = [page.limit.into(), page.offset.into()];
        select.push(" ORDER BY r.name LIMIT ? OFFSET ?", part);
        let rows = self.all(select).await?;
        let items: Vec<_> = rows.iter().map(SourceRepository::read).collect::<Result<_, _>>()?;
        let total = match page {
            Page::ALL => items.len() as u64,
            _ => self.first(count).await?.map_or(Ok(0), |row| row.count("total"))?,
        };
        Ok(Paged { items, total })
    }

    /// One repository.
    pub async fn source_repository(
        &self,
        name: &str,
    ) -> Result<Option<SourceRepository>, StoreError> {
        let only = Some(vec![name.to_owned()]);
        let filter = SourceFilter { only, ..SourceFilter::default() };
        Ok(self.source_repositories(&filter, Page::ALL).await?.items.pop())
    }

    /// Teams, by slug in byte order.
    pub async fn source_teams(&self) -> Result<Vec<SourceTeam>, StoreError> {
        let select = sql("SELECT slug, name FROM source_team ORDER BY slug");
        let read = |row: &Row| Ok(SourceTeam { slug: row.text("slug")?, name: row.text("name")? });
        self.all(select).await?.iter().map(read).collect()
    }
}
