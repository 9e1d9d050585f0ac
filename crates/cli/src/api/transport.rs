//! Sending one request: over the network, or into the router in this process.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use portolan_model::Secret;
use portolan_server::App;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt as _;

use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// No answer is larger, in bytes.
const MOST_BYTES: usize = 256 << 20;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: a scan is answered when it is done.
const ANSWER: Duration = Duration::from_hours(1);

/// The header that makes two requests the same one.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Who is asked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a command has one, for as long as it runs")]
pub(crate) enum Api {
    /// A server.
    Remote {
        /// Its URL, without a slash at the end.
        base: String,
        /// The client.
        client: reqwest::Client,
    },
    /// The same routes in this process.
    Embedded {
        /// The routes.
        router: Router,
        /// What they work on.
        app: App,
    },
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    method: Method,
    /// The path and the query.
    at: String,
    /// What is taken for an answer.
    pub(crate) accept: Option<&'static str>,
    /// The media type of the body.
    pub(crate) content_type: Option<String>,
    /// What makes two requests the same one.
    pub(crate) idempotency_key: Option<String>,
    /// The body.
    pub(crate) body: Bytes,
}

impl Request {
    fn new(method: Method, at: String) -> Self {
        Self {
            method,
            at,
            accept: None,
            content_type: None,
            idempotency_key: None,
            body: Bytes::new(),
        }
    }

    /// `GET`.
    pub(crate) fn get(at: String) -> Self {
        Self::new(Method::GET, at)
    }

    /// `POST`, without a body.
    pub(crate) fn post(at: String) -> Self {
        Self::new(Method::POST, at)
    }

    /// `DELETE`.
    pub(crate) fn delete(at: String) -> Self {
        Self::new(Method::DELETE, at)
    }

    /// `PUT`.
    pub(crate) fn put(at: String) -> Self {
        Self::new(Method::PUT, at)
    }

    fn headers(&self) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        let content_type = self.content_type.as_deref().and_then(|text| text.parse().ok());
        headers.extend(content_type.map(|value| (CONTENT_TYPE, value)));
        let accept = self.accept.map(http::HeaderValue::from_static);
        headers.extend(accept.map(|value| (ACCEPT, value)));
        let key = self.idempotency_key.as_deref().and_then(|text| text.parse().ok());
        headers.extend(key.map(|value| (IDEMPOTENCY_KEY, value)));
        headers
    }
}

/// What was answered, with a status that says that it was done.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    /// The media type.
    pub(crate) content_type: Option<String>,
    /// The body.
    pub(crate) bytes: Bytes,
}

impl Answer {
    /// The body as JSON of the expected shape.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Outcome<T> {
        serde_json::from_slice(&self.bytes).map_err(|error| {
            let what = format!("the answer to {} is not what was expected", self.what);
            let hint = "is the server another version of Portolan, or something else?";
            Failure::new(Code::OtherSide, what).because(&error).hint(hint)
        })
    }
}

