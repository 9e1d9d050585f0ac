//! Tokens: made, listed, revoked.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use portolan_model::{Timestamp, TokenId};
use portolan_store::{NewToken, Scope, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ask::{Name, PageQuery, Part, Query, shown};
use super::error::{ApiError, ApiResult, Message};
use crate::App;
use crate::door::{Holder, mint};

/// The longest body, in bytes.
const MOST_BYTES: usize = 16 * 1024;
/// The longest name, in bytes.
const MOST_NAME: usize = 64;
/// Scopes of one token at most.
const MOST_SCOPES: usize = 50;
/// Tokens that are not revoked, at most.
const MOST_TOKENS: usize = 1000;

/// A token to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenWish {
    /// Its name: 1 to 64 letters, digits, `.`, `_` and `-`.
    name: String,
    /// What its holder may do: `read`, `push`, `events`, `release`, `deploy:ENVIRONMENT`, `admin`.
    scopes: Vec<String>,
    /// From when on it lets nobody in; never, if not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A token, without what would let somebody in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenInfo {
    /// Its identity.
    #[schema(value_type = String)]
    id: TokenId,
    /// Its name.
    name: String,
    /// What its holder may do.
    scopes: Vec<String>,
    /// `live`, `expired` or `revoked`.
    state: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// From when on it lets nobody in.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// When it was last seen, to the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

impl TokenInfo {
    fn new(token: Token, now: Timestamp) -> Self {
        let state = match (token.revoked_at, token.is_live(now)) {
            (Some(_), _) => "revoked",
            (None, true) => "live",
            (None, false) => "expired",
        };
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes.iter().map(ToString::to_string).collect(),
            state,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeToken {
    #[serde(flatten)]
    info: TokenInfo,
    /// The token itself. It is told here and never again.
    token: String,
}

/// A part of the tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenPage {
    tokens: Vec<TokenInfo>,
    #[serde(flatten)]
    part: Part,
}

/// Makes a token, and tells it: once.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens", request_body = TokenWish,
    responses(
        (status = 201, body = MadeToken),
        (status = 400, description = "The name, a scope or the time makes no sense", body = Message),
        (status = 409, description = "There is a token of this name, or there are too many",
         body = Message),
        (status = 413, description = "The body is too long", body = Message),
        (status = 501, description = "This server was given nothing to make tokens of",
         body = Message),
    )
)]
pub(super) async fn create(
    State(app): State<App>,
    by: Option<Extension<Holder>>,
    body: Body,
) -> ApiResult<Response> {
    let wish = read(body).await?;
    let now = app.store.now();
    let scopes = scopes(&wish.scopes)?;
    check_name(&wish.name)?;
    if wish.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiError::bad("`expiresAt` is not in the future"));
    }
    if app.door.standing(&app.store).await?.tokens >= MOST_TOKENS {
        let message = format!("there are {MOST_TOKENS} tokens: revoke some that nobody uses");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    let Some(entropy) = &app.settings.entropy else {
        let message = "this server was given nothing to make tokens of";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, message));
    };
    let (secret, digest) = mint(&**entropy).map_err(|error| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("no random numbers: {error}"))
    })?;
    let id = TokenId::new(app.store.ids());
    let TokenWish { name, expires_at, .. } = wish;
    let new = NewToken { id, name: name.clone(), digest, scopes, created_at: now, expires_at };
    let add = app.store.write(move |tx| Box::pin(async move { tx.add_token(new).await }));
    if !add.await? {
        let message = format!("there is a token called {name}: revoke it, or take another name");
        return Err(ApiError::new(StatusCode::CONFLICT, message));
    }
    app.door.renew(&app.store).await?;
    tracing::info!(token = %id, name, by = whom(by.as_deref()), "a token was made");
    let made = app.store.token(id).await?.ok_or_else(|| missing(&name))?;
    let made = MadeToken { info: TokenInfo::new(made, now), token: secret.expose().clone() };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(made)).into_response())
}

async fn read(body: Body) -> ApiResult<TokenWish> {
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
        let message = format!("the body has more than {MOST_BYTES} bytes, or did not arrive whole");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::bad(format!("the body describes no token: {error}")))
}

fn scopes(asked: &[String]) -> ApiResult<Vec<Scope>> {
    let mut scopes: Vec<Scope> = Vec::new();
    for text in asked {
        let scope = text.parse().map_err(|error| ApiError::bad(shown(&format!("{error}"))))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() || scopes.len() > MOST_SCOPES {
        return Err(ApiError::bad(format!("a token has 1 to {MOST_SCOPES} scopes")));
    }
    Ok(scopes)
}

fn check_name(name: &str) -> ApiResult<()> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    // What reads as an identity could be taken for another token's.
    if !plain || name.is_empty() || name.len() > MOST_NAME || name.parse::<TokenId>().is_ok() {
        return Err(ApiError::bad(format!(
            "a token's name has 1 to {MOST_NAME} letters, digits, `.`, `_` and `-`, and is no UUID"
        )));
    }
    Ok(())
}

/// All tokens, also those that expired or were revoked, the newest first.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens", params(PageQuery),
    responses((status = 200, body = TokenPage))
)]
pub(super) async fn list(
    State(app): State<App>,
    Query(page): Query<PageQuery>,
) -> ApiResult<Json<TokenPage>> {
    let limits = &app.settings.limits;
    let found = app.store.tokens(page.part(limits)).await?;
    let now = app.store.now();
    let tokens = found.items.into_iter().map(|token| TokenInfo::new(token, now)).collect();
    Ok(Json(TokenPage { tokens, part: page.told(limits, found.total) }))
}

/// Revokes a token: from now on it lets nobody in.
#[utoipa::path(
    delete, path = "/tokens/{token}", tag = "tokens",
    params(("token" = String, Path, description = "Its identity, or its name")),
    responses(
        (status = 200, description = "It is revoked, now or before", body = TokenInfo),
        (status = 404, description = "There is no such token", body = Message),
    )
)]
pub(super) async fn revoke(
    State(app): State<App>,
    by: Option<Extension<Holder>>,
    Name(name): Name,
) -> ApiResult<Json<TokenInfo>> {
    let id = find(&app, &name).await?;
    let now = app.store.now();
    let revoke = app.store.write(move |tx| Box::pin(async move { tx.revoke_token(id, now).await }));
    if revoke.await? {
        app.door.renew(&app.store).await?;
        tracing::info!(token = %id, by = whom(by.as_deref()), "a token was revoked");
    }
    let token = app.store.token(id).await?.ok_or_else(|| missing(&name))?;
    Ok(Json(TokenInfo::new(token, now)))
}

/// The token of this identity, else the one of this name that is not revoked.
async fn find(app: &App, name: &str) -> ApiResult<TokenId> {
    if let Ok(id) = name.parse::<TokenId>() {
        return app.store.token(id).await?.map(|token| token.id).ok_or_else(|| missing(name));
    }
    let kept = app.store.kept_tokens().await?;
    let found = kept.into_iter().find(|kept| kept.token.name == name);
    found.map(|kept| kept.token.id).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format_args!("the token {}", shown(name)))
}

/// Who did it, for the log.
fn whom(by: Option<&Holder>) -> String {
    by.map_or_else(
        || "nobody that brought a token".to_owned(),
        |by| format!("{} {}", by.name, by.id),
    )
}
