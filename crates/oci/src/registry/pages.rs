//! Lists that come in pages: tags and repositories.

use http::header::LINK;
use http::{Method, StatusCode};
use portolan_model::{RepositoryName, Tag};
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::http::{Ask, Hop, read_capped, same_authority};
use super::{Fault, Registry, RegistryError, Repository};

/// One page of a registry's repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogPage {
    /// The repositories, in the registry's order. Names outside the specification's grammar are
    /// left out.
    pub repositories: Vec<RepositoryName>,
    /// Where the next page begins, for [`Registry::catalog`]; none after the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Catalog {
    repositories: Option<Vec<String>>,
}

impl Registry {
    /// One page of the repositories, from the start or from where the page before said.
    pub async fn catalog(&self, from: Option<&str>) -> Result<CatalogPage, RegistryError> {
        let page = self.client.limits().page_items;
        let mut url = self.base.clone();
        url.set_path("/v2/_catalog");
        url.query_pairs_mut().append_pair("n", &page.to_string());
        if let Some(last) = from {
            url.query_pairs_mut().append_pair("last", last);
        }
        let ask = Ask {
            registry: self,
            repository: None,
            what: "list the repositories".to_owned(),
            hop: Hop::new(Method::GET, url),
            scope: "registry:catalog:*".to_owned(),
        };
        let response = ask.send(&[StatusCode::OK]).await?;
        let link = next(&ask, &response)?;
        let catalog: Catalog = json(&ask, response).await?;
        let names = catalog.repositories.unwrap_or_default();
        // Only the name after which the next page begins is kept: it can be kept by a caller who
        // goes on another day, and it cannot lead elsewhere.
        let next = link
            .and_then(|link| {
                let mut pairs = link.query_pairs();
                pairs.find(|(name, _)| name == "last").map(|(_, last)| last.into_owned())
            })
            .filter(|last| Some(last.as_str()) != from && !names.is_empty());
        let repositories = names.iter().filter_map(|name| name.parse().ok()).collect();
        Ok(CatalogPage { repositories, next })
    }

    /// Asks whether it is there, speaks the protocol, and takes our credentials.
    pub async fn check(&self) -> Result<(), RegistryError> {
        let mut url = self.base.clone();
        url.set_path("/v2/");
        let ask = Ask {
            registry: self,
            repository: None,
            what: "reach the registry".to_owned(),
            hop: Hop::new(Method::GET, url),
            scope: String::new(),
        };
        ask.send(&[StatusCode::OK]).await.map(|_| ())
    }
}

impl Repository {
    /// All tags, at most as many as the settings allow, in the registry's order; empty where there
    /// is a repository without tags.
    pub async fn tags(&self) -> Result<Vec<Tag>, RegistryError> {
        let client = &self.registry.client;
        let (most, page) = (client.shared.settings.most_tags, client.limits().page_items);
        let mut ask = self.ask(Method::GET, "tags/list", "pull", "list the tags".to_owned());
        ask.hop.url.query_pairs_mut().append_pair("n", &page.to_string());
        let mut found = Vec::new();
        loop {
            let response = ask.send(&[StatusCode::OK]).await?;
            let next = next(&ask, &response)?;
            let tags: Tags = json(&ask, response).await?;
            let names = tags.tags.unwrap_or_default();
            // A page that brings nothing could be followed by as many such pages as one likes.
            let fruitless = names.is_empty();
            found.extend(names.iter().filter_map(|name| name.parse::<Tag>().ok()));
            if found.len() >= most {
                tracing::warn!(repository = %self.name, most, "more tags than are listed");
                found.truncate(most);
                return Ok(found);
            }
            match next {
                Some(next) if !fruitless && next != ask.hop.url => ask.hop.url = next,
                _ => return Ok(found),
            }
        }
    }
}

pub(super) async fn json<T: DeserializeOwned>(
    ask: &Ask<'_>,
    response: Response,
) -> Result<T, RegistryError> {
    /// A page of a thousand long names is far below this.
    const MOST_BYTES: u64 = 16 * 1024 * 1024;
    let settings = &ask.registry.client.shared.settings;
    let bytes =
        read_capped(response, MOST_BYTES, settings).await.map_err(|fault| ask.fail(fault))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ask.fail(Fault::Answer(format!("not the JSON of a list ({error})"))))
}

/// The page that `Link: <…>; rel="next"` names. Another host is not asked for the rest of a list.
fn next(ask: &Ask<'_>, response: &Response) -> Result<Option<Url>, RegistryError> {
    let links = response.headers().get_all(LINK).iter();
    for link in links.filter_map(|value| value.to_str().ok()) {
        let Some((target, parameters)) =
            link.trim().strip_prefix('<').and_then(|link| link.split_once('>'))
        else {
            continue;
        };
        if !parameters.replace(['"', ' '], "").contains("rel=next") {
            continue;
        }
        let url = response.url().join(target).ok();
        return match url.filter(|url| same_authority(url, &ask.registry.base)) {
            Some(url) => Ok(Some(url)),
            None => Err(ask.fail(Fault::Answer("its next page is at another host".into()))),
        };
    }
    Ok(None)
}
