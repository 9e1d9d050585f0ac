//! Repositories and teams from a JSON file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use portolan_model::Timestamp;
use serde::Deserialize;

use crate::inventory::{cleaned, is_name, is_page};
use crate::{GithubError, Inventory, Repository, Team};

/// Bytes of the file at most.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Deserialize)]
struct Listed {
    repositories: Vec<RepositoryLine>,
    #[serde(default)]
    teams: Vec<TeamLine>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RepositoryLine {
    #[serde(alias = "id")]
    name: String,
    description: Option<String>,
    primary_language: Option<String>,
    url: Option<String>,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    is_template: bool,
    #[serde(default)]
    is_private: bool,
    created_at: Option<Timestamp>,
    #[serde(default)]
    teams: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamLine {
    slug: String,
    name: Option<String>,
}

/// Reads the file at `path`.
pub(crate) async fn read(path: &Path) -> Result<Inventory, GithubError> {
    let failed = |source| GithubError::File { path: path.to_owned(), source };
    if tokio::fs::metadata(path).await.map_err(failed)?.len() > MOST_BYTES {
        let long = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        return Err(failed(long));
    }
    let bytes = tokio::fs::read(path).await.map_err(failed)?;
    parse(&bytes).map_err(|reason| GithubError::FileShape { path: path.to_owned(), reason })
}

fn parse(bytes: &[u8]) -> Result<Inventory, String> {
    let listed: Listed = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut teams = BTreeMap::new();
    for TeamLine { slug, name } in listed.teams {
        let name = cleaned(name).unwrap_or_else(|| slug.clone());
        if !is_name(&slug) || teams.insert(slug.clone(), name).is_some() {
            return Err(format!("`{slug}` is no slug of a team, or is there twice"));
        }
    }
    let mut repositories = BTreeMap::new();
    for line in listed.repositories {
        let name = line.name.clone();
        let repository = repository(line)?;
        for slug in &repository.teams {
            teams.entry(slug.clone()).or_insert_with(|| slug.clone());
        }
        if repositories.insert(name.clone(), repository).is_some() {
            return Err(format!("the repository `{name}` is there twice"));
        }
    }
    Ok(Inventory {
        repositories: repositories.into_values().collect(),
        teams: teams.into_iter().map(|(slug, name)| Team { slug, name }).collect(),
    })
}

fn repository(line: RepositoryLine) -> Result<Repository, String> {
    let name = line.name;
    if !is_name(&name) {
        return Err(format!("`{name}` is no name of a repository"));
    }
    if let Some(url) = line.url.as_ref().filter(|url| !is_page(url)) {
        return Err(format!("`{url}` of the repository `{name}` is no URL of a page"));
    }
    if let Some(slug) = line.teams.iter().find(|slug| !is_name(slug)) {
        return Err(format!("`{slug}` of the repository `{name}` is no slug of a team"));
    }
    Ok(Repository {
        name,
        description: cleaned(line.description),
        primary_language: cleaned(line.primary_language),
        url: line.url,
        is_archived: line.is_archived,
        is_template: line.is_template,
        is_private: line.is_private,
        created_at: line.created_at,
        teams: line.teams.into_iter().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_enough_and_the_api_s_own_answer_is_a_file() {
        let text = r#"{"message": "success", "repositories": [
            {"id": "shop", "description": null, "primaryLanguage": "Rust", "isPrivate": true,
             "url": "https://git.example/shop", "isArchived": false, "isTemplate": false,
             "createdAt": "2024-03-05T10:00:00.000Z", "teams": ["b", "a", "b"]},
            {"name": "bare"}],
            "teams": [{"slug": "a", "name": "Team A"}, {"slug": "empty"}]}"#;
        let inventory = parse(text.as_bytes()).unwrap();
        let [bare, shop] = &inventory.repositories[..] else { panic!("{inventory:?}") };
        assert_eq!((bare.name.as_str(), bare.url.as_deref()), ("bare", None));
        assert_eq!(shop.teams, ["a", "b"]);
        assert_eq!(shop.created_at, "2024-03-05T10:00:00Z".parse().ok());
        assert!(shop.is_private && !shop.is_archived);
        let teams: Vec<_> = inventory.teams.iter().map(|t| (&*t.slug, &*t.name)).collect();
        assert_eq!(teams, [("a", "Team A"), ("b", "b"), ("empty", "empty")]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, told) in [
            (
                r#"{"repositories": [{"name": "a"}, {"name": "a"}]}"#,
                "the repository `a` is there twice",
            ),
            (r#"{"repositories": [{"name": "a", "isArchivd": true}]}"#, "isArchivd"),
            (r#"{"repositories": [{"name": ""}]}"#, "no name of a repository"),
            (r#"{"repositories": [{"name": "a", "url": "javascript:1"}]}"#, "no URL of a page"),
            (r#"{"repositories": [{"name": "a", "teams": [""]}]}"#, "no slug of a team"),
            (r#"{"repositories": [], "teams": [{"slug": "a"}, {"slug": "a"}]}"#, "there twice"),
            (r#"{"repositories": [{"name": "a", "createdAt": "soon"}]}"#, "not a moment"),
            (r#"{"teams": []}"#, "missing field `repositories`"),
            (r#"{"repositories": [{"name":"#, "EOF"),
        ] {
            let reason = parse(text.as_bytes()).unwrap_err();
            assert!(reason.contains(told), "{text}: {reason}");
        }
    }

    #[test]
    fn a_file_that_is_being_written_is_none() {
        let text = r#"{"repositories": [{"name": "a", "teams": ["b"]}], "teams": [{"slug": "b"}]}"#;
        assert!(parse(text.as_bytes()).is_ok());
        for end in 0..text.len() {
            assert!(parse(&text.as_bytes()[..end]).is_err(), "{}", &text[..end]);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named() {
        let error = read(Path::new("/nowhere/repos.json")).await.unwrap_err();
        assert_eq!(error.to_string(), "could not read /nowhere/repos.json");
        assert!(error.is_transient());
    }
}
