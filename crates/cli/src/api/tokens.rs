//! What is asked about tokens.

use portolan_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::answers::Paged;
use super::{Api, Request};
use crate::error::{Failure, Outcome};

/// A token, without what would let somebody in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) state: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
}

/// A token that was just made, with the token itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Made {
    #[serde(flatten)]
    pub(crate) known: Token,
    pub(crate) token: Secret<String>,
}

/// A part of the tokens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    tokens: Vec<Token>,
    total_pages: u64,
}

impl Paged for Page {
    type Item = Token;

    fn parts(self) -> (Vec<Token>, u64) {
        (self.tokens, self.total_pages)
    }
}

impl Api {
    /// Makes a token.
    pub(crate) async fn create_token(
        &self,
        name: &str,
        scopes: &[String],
        expires_at: Option<Timestamp>,
    ) -> Outcome<Made> {
        let wish = json!({ "name": name, "scopes": scopes, "expiresAt": expires_at });
        let body = serde_json::to_vec(&wish).map_err(|error| Failure::bug(&error))?;
        let mut request = Request::post("/tokens".to_owned());
        request.content_type = Some("application/json".to_owned());
        request.body = body.into();
        self.send(request).await?.json()
    }

    /// All tokens, the newest first.
    pub(crate) async fn tokens(&self) -> Outcome<Vec<Token>> {
        self.pages::<Page>("/tokens", &[]).await
    }

    /// Revokes the token of this identity or name.
    pub(crate) async fn revoke_token(&self, token: &str) -> Outcome<Token> {
        let name = byte_serialize(token.as_bytes()).collect::<String>().replace('+', "%20");
        self.send(Request::delete(format!("/tokens/{name}"))).await?.json()
    }
}
