//! Reading all of an organisation, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use crate::graphql::{
    self, Connection, IdNode, OfOrganisation, RepositoryNode, TeamNode, WithRepositories, WithTeam,
    WithTeams,
};
use crate::inventory::{cleaned, is_name, is_page};
use crate::{Client, GithubError, Inventory, Repository, Team, file};

/// No organisation is larger.
const MOST_REPOSITORIES: usize = 200_000;
const MOST_TEAMS: usize = 50_000;
const MOST_PAGES: usize = 50_000;
/// Teams of one page, each of which brings a page of its repositories: more, and GitHub takes too
/// long to answer.
const TEAMS_OF_PAGE: u32 = 30;

const DOING_REPOSITORIES: &str = "list the organisation's repositories";
const DOING_TEAMS: &str = "list the organisation's teams";
const DOING_TEAM: &str = "list a team's repositories";

/// How far a reading is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers so far.
    pub pages: usize,
    /// Repositories so far.
    pub repositories: usize,
    /// Teams so far.
    pub teams: usize,
}

/// A reading that is under way.
#[derive(Debug)]
pub struct Reading<'a>(From<'a>);

/// What one step of a reading gives.
#[derive(Debug)]
pub enum Step<'a> {
    /// There is more.
    More(Reading<'a>),
    /// That was all.
    All(Inventory),
}

#[derive(Debug)]
enum From<'a> {
    Github(Box<Walk<'a>>),
    File(&'a Path),
}

impl<'a> Reading<'a> {
    pub(crate) fn github(client: &'a Client) -> Self {
        Self(From::Github(Box::new(Walk {
            client,
            next: Next::Repositories(None),
            pages: 0,
            repositories: BTreeMap::new(),
            teams: BTreeMap::new(),
            members: BTreeMap::new(),
            rest: Vec::new(),
        })))
    }

    pub(crate) fn file(path: &'a Path) -> Self {
        Self(From::File(path))
    }

    /// How far it is.
    pub fn counts(&self) -> Counts {
        match &self.0 {
            From::File(_) => Counts::default(),
            From::Github(walk) => Counts {
                pages: walk.pages,
                repositories: walk.repositories.len(),
                teams: walk.teams.len(),
            },
        }
    }

    /// Reads one page. After an error there is no going on: a list may have moved meanwhile.
    pub async fn step(self) -> Result<Step<'a>, GithubError> {
        match self.0 {
            From::File(path) => file::read(path).await.map(Step::All),
            From::Github(mut walk) => Ok(if walk.step().await? {
                Step::More(Self(From::Github(walk)))
            } else {
                Step::All(walk.inventory())
            }),
        }
    }
}

/// A walk through what GitHub lists. Repositories are known by their node ids here, since one may be
/// renamed between two pages.
#[derive(Debug)]
struct Walk<'a> {
    client: &'a Client,
    next: Next,
    pages: usize,
    repositories: BTreeMap<String, Repository>,
    /// Names of teams, by slug.
    teams: BTreeMap<String, String>,
    /// Slugs of teams, by repository.
    members: BTreeMap<String, BTreeSet<String>>,
    /// Teams with more repositories than came with them, and where the next page begins.
    rest: Vec<(String, String)>,
}

/// The next page; a cursor, or none for the first.
#[derive(Debug)]
enum Next {
    Repositories(Option<String>),
    Teams(Option<String>),
    Rest,
}

