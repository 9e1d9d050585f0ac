//! Proving to be a GitHub App: a signed claim buys a token of the installation, which is used until
//! shortly before it expires.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use portolan_model::{Clock, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::answer;
use crate::settings::{AppKey, Settings};
use crate::{GithubError, SetupError};

const DOING: &str = "give a token of the app's installation";
/// An installation's token lives for an hour and is not used in its last minutes: a page that is
/// asked for with it must be answered before it expires.
const MARGIN: i64 = 5 * 60_000;
/// A claim is valid for ten minutes at most; it begins a minute ago, for clocks that go behind.
const CLAIM_BEFORE: i64 = 60;
const CLAIM_AFTER: i64 = 9 * 60;
/// Bytes of an answer with a token at most.
const MOST_BYTES: usize = 1 << 20;

/// A GitHub App in the organisation.
pub(crate) struct Installation {
    app_id: String,
    key: EncodingKey,
    tokens: Url,
    cached: Mutex<Option<Token>>,
}

/// A token of the installation.
#[derive(Deserialize)]
struct Token {
    token: Secret<String>,
    expires_at: Timestamp,
}

/// What the app says of itself ([GitHub's page][1]).
///
/// [1]: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
#[derive(Serialize)]
struct Claim<'a> {
    iat: i64,
    exp: i64,
    iss: &'a str,
}

impl Installation {
    pub(crate) fn new(app: &AppKey, settings: &Settings) -> Result<Self, SetupError> {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let id = &app.installation_id;
        if !number(id) {
            return Err(SetupError::Name {
                what: "the number of an installation",
                value: id.clone(),
            });
        }
        let app_id = &app.app_id;
        if app_id.is_empty()
            || !app_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        {
            return Err(SetupError::Name { what: "the id of a GitHub App", value: app_id.clone() });
        }
        Ok(Self {
            app_id: app_id.clone(),
            key: EncodingKey::from_rsa_pem(app.private_key.expose().as_bytes())
                .map_err(SetupError::Key)?,
            tokens: settings.installation_tokens(id)?,
            cached: Mutex::new(None),
        })
    }

    /// A token that is valid for some minutes more.
    pub(crate) async fn token(
        &self,
        http: &reqwest::Client,
        clock: &dyn Clock,
    ) -> Result<Secret<String>, GithubError> {
        // Held while a token is had, so that whoever comes second takes the same one.
        let mut cached = self.cached.lock().await;
        if let Some(token) = &*cached
            && token.expires_at.millis_since(clock.now()) > MARGIN
        {
            return Ok(token.token.clone());
        }
        let claim = self.claim(clock.now())?;
        let request = http.post(self.tokens.clone()).bearer_auth(claim.expose());
        let answer = answer::send(request, DOING, MOST_BYTES).await?;
        let answer = answer.accept(DOING, 201, clock.now())?;
        let token: Token = serde_json::from_slice(&answer.body).map_err(|error| {
            // The error says what was found where: a type or a field's name, never the token.
            GithubError::Shape { doing: DOING, reason: error.to_string() }
        })?;
        let text = token.token.clone();
        *cached = Some(token);
        Ok(text)
    }

    /// Forgets the token, which was refused; whether there was one.
    pub(crate) async fn forget(&self) -> bool {
        self.cached.lock().await.take().is_some()
    }

    fn claim(&self, now: Timestamp) -> Result<Secret<String>, GithubError> {
        let seconds = now.millis() / 1000;
        let claim =
            Claim { iat: seconds - CLAIM_BEFORE, exp: seconds + CLAIM_AFTER, iss: &self.app_id };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claim, &self.key)
            .map(Secret::new)
            .map_err(|error| GithubError::Credentials { doing: DOING, message: error.to_string() })
    }
}