impl Api {
    /// The server at `url`, which is sent `token`.
    pub(crate) fn remote(url: &str, token: Option<&Secret<String>>) -> Outcome<Self> {
        let wrong = || {
            Failure::new(Code::Usage, format!("`{url}` is not the URL of a server"))
                .hint("write it as in http://127.0.0.1:5094")
        };
        let parsed = url::Url::parse(url).map_err(|_| wrong())?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.query().is_some() {
            return Err(wrong());
        }
        let mut headers = http::HeaderMap::new();
        if let Some(token) = token {
            let bearer = http::HeaderValue::try_from(format!("Bearer {}", token.expose()));
            let mut bearer = bearer.map_err(|_| {
                Failure::new(Code::Configuration, "the token for the server is no token")
                    .hint("check PORTOLAN_TOKEN, and `token` and `token_file` of [server]")
            })?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .build()
            .map_err(|error| Failure::of(Code::Configuration, &error))?;
        Ok(Self::Remote { base: parsed.as_str().trim_end_matches('/').to_owned(), client })
    }

    /// The routes over `app`, in this process.
    pub(crate) fn embedded(app: App) -> Self {
        Self::Embedded { router: portolan_server::router(app.clone()), app }
    }

    /// Sends a request; an answer that says no is a failure.
    pub(crate) async fn send(&self, request: Request) -> Outcome<Answer> {
        let what = format!("{} {}", request.method, request.at);
        let (status, content_type, bytes) = match self {
            Self::Remote { base, client } => remote(base, client, request).await?,
            Self::Embedded { router, .. } => embedded(router.clone(), request, &what).await?,
        };
        if status.is_success() {
            return Ok(Answer { what, content_type, bytes });
        }
        Err(refused(status, &bytes, &what))
    }
}

type Parts = (StatusCode, Option<String>, Bytes);

async fn remote(base: &str, client: &reqwest::Client, request: Request) -> Outcome<Parts> {
    let failed = |error: &reqwest::Error| {
        let code = if error.is_timeout() { Code::TimedOut } else { Code::OtherSide };
        let hint = error.is_connect().then(|| {
            "is it running there? `portolan up` starts one; without --server and PORTOLAN_SERVER, \
             the embedded store of the configuration is asked"
                .to_owned()
        });
        // Its own text holds the URL, which may hold a password.
        let failure = Failure::new(code, format!("could not ask the server {}", host(base)));
        match std::error::Error::source(error) {
            Some(cause) => failure.because(cause).maybe_hint(hint),
            None => failure.maybe_hint(hint),
        }
    };
    let headers = request.headers();
    let url = format!("{base}{}", request.at);
    let sent = client.request(request.method, url).headers(headers).body(request.body).send();
    let mut response = sent.await.map_err(|error| failed(&error))?;
    let status = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.map(ToOwned::to_owned);
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
        if bytes.len() + chunk.len() > MOST_BYTES {
            let message = format!("the server {} answers without end", host(base));
            return Err(Failure::new(Code::OtherSide, message));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((status, content_type, bytes.freeze()))
}

/// The URL without user and password.
fn host(base: &str) -> String {
    url::Url::parse(base)
        .map_or_else(|_| String::from("of that URL"), |url| url.origin().ascii_serialization())
}

async fn embedded(router: Router, request: Request, what: &str) -> Outcome<Parts> {
    let bug = |text: String| Failure::new(Code::Bug, format!("{what}: {text}"));
    let headers = request.headers();
    let mut asked = http::Request::builder().method(request.method).uri(&request.at);
    if let Some(all) = asked.headers_mut() {
        all.extend(headers);
    }
    let asked = asked.body(Body::from(request.body)).map_err(|error| bug(error.to_string()))?;
    let Ok(response) = router.oneshot(asked).await;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST_BYTES).collect().await;
    let body = body.map_err(|error| bug(error.to_string()))?.to_bytes();
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Ok((head.status, content_type.map(ToOwned::to_owned), body))
}

/// How the API and the registry tell what is wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Problem {
    message: Option<String>,
    error_message: Option<String>,
    errors: Vec<Problem>,
}

impl Problem {
    fn text(self) -> Option<String> {
        let first = self.errors.into_iter().find_map(Self::text);
        self.message.or(self.error_message).or(first)
    }
}

fn refused(status: StatusCode, bytes: &[u8], what: &str) -> Failure {
    let code = match status.as_u16() {
        400 | 405 | 413 | 416 => Code::Usage,
        401 | 403 => Code::Configuration,
        404 => Code::NotFound,
        409 => Code::Conflict,
        408 | 504 => Code::TimedOut,
        _ => Code::OtherSide,
    };
    let problem: Problem = serde_json::from_slice(bytes).unwrap_or_default();
    let told = problem.text().map(|text| crate::table::printable(&text));
    let hint = (status == StatusCode::UNAUTHORIZED)
        .then(|| "set PORTOLAN_TOKEN, or `token_file` of [server]".to_owned());
    match told {
        Some(message) => Failure::new(code, message).maybe_hint(hint),
        None => Failure::new(code, format!("the server answered {status} to {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_is_passed_on() {
        for (status, body, code, text) in [
            (404, r#"{"message": "a:1 was not found"}"#, Code::NotFound, "a:1 was not found"),
            (409, r#"{"errors": [{"message": "busy"}]}"#, Code::Conflict, "busy"),
            (400, r#"{"errorMessage": "repo"}"#, Code::Usage, "repo"),
            (502, "<html>", Code::OtherSide, "the server answered 502 Bad Gateway to GET /x"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let failure = refused(status, body.as_bytes(), "GET /x");
            assert_eq!(failure.code, code);
            assert_eq!(failure.text(str::to_owned), format!("error: {text}\n"));
        }
    }

    #[test]
    fn a_server_s_url_is_checked() {
        for url in ["127.0.0.1:5094", "ftp://a", "", "http://a/?x"] {
            assert_eq!(Api::remote(url, None).unwrap_err().code, Code::Usage, "{url}");
        }
        assert_eq!(host("http://u:hunter2@h:1/x"), "http://h:1");
    }
}