impl Walk<'_> {
    /// Reads one page; whether there is another.
    async fn step(&mut self) -> Result<bool, GithubError> {
        self.pages += 1;
        at_most(self.pages, MOST_PAGES, "pages")?;
        self.next = match std::mem::replace(&mut self.next, Next::Rest) {
            Next::Repositories(after) => match self.repositories(after.as_deref()).await? {
                Some(cursor) => Next::Repositories(Some(cursor)),
                None => Next::Teams(None),
            },
            Next::Teams(after) => match self.teams(after.as_deref()).await? {
                Some(cursor) => Next::Teams(Some(cursor)),
                None => Next::Rest,
            },
            Next::Rest => {
                if let Some((team, after)) = self.rest.pop()
                    && let Some(cursor) = self.team(&team, &after).await?
                {
                    self.rest.push((team, cursor));
                }
                Next::Rest
            }
        };
        Ok(!(matches!(self.next, Next::Rest) && self.rest.is_empty()))
    }

    async fn repositories(&mut self, after: Option<&str>) -> Result<Option<String>, GithubError> {
        let doing = DOING_REPOSITORIES;
        let variables = json!({
            "organisation": self.client.organisation(),
            "size": self.client.page_items(),
            "after": after,
        });
        let answer: OfOrganisation<WithRepositories<RepositoryNode>> =
            self.client.ask(doing, graphql::REPOSITORIES, variables).await?;
        let page = answer.organisation(doing)?.repositories;
        let next = page.next(doing, after)?;
        for node in page.nodes(doing)? {
            let (id, repository) = repository(node)?;
            self.repositories.insert(id, repository);
        }
        at_most(self.repositories.len(), MOST_REPOSITORIES, "repositories")?;
        Ok(next)
    }

    async fn teams(&mut self, after: Option<&str>) -> Result<Option<String>, GithubError> {
        let doing = DOING_TEAMS;
        let variables = json!({
            "organisation": self.client.organisation(),
            "size": self.client.page_items().min(TEAMS_OF_PAGE),
            "nested": self.client.page_items(),
            "after": after,
        });
        let answer: OfOrganisation<WithTeams> =
            self.client.ask(doing, graphql::TEAMS, variables).await?;
        let page = answer.organisation(doing)?.teams;
        let next = page.next(doing, after)?;
        for TeamNode { slug, name, repositories } in page.nodes(doing)? {
            checked(doing, "slug", &slug)?;
            if let Some(cursor) = repositories.next(doing, None)? {
                self.rest.push((slug.clone(), cursor));
            }
            self.join(doing, &slug, repositories)?;
            self.teams.insert(slug.clone(), cleaned(Some(name)).unwrap_or(slug));
        }
        at_most(self.teams.len(), MOST_TEAMS, "teams")?;
        Ok(next)
    }

    async fn team(&mut self, team: &str, after: &str) -> Result<Option<String>, GithubError> {
        let doing = DOING_TEAM;
        let variables = json!({
            "organisation": self.client.organisation(),
            "team": team,
            "size": self.client.page_items(),
            "after": after,
        });
        let answer: OfOrganisation<WithTeam> =
            self.client.ask(doing, graphql::TEAM_REPOSITORIES, variables).await?;
        let page = answer.organisation(doing)?.team.ok_or_else(|| GithubError::Partial {
            doing,
            message: format!("the team `{team}` has gone meanwhile"),
            permanent: false,
        })?;
        let next = page.repositories.next(doing, Some(after))?;
        self.join(doing, team, page.repositories)?;
        Ok(next)
    }

    fn join(
        &mut self,
        doing: &'static str,
        team: &str,
        page: Connection<IdNode>,
    ) -> Result<(), GithubError> {
        for IdNode { id } in page.nodes(doing)? {
            // Of repositories of other owners, and of those made since they were listed, nothing is
            // known.
            if self.repositories.contains_key(&id) {
                self.members.entry(id).or_default().insert(team.to_owned());
            }
        }
        Ok(())
    }

    fn inventory(mut self) -> Inventory {
        let mut by_name = BTreeMap::new();
        for (id, mut repository) in self.repositories {
            let teams = self.members.remove(&id).unwrap_or_default();
            repository.teams = teams.into_iter().collect();
            by_name.insert(repository.name.clone(), repository);
        }
        let team = |(slug, name)| Team { slug, name };
        Inventory {
            repositories: by_name.into_values().collect(),
            teams: self.teams.into_iter().map(team).collect(),
        }
    }
}

/// A repository as it is kept, and its node id.
fn repository(node: RepositoryNode) -> Result<(String, Repository), GithubError> {
    let doing = DOING_REPOSITORIES;
    checked(doing, "id", &node.id)?;
    checked(doing, "name", &node.name)?;
    if !is_page(&node.url) {
        let reason = format!("the `url` of `{}` is none", node.name);
        return Err(GithubError::Shape { doing, reason });
    }
    let repository = Repository {
        name: node.name,
        description: cleaned(node.description),
        primary_language: cleaned(node.primary_language.map(|language| language.name)),
        url: Some(node.url),
        is_archived: node.is_archived,
        is_template: node.is_template,
        is_private: node.is_private,
        created_at: Some(node.created_at),
        teams: Vec::new(),
    };
    Ok((node.id, repository))
}

fn checked(doing: &'static str, field: &str, text: &str) -> Result<(), GithubError> {
    if is_name(text) {
        return Ok(());
    }
    Err(GithubError::Shape { doing, reason: format!("a `{field}` is empty, too long or no text") })
}

fn at_most(count: usize, limit: usize, what: &'static str) -> Result<(), GithubError> {
    if count > limit { Err(GithubError::TooMany { what, limit }) } else { Ok(()) }
}
