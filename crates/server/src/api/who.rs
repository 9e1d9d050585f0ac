//! Who asks for a release or a rollout, and whether they may.

use axum::body::Body;
use http::StatusCode;
use portolan_store::Scope;
use serde::de::DeserializeOwned;

use super::error::{ApiError, ApiResult};
use crate::door::Holder;

/// The longest body, in bytes: a plan of some hundred services.
const MOST_BYTES: usize = 4 << 20;
/// The longest name of somebody, in bytes.
const MOST_NAME: usize = 200;

/// What a request says, as JSON.
pub(super) async fn body_of<T: DeserializeOwned>(body: Body, what: &str) -> ApiResult<T> {
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|_| {
        let message = format!("the body has more than {MOST_BYTES} bytes, or did not arrive whole");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::bad(format!("the body describes no {what}: {error}")))
}

/// Who asks: the token's name, else what the request says of it.
pub(crate) fn by(holder: Option<&Holder>, told: Option<String>) -> ApiResult<String> {
    if let Some(holder) = holder {
        return Ok(holder.name.clone());
    }
    let told = told.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let named = told.ok_or_else(|| ApiError::bad("say who asks: `by`, or send a token"))?;
    if named.len() > MOST_NAME || named.chars().any(char::is_control) {
        return Err(ApiError::bad(format!("`by` is a name of {MOST_NAME} bytes at most")));
    }
    Ok(named)
}

/// Whether whoever asks may change `environment`. Whoever needed no token may.
pub(crate) fn may_deploy(holder: Option<&Holder>, environment: &str) -> ApiResult<()> {
    let needed = Scope::Deploy(environment.to_owned());
    match holder {
        Some(holder) if !holder.allows(&needed) => {
            let message = format!(
                "the token `{}` has not the scope `{needed}`: ask for one that has",
                holder.name
            );
            Err(ApiError::new(StatusCode::FORBIDDEN, message))
        }
        _ => Ok(()),
    }
}
