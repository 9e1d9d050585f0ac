//! What can be set about the client, and where it asks.

use std::time::Duration;

use portolan_model::Secret;
use url::Url;

use crate::error::SetupError;

/// Which organisation is read, how, and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The API's address: `https://api.github.com`, or `https://HOST/api/v3` of a GitHub Enterprise
    /// Server. Plain http is for loopback alone.
    pub api_url: String,
    /// The organisation's name in URLs.
    pub organisation: String,
    /// Who asks.
    pub auth: Auth,
    /// Repositories and teams of one page; GitHub takes up to 100.
    pub page_items: u32,
    /// How often one page is asked for in all, where that may help.
    pub attempts: u32,
    /// The wait before a page is asked for again; it doubles with each time.
    pub first_wait: Duration,
    /// What GitHub asks to wait is waited up to this. A longer wait is the caller's: see
    /// [`GithubError::again_at`](crate::GithubError::again_at).
    pub longest_wait: Duration,
    /// How long one answer may take in all.
    pub timeout: Duration,
    /// Bytes of one answer at most.
    pub answer_bytes: usize,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Whoever this token is of: it needs to read the organisation (`read:org` and `repo` of a
    /// classic token).
    Token(Secret<String>),
    /// A GitHub App that is installed in the organisation: it needs to read metadata of repositories
    /// and members of the organisation.
    App(AppKey),
}

/// A GitHub App and where it is installed.
#[derive(Debug, Clone)]
pub struct AppKey {
    /// The app's id or client id.
    pub app_id: String,
    /// The installation in the organisation, a number.
    pub installation_id: String,
    /// The app's private key, as PEM.
    pub private_key: Secret<String>,
}

impl Settings {
    /// GitHub's own API with the defaults: 4 attempts, 20 s of waiting, 60 s and 16 MiB an answer.
    pub fn new(organisation: impl Into<String>, auth: Auth) -> Self {
        Self {
            api_url: "https://api.github.com".to_owned(),
            organisation: organisation.into(),
            auth,
            page_items: 100,
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(20),
            timeout: Duration::from_mins(1),
            answer_bytes: 16 << 20,
        }
    }

    /// Where GraphQL is asked.
    pub(crate) fn graphql(&self) -> Result<Url, SetupError> {
        let mut url = self.base()?;
        let path = url.path().trim_end_matches('/');
        // A GitHub Enterprise Server has it beside its REST API, GitHub itself below.
        let path = match path.strip_suffix("/api/v3") {
            Some(before) => format!("{before}/api/graphql"),
            None => format!("{path}/graphql"),
        };
        url.set_path(&path);
        Ok(url)
    }

    /// Where a token of the installation `id` is had.
    pub(crate) fn installation_tokens(&self, id: &str) -> Result<Url, SetupError> {
        let mut url = self.base()?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{path}/app/installations/{id}/access_tokens"));
        Ok(url)
    }

    fn base(&self) -> Result<Url, SetupError> {
        let wrong = |reason| SetupError::Url { url: self.shown_url(), reason };
        let url = Url::parse(&self.api_url).map_err(|_| wrong("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a login; the token is a setting of its own"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it ends in a query"));
        }
        let loopback = match url.host() {
            None => return Err(wrong("it names no host")),
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
        };
        match url.scheme() {
            "https" => Ok(url),
            "http" if loopback => Ok(url),
            _ => Err(wrong("credentials go over https alone, but for loopback")),
        }
    }

    /// The URL without whatever may be secret in it.
    fn shown_url(&self) -> String {
        match Url::parse(&self.api_url) {
            Ok(url) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
            Err(_) => self.api_url.chars().take(100).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(api_url: &str) -> Settings {
        let auth = Auth::Token(Secret::new("t".into()));
        Settings { api_url: api_url.into(), ..Settings::new("o", auth) }
    }

    #[test]
    fn graphql_is_where_each_kind_of_github_has_it() {
        for (api, graphql, tokens) in [
            (
                "https://api.github.com",
                "https://api.github.com/graphql",
                "https://api.github.com/app/installations/7/access_tokens",
            ),
            (
                "https://ghe.example/api/v3/",
                "https://ghe.example/api/graphql",
                "https://ghe.example/api/v3/app/installations/7/access_tokens",
            ),
            (
                "http://127.0.0.1:3939/github/",
                "http://127.0.0.1:3939/github/graphql",
                "http://127.0.0.1:3939/github/app/installations/7/access_tokens",
            ),
        ] {
            assert_eq!(settings(api).graphql().unwrap().as_str(), graphql);
            assert_eq!(settings(api).installation_tokens("7").unwrap().as_str(), tokens);
        }
    }

    #[test]
    fn credentials_are_sent_nowhere_else() {
        for url in [
            "http://ghe.example/api/v3",
            "ftp://api.github.com",
            "api.github.com",
            "https://user:hunter2@ghe.example/",
            "https://api.github.com/?token=hunter2",
            "data:x",
        ] {
            let error = settings(url).graphql().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(settings("http://[::1]:1/").graphql().is_ok());
        assert!(!format!("{:?}", settings("https://a")).contains("\"t\""));
    }
}
