//! Proving who asks: Basic, and Docker's
//! [token flow](https://distribution.github.io/distribution/spec/auth/token/) with its cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use portolan_model::Secret;
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::challenge::{self, Challenge};
use super::http::{Hop, read_capped};
use super::{Client, Fault, Registry};
use crate::Credentials;

/// A token service's answer is not read past this.
const MOST_TOKEN_BYTES: u64 = 1024 * 1024;
/// Tokens of one registry are forgotten where there are more: one per repository that was asked.
const MOST_TOKENS: usize = 4096;
/// What the specification says a token is good for where its service says nothing.
const DEFAULT_SECONDS: u64 = 60;

/// What was learned of each registry.
#[derive(Debug, Default)]
pub(super) struct Authority {
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

#[derive(Debug, Default)]
struct Known {
    challenge: Option<Challenge>,
    tokens: HashMap<String, Token>,
}

#[derive(Debug)]
struct Token {
    header: HeaderValue,
    whom: String,
    until: Instant,
}

/// What is sent to prove who asks, and whom that is, for messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Proof {
    pub(super) header: Option<HeaderValue>,
    pub(super) whom: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<Secret<String>>,
    access_token: Option<Secret<String>>,
    expires_in: Option<u64>,
}

impl Authority {
    fn of(&self, registry: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(registry.to_owned()).or_default())
    }
}

impl Client {
    /// What to send with the first try: what the registry is known to want, or nothing.
    pub(super) async fn proof(&self, registry: &Registry, scope: &str) -> Result<Proof, Fault> {
        let known = self.shared.authority.of(&registry.host);
        // The lock is held while a token is fetched, so that many requests fetch one token.
        let mut known = known.lock().await;
        match known.challenge.clone() {
            None => Ok(Proof { header: None, whom: Credentials::Anonymous.whom() }),
            Some(challenge) => self.answer(registry, &mut known, &challenge, scope).await,
        }
    }

    /// What to send after a 401 with these `headers`; none where nothing better can be sent than
    /// what was `refused`.
    pub(super) async fn prove(
        &self,
        registry: &Registry,
        scope: &str,
        headers: &HeaderMap,
        refused: &Proof,
    ) -> Result<Option<Proof>, Fault> {
        let offered: Vec<Challenge> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(challenge::parse)
            .collect();
        let bearer = offered.iter().find(|way| matches!(way, Challenge::Bearer { .. }));
        let Some(challenge) = bearer.or(offered.first()).cloned() else { return Ok(None) };
        let known = self.shared.authority.of(&registry.host);
        let mut known = known.lock().await;
        if known
            .tokens
            .get(scope)
            .is_some_and(|token| Some(&token.header) == refused.header.as_ref())
        {
            known.tokens.remove(scope);
        }
        known.challenge = Some(challenge.clone());
        let proof = self.answer(registry, &mut known, &challenge, scope).await?;
        Ok((proof.header != refused.header).then_some(proof))
    }

    async fn answer(
        &self,
        registry: &Registry,
        known: &mut Known,
        challenge: &Challenge,
        scope: &str,
    ) -> Result<Proof, Fault> {
        let now = Instant::now();
        if let Some(token) = known.tokens.get(scope).filter(|token| token.until > now) {
            return Ok(Proof { header: Some(token.header.clone()), whom: token.whom.clone() });
        }
        let credentials = self.shared.credentials.credentials(&registry.host).await?;
        let whom = credentials.whom();
        let header = match (challenge, &credentials) {
            (_, Credentials::RegistryToken(token)) => Some(bearer(token)?),
            (Challenge::Basic, _) => basic(&credentials)?,
            (Challenge::Bearer { realm, service, scope: asked }, _) => {
                let scopes = union(scope, asked.as_deref());
                let request = TokenRequest { realm, service: service.as_deref(), scopes };
                let answer = self.fetch_token(registry, &request, &credentials).await?;
                let (header, seconds) = answer;
                known.tokens.retain(|_, token| token.until > now);
                if known.tokens.len() >= MOST_TOKENS {
                    known.tokens.clear();
                }
                // Renewed a little early: a token must outlive the request that carries it.
                let until = now + Duration::from_secs(seconds.min(86_400)).mul_f32(0.9);
                let token = Token { header: header.clone(), whom: whom.clone(), until };
                known.tokens.insert(scope.to_owned(), token);
                Some(header)
            }
        };
        Ok(Proof { header, whom })
    }

