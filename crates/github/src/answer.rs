//! One answer over HTTP: read within limits, and what its status means.

use portolan_model::Timestamp;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use crate::GithubError;
use crate::throttle;

/// Characters of GitHub's own words that are repeated.
const MOST_MESSAGE: usize = 300;

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Sends `request` and reads the answer, where that has at most `limit` bytes.
pub(crate) async fn send(
    request: RequestBuilder,
    doing: &'static str,
    limit: usize,
) -> Result<Answer, GithubError> {
    let failed =
        |source: reqwest::Error| GithubError::Transport { doing, source: source.without_url() };
    let mut response = request.send().await.map_err(failed)?;
    let too_large = || GithubError::TooLarge { doing, limit };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        if body.len() + piece.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, headers, body })
}

impl Answer {
    /// The answer where its status is `expected`, else the error that it is.
    pub(crate) fn accept(
        self,
        doing: &'static str,
        expected: u16,
        now: Timestamp,
    ) -> Result<Self, GithubError> {
        if self.status == expected {
            return Ok(self);
        }
        let (status, message) = (self.status, self.message());
        if throttle::is_refusal(status, &self.headers, &message) {
            let until = throttle::after_refusal(&self.headers, now);
            return Err(GithubError::RateLimited { until, message });
        }
        Err(match status {
            401 => GithubError::Credentials { doing, message },
            _ => GithubError::Status { doing, status, message },
        })
    }

    /// What GitHub says of an error.
    fn message(&self) -> String {
        #[derive(Deserialize)]
        struct Told {
            message: String,
        }
        match serde_json::from_slice::<Told>(&self.body) {
            Ok(told) if !told.message.is_empty() => shown(&told.message),
            _ => "no reason was given".to_owned(),
        }
    }
}

/// `text` as it is repeated in an error.
pub(crate) fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_MESSAGE).collect()
}
