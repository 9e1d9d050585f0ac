//! Sending: who asks is proven, redirects are followed under the egress policy, what is transient
//! is repeated, and nothing is waited for without end.

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use portolan_model::RepositoryName;
use reqwest::Response;
use serde::Deserialize;
use url::Url;

use super::auth::Proof;
use super::{Client, Fault, Registry, RegistryError, Settings, retry};
use crate::egress::{self, Reach};
use crate::manifest::ManifestError;

/// One registry's redirect leads to another this often at most.
const MOST_REDIRECTS: usize = 5;
/// What a registry says of an error is not read past this.
const MOST_ERROR_BYTES: u64 = 64 * 1024;

/// What is asked of a registry.
pub(super) struct Ask<'a> {
    pub(super) registry: &'a Registry,
    pub(super) repository: Option<&'a RepositoryName>,
    /// For messages, after "could not": "read the manifest 1.2".
    pub(super) what: String,
    pub(super) hop: Hop,
    /// What a token must allow, as in `repository:team/app:pull`.
    pub(super) scope: String,
}

/// One request as it goes over the wire, which may be sent again.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
}

impl Hop {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: None }
    }
}

/// An answer, and as whom it was asked for.
pub(super) struct Answer {
    pub(super) response: Response,
    whom: String,
}

impl Ask<'_> {
    pub(super) fn fail(&self, fault: impl Into<Fault>) -> RegistryError {
        RegistryError {
            registry: self.registry.host.clone(),
            repository: self.repository.cloned(),
            what: self.what.clone(),
            fault: Box::new(fault.into()),
        }
    }

    /// Sends, and takes only an answer whose status is among `expected`.
    pub(super) async fn send(&self, expected: &[StatusCode]) -> Result<Response, RegistryError> {
        let client = &self.registry.client;
        let mut attempt = 0;
        loop {
            let outcome = self.authorised().await;
            let settings = &client.shared.settings;
            attempt += 1;
            let wait = match &outcome {
                _ if attempt >= settings.attempts => None,
                Ok(answer) if retry::is_transient(answer.response.status()) => {
                    Some(retry::wait(settings, attempt - 1, Some(answer.response.headers())))
                }
                Err(Fault::Transport(_) | Fault::Timeout { .. }) => {
                    Some(retry::wait(settings, attempt - 1, None))
                }
                _ => None,
            };
            let Some(wait) = wait else {
                let answer = outcome.map_err(|fault| self.fail(fault))?;
                return self.expect(answer, expected).await;
            };
            tracing::debug!(registry = %self.registry.host, what = %self.what, ?wait, "repeating");
            tokio::time::sleep(wait).await;
        }
    }

    async fn authorised(&self) -> Result<Answer, Fault> {
        let client = &self.registry.client;
        let proof = client.proof(self.registry, &self.scope).await?;
        let response = self.follow(&proof).await?;
        // Only the registry itself is told who asks, whatever another host may want.
        let of_registry = same_authority(response.url(), &self.registry.base);
        if response.status() != StatusCode::UNAUTHORIZED || !of_registry {
            return Ok(Answer { response, whom: proof.whom });
        }
        let better = client.prove(self.registry, &self.scope, response.headers(), &proof).await?;
        match better {
            None => Ok(Answer { response, whom: proof.whom }),
            Some(proof) => {
                let response = self.follow(&proof).await?;
                Ok(Answer { response, whom: proof.whom })
            }
        }
    }

    async fn follow(&self, proof: &Proof) -> Result<Response, Fault> {
        let client = &self.registry.client;
        let mut hop = self.hop.clone();
        for _ in 0..=MOST_REDIRECTS {
            if let (Some(header), true) =
                (&proof.header, same_authority(&hop.url, &self.registry.base))
            {
                hop.headers.insert(AUTHORIZATION, header.clone());
            } else {
                hop.headers.remove(AUTHORIZATION);
            }
            let response = client.once(self.registry, &hop).await?;
            let follows = hop.method == Method::GET || hop.method == Method::HEAD;
            if !follows || !is_redirect(response.status()) {
                return Ok(response);
            }
            hop.url = location(&response)?;
        }
        Err(Fault::Redirects(MOST_REDIRECTS))
    }

    /// The answer, or the error that it is.
    pub(super) async fn expect(
        &self,
        answer: Answer,
        expected: &[StatusCode],
    ) -> Result<Response, RegistryError> {
        let status = answer.response.status();
        if expected.contains(&status) {
            return Ok(answer.response);
        }
        let settings = &self.registry.client.shared.settings;
        let body = read_capped(answer.response, MOST_ERROR_BYTES, settings).await;
        let (code, message) = body.ok().and_then(|body| told(&body)).unwrap_or_default();
        let whom = answer.whom;
        Err(self.fail(Fault::Status { status: status.as_u16(), code, message, whom }))
    }

    /// Sends a body that can be read only once, as the proof that is known now.
    pub(super) async fn send_stream(
        &self,
        body: reqwest::Body,
        length: u64,
        stalled: impl Future<Output = ()>,
    ) -> Result<Answer, Fault> {
        let client = &self.registry.client;
        let proof = client.proof(self.registry, &self.scope).await?;
        let mut hop = self.hop.clone();
        hop.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        if let (Some(header), true) = (&proof.header, same_authority(&hop.url, &self.registry.base))
        {
            hop.headers.insert(AUTHORIZATION, header.clone());
        }
        let request = client.request(self.registry, &hop).await?.body(body);
        tokio::select! {
            response = request.send() => {
                let response = response.map_err(transport)?;
                Ok(Answer { response, whom: proof.whom })
            }
            () = stalled => {
                Err(Fault::Timeout { seconds: client.shared.settings.stall_timeout.as_secs() })
            }
        }
    }
}