    /// A token, and for how many seconds it is good.
    async fn fetch_token(
        &self,
        registry: &Registry,
        request: &TokenRequest<'_>,
        credentials: &Credentials,
    ) -> Result<(HeaderValue, u64), Fault> {
        let mut url = Url::parse(request.realm)
            .map_err(|_| Fault::Answer("the realm of its token service is not a URL".into()))?;
        let realm = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        let identity = match credentials {
            Credentials::IdentityToken(token) => Some(token),
            _ => None,
        };
        let mut headers = HeaderMap::new();
        let mut body = None;
        if let Some(token) = identity {
            body = Some(request.form(token).into());
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(http::header::CONTENT_TYPE, form);
        } else {
            request.query(&mut url);
            if let Some(header) = basic(credentials)? {
                headers.insert(AUTHORIZATION, header);
            }
        }
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let hop = Hop { method, url, headers, body };
        let response = self.repeated(registry, &hop).await?;
        let status = response.status();
        if status != StatusCode::OK {
            return Err(Fault::Token { realm, status: status.as_u16(), whom: credentials.whom() });
        }
        let bytes = read_capped(response, MOST_TOKEN_BYTES, &self.shared.settings).await?;
        // The parser's error could quote the token, so it is not passed on.
        let answer: TokenAnswer = serde_json::from_slice(&bytes)
            .map_err(|_| Fault::Answer(format!("{realm} did not answer with a token")))?;
        let token = answer
            .token
            .or(answer.access_token)
            .ok_or_else(|| Fault::Answer(format!("{realm} answered without a token")))?;
        Ok((bearer(&token)?, answer.expires_in.unwrap_or(DEFAULT_SECONDS).max(DEFAULT_SECONDS)))
    }
}

struct TokenRequest<'a> {
    realm: &'a str,
    service: Option<&'a str>,
    scopes: Vec<&'a str>,
}

impl TokenRequest<'_> {
    fn query(&self, url: &mut Url) {
        let mut pairs = url.query_pairs_mut();
        if let Some(service) = self.service {
            pairs.append_pair("service", service);
        }
        for scope in &self.scopes {
            pairs.append_pair("scope", scope);
        }
    }

    fn form(&self, token: &Secret<String>) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("service", self.service.unwrap_or_default())
            .append_pair("client_id", "portolan")
            .append_pair("scope", &self.scopes.join(" "))
            .append_pair("refresh_token", token.expose())
            .finish()
    }
}

/// What we know that we need, and what the registry says besides (a mount needs its source too).
fn union<'a>(ours: &'a str, asked: Option<&'a str>) -> Vec<&'a str> {
    let mut scopes: Vec<&str> = ours.split(' ').filter(|scope| !scope.is_empty()).collect();
    for scope in asked.into_iter().flat_map(|asked| asked.split(' ')) {
        if !scope.is_empty() && !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

fn sensitive(text: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Fault::Answer("the credentials do not fit into a header".into()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn bearer(token: &Secret<String>) -> Result<HeaderValue, Fault> {
    sensitive(&format!("Bearer {}", token.expose()))
}

fn basic(credentials: &Credentials) -> Result<Option<HeaderValue>, Fault> {
    match credentials {
        Credentials::Basic { username, password } => {
            let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
            sensitive(&format!("Basic {pair}")).map(Some)
        }
        _ => Ok(None),
    }
}
