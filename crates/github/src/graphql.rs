//! What is asked over GraphQL, and how an answer is read: whole, or not at all.

use portolan_model::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::GithubError;
use crate::answer::{Answer, shown};
use crate::throttle;

/// Repositories of the organisation, also those of no team.
pub(crate) const REPOSITORIES: &str = "\
query($organisation: String!, $size: Int!, $after: String) {
  organization(login: $organisation) {
    repositories(first: $size, after: $after, ownerAffiliations: [OWNER], orderBy: {field: NAME, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id name description url isArchived isTemplate isPrivate createdAt
        primaryLanguage { name }
      }
    }
  }
}";

/// Teams of the organisation, each with the first of its repositories.
pub(crate) const TEAMS: &str = "\
query($organisation: String!, $size: Int!, $nested: Int!, $after: String) {
  organization(login: $organisation) {
    teams(first: $size, after: $after, orderBy: {field: NAME, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        slug name
        repositories(first: $nested) {
          pageInfo { hasNextPage endCursor }
          nodes { id }
        }
      }
    }
  }
}";

/// Further repositories of one team.
pub(crate) const TEAM_REPOSITORIES: &str = "\
query($organisation: String!, $team: String!, $size: Int!, $after: String) {
  organization(login: $organisation) {
    team(slug: $team) {
      repositories(first: $size, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { id }
      }
    }
  }
}";

/// `organization` of any answer.
#[derive(Debug, Deserialize)]
pub(crate) struct OfOrganisation<T> {
    organization: Option<T>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WithRepositories<T> {
    pub(crate) repositories: Connection<T>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WithTeams {
    pub(crate) teams: Connection<TeamNode>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct WithTeam {
    pub(crate) team: Option<WithRepositories<IdNode>>,
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    page_info: PageInfo,
    nodes: Option<Vec<Option<T>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryNode {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) url: String,
    pub(crate) is_archived: bool,
    pub(crate) is_template: bool,
    pub(crate) is_private: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) primary_language: Option<Language>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Language {
    pub(crate) name: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TeamNode {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) repositories: Connection<IdNode>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct IdNode {
    pub(crate) id: String,
}

impl<T> OfOrganisation<T> {
    /// The organisation, which must be there.
    pub(crate) fn organisation(self, doing: &'static str) -> Result<T, GithubError> {
        self.organization.ok_or_else(|| GithubError::Partial {
            doing,
            message: "it shows no such organisation".to_owned(),
            permanent: true,
        })
    }
}

impl<T> Connection<T> {
    /// Where the next page begins, none at the end. `after` is where this one began.
    pub(crate) fn next(
        &self,
        doing: &'static str,
        after: Option<&str>,
    ) -> Result<Option<String>, GithubError> {
        if !self.page_info.has_next_page {
            return Ok(None);
        }
        let cursor = self.page_info.end_cursor.as_deref();
        let moved = cursor.filter(|cursor| !cursor.is_empty() && Some(*cursor) != after);
        moved.map(|cursor| Some(cursor.to_owned())).ok_or_else(|| {
            let reason = "there is a next page, and nothing says where".to_owned();
            GithubError::Shape { doing, reason }
        })
    }

    /// Everything on the page. A hole in it is an answer in part.
    pub(crate) fn nodes(self, doing: &'static str) -> Result<Vec<T>, GithubError> {
        let nodes: Option<Vec<T>> = self.nodes.and_then(|nodes| nodes.into_iter().collect());
        nodes.ok_or_else(|| GithubError::Partial {
            doing,
            message: "it leaves out some of the list without a word".to_owned(),
            permanent: false,
        })
    }
}

#[derive(Deserialize)]
struct Envelope {
    data: Option<Box<RawValue>>,
    errors: Option<Vec<ErrorNode>>,
}

#[derive(Deserialize)]
struct ErrorNode {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    message: String,
}

/// The data of an answer, where nothing of it failed.
pub(crate) fn data<T: DeserializeOwned>(
    doing: &'static str,
    answer: &Answer,
    now: Timestamp,
) -> Result<T, GithubError> {
    let shape =
        |error: serde_json::Error| GithubError::Shape { doing, reason: shown(&error.to_string()) };
    let envelope: Envelope = serde_json::from_slice(&answer.body).map_err(shape)?;
    let errors = envelope.errors.unwrap_or_default();
    if !errors.is_empty() {
        return Err(refused(doing, &errors, answer, now));
    }
    match envelope.data {
        Some(data) => serde_json::from_str(data.get()).map_err(shape),
        None => Err(GithubError::Shape { doing, reason: "it has no data".to_owned() }),
    }
}

fn refused(
    doing: &'static str,
    errors: &[ErrorNode],
    answer: &Answer,
    now: Timestamp,
) -> GithubError {
    let texts: Vec<&str> = errors.iter().take(3).map(|error| error.message.as_str()).collect();
    let message = shown(&texts.join("; "));
    let kind = |error: &ErrorNode| error.kind.clone().unwrap_or_default();
    // GitHub has called it `RATE_LIMITED` and `RATE_LIMIT`, and nothing where it is the secondary one.
    let limited = |error: &ErrorNode| {
        kind(error).starts_with("RATE_LIMIT") || throttle::is_about_limits(&error.message)
    };
    if errors.iter().any(limited) {
        let until = throttle::after_refusal(&answer.headers, now);
        return GithubError::RateLimited { until, message };
    }
    let lasting = ["FORBIDDEN", "NOT_FOUND", "INSUFFICIENT_SCOPES"];
    let permanent = errors.iter().any(|error| lasting.contains(&kind(error).as_str()));
    GithubError::Partial { doing, message, permanent }
}