impl Client {
    /// One request, repeated while what goes wrong is transient; redirects are not followed.
    pub(super) async fn repeated(&self, registry: &Registry, hop: &Hop) -> Result<Response, Fault> {
        let settings = &self.shared.settings;
        let mut attempt = 0;
        loop {
            let outcome = self.once(registry, hop).await;
            let transient = match &outcome {
                Ok(response) => retry::is_transient(response.status()),
                Err(fault) => matches!(fault, Fault::Transport(_) | Fault::Timeout { .. }),
            };
            attempt += 1;
            if !transient || attempt >= settings.attempts {
                return outcome;
            }
            let headers = outcome.as_ref().ok().map(Response::headers);
            tokio::time::sleep(retry::wait(settings, attempt - 1, headers)).await;
        }
    }

    async fn once(&self, registry: &Registry, hop: &Hop) -> Result<Response, Fault> {
        let mut request = self.request(registry, hop).await?;
        if let Some(body) = &hop.body {
            request = request.body(body.clone());
        }
        let limit = self.shared.settings.response_timeout;
        match tokio::time::timeout(limit, request.send()).await {
            Ok(response) => response.map_err(transport),
            Err(_) => Err(Fault::Timeout { seconds: limit.as_secs() }),
        }
    }

    /// The request, if the egress policy allows it.
    async fn request(
        &self,
        registry: &Registry,
        hop: &Hop,
    ) -> Result<reqwest::RequestBuilder, Fault> {
        let reach = self.reach(registry, &hop.url).await;
        egress::check_url(&hop.url, reach, registry.base.scheme() == "http")?;
        let http = self.http(reach).map_err(transport)?;
        Ok(http.request(hop.method.clone(), hop.url.clone()).headers(hop.headers.clone()))
    }

    async fn reach(&self, registry: &Registry, url: &Url) -> Reach {
        let allowed = &self.shared.settings.egress_allowed;
        let host = url.host_str().unwrap_or_default();
        let configured = allowed.iter().any(|listed| {
            listed == host || url.port().is_some_and(|port| *listed == format!("{host}:{port}"))
        });
        let inside = configured
            || same_authority(url, &registry.base)
            || egress::is_inside(&registry.base).await;
        if inside { Reach::Inside } else { Reach::Public }
    }
}

/// What names a URL adds nothing that must not be seen, but its query may.
fn transport(error: reqwest::Error) -> Fault {
    Fault::Transport(error.without_url())
}

/// Whether both lead to the same host and port in the same way.
pub(super) fn same_authority(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where an answer leads to.
pub(super) fn location(response: &Response) -> Result<Url, Fault> {
    response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| response.url().join(text).ok())
        .ok_or_else(|| Fault::Answer("it leads to another place but names none".into()))
}

/// The next piece of a body; none at its end.
pub(super) async fn next_piece(
    response: &mut Response,
    settings: &Settings,
) -> Result<Option<Bytes>, Fault> {
    let limit = settings.stall_timeout;
    match tokio::time::timeout(limit, response.chunk()).await {
        Ok(piece) => piece.map_err(transport),
        Err(_) => Err(Fault::Timeout { seconds: limit.as_secs() }),
    }
}

/// A whole body, where it has at most `limit` bytes.
pub(super) async fn read_capped(
    mut response: Response,
    limit: u64,
    settings: &Settings,
) -> Result<Bytes, Fault> {
    let too_large = |size| Fault::Manifest(ManifestError::TooLarge { size, limit });
    if let Some(size) = response.content_length().filter(|size| *size > limit) {
        return Err(too_large(size));
    }
    let mut bytes = BytesMut::new();
    while let Some(piece) = next_piece(&mut response, settings).await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
    }
    Ok(bytes.freeze())
}

/// The registry's own code and message.
fn told(body: &[u8]) -> Option<(Option<String>, Option<String>)> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        code: Option<String>,
        message: Option<String>,
    }
    let shown =
        |text: String| text.chars().filter(|c| !c.is_control()).take(300).collect::<String>();
    let errors: Errors = serde_json::from_slice(body).ok()?;
    let first = errors.errors.into_iter().next()?;
    Some((first.code.map(shown), first.message.map(shown).filter(|text| !text.is_empty())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::credentials::NoCredentials;

    async fn reach(registry: &str, url: &str, allowed: &[&str]) -> Reach {
        let egress_allowed = allowed.iter().map(ToString::to_string).collect();
        let settings = Settings { egress_allowed, ..Settings::default() };
        let client = Client::new(settings, Arc::new(NoCredentials)).unwrap();
        let registry = client.registry(registry).unwrap();
        client.reach(&registry, &url.parse().unwrap()).await
    }

    #[tokio::test]
    async fn a_registry_outside_leads_inside_only_where_that_is_configured() {
        let inside = "https://10.0.0.7:8443/token";
        assert_eq!(reach("93.184.215.14", inside, &[]).await, Reach::Public);
        assert_eq!(reach("93.184.215.14", inside, &["10.0.0.8"]).await, Reach::Public);
        assert_eq!(reach("93.184.215.14", inside, &["10.0.0.7"]).await, Reach::Inside);
        assert_eq!(reach("93.184.215.14", inside, &["10.0.0.7:8443"]).await, Reach::Inside);
        assert_eq!(reach("10.1.1.1", inside, &[]).await, Reach::Inside);
        assert_eq!(reach("10.1.1.1", "https://10.1.1.1/v2/", &[]).await, Reach::Inside);
    }
}
