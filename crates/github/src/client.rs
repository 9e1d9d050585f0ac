//! The client: who asks is proven, limits are kept, and what may go through is asked again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portolan_model::{Clock, Secret, Timestamp};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use crate::credentials::Installation;
use crate::inventory::is_name;
use crate::settings::{Auth, Settings};
use crate::{GithubError, SetupError, answer, graphql, throttle};

/// The version of the REST API that tokens of installations are had from.
const VERSION: &str = "2022-11-28";

/// A client of GitHub for one organisation. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    graphql: Url,
    http: reqwest::Client,
    who: Who,
    clock: Arc<dyn Clock>,
    /// Until when nothing is asked, as GitHub said in the last answer.
    not_before: Mutex<Option<Timestamp>>,
}

enum Who {
    Token(Secret<String>),
    App(Box<Installation>),
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Client {
    /// A client as `settings` say. Nothing is asked yet.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        if !is_name(&settings.organisation) {
            let value = settings.organisation;
            return Err(SetupError::Name { what: "the name of an organisation", value });
        }
        let who = match &settings.auth {
            Auth::Token(token) => Who::Token(token.clone()),
            Auth::App(app) => Who::App(Box::new(Installation::new(app, &settings)?)),
        };
        let graphql = settings.graphql()?;
        let headers = HeaderMap::from_iter([
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static(VERSION)),
        ]);
        let http = reqwest::Client::builder()
            .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // GitHub's API does not move, and credentials follow nobody.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .timeout(settings.timeout)
            .no_proxy()
            .build()
            .map_err(SetupError::Http)?;
        let not_before = Mutex::new(None);
        Ok(Self { inner: Arc::new(Inner { settings, graphql, http, who, clock, not_before }) })
    }

    /// The organisation that is read.
    pub fn organisation(&self) -> &str {
        &self.inner.settings.organisation
    }

    /// Items of one page.
    pub(crate) fn page_items(&self) -> u32 {
        self.inner.settings.page_items.clamp(1, 100)
    }

    /// Asks `query` with `variables`, again where that may help.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        query: &str,
        variables: Value,
    ) -> Result<T, GithubError> {
        let body = json!({ "query": query, "variables": variables });
        let (mut attempt, mut renewed) = (0, false);
        loop {
            attempt += 1;
            let error = match self.once(doing, &body).await {
                Ok(data) => return Ok(data),
                Err(error) => error,
            };
            let refused = matches!(error, GithubError::Credentials { .. });
            let wait = if refused && !renewed && self.inner.who.forget().await {
                // The token has expired, or was revoked, before its time.
                renewed = true;
                Some(Duration::ZERO)
            } else {
                self.wait(&error, attempt)
            };
            let Some(wait) = wait else { return Err(error) };
            tracing::debug!(doing, %error, ?wait, "asking GitHub again");
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait before asking again for the time `attempt` (from 1); none where that is the
    /// caller's to decide.
    fn wait(&self, error: &GithubError, attempt: u32) -> Option<Duration> {
        let settings = &self.inner.settings;
        if attempt >= settings.attempts || !error.is_transient() {
            return None;
        }
        if let Some(until) = error.again_at() {
            let millis = until.millis_since(self.inner.clock.now()).max(0);
            let wait = Duration::from_millis(millis.unsigned_abs());
            return (wait <= settings.longest_wait).then_some(wait);
        }
        let doubled = settings.first_wait.saturating_mul(2_u32.saturating_pow(attempt - 1));
        Some(doubled.min(settings.longest_wait))
    }

    async fn once<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        body: &Value,
    ) -> Result<T, GithubError> {
        let inner = &*self.inner;
        if let Some(until) = self.not_before().filter(|until| *until > inner.clock.now()) {
            let message = "the requests of this hour are used up".to_owned();
            return Err(GithubError::RateLimited { until, message });
        }
        let token = inner.who.token(&inner.http, &*inner.clock).await?;
        let request = inner.http.post(inner.graphql.clone()).bearer_auth(token.expose()).json(body);
        let answer = answer::send(request, doing, inner.settings.answer_bytes).await?;
        let now = inner.clock.now();
        let until = throttle::used_up(&answer.headers, now);
        *inner.not_before.lock().unwrap_or_else(PoisonError::into_inner) = until;
        let answer = answer.accept(doing, 200, now)?;
        graphql::data(doing, &answer, now)
    }

    fn not_before(&self) -> Option<Timestamp> {
        *self.inner.not_before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Who {
    async fn token(
        &self,
        http: &reqwest::Client,
        clock: &dyn Clock,
    ) -> Result<Secret<String>, GithubError> {
        match self {
            Self::Token(token) => Ok(token.clone()),
            Self::App(installation) => installation.token(http, clock).await,
        }
    }

    /// Forgets a token that can be had anew; whether there was one.
    async fn forget(&self) -> bool {
        match self {
            Self::Token(_) => false,
            Self::App(installation) => installation.forget().await,
        }
    }
}
