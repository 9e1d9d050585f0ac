//! SNS over HTTPS: messages that it signed, of topics that are to be heard.
//!
//! Source: [what SNS sends](https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html).
//! Everybody can have a topic, and a message of it signed by SNS: so its topic must be one that the
//! configuration names.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use portolan_aws::sns::{Kind, SnsError};
use portolan_tracker::{Message, Taken};

use super::Recorded;
use crate::App;
use crate::api::ask::shown;
use crate::api::error::{ApiError, ApiResult};

/// Whether SNS says that it sent this, in its own envelope. What it sends raw has no signature, and
/// is taken as anybody's.
pub(crate) fn is_from(headers: &HeaderMap) -> bool {
    let raw = headers.get("x-amz-sns-rawdelivery").is_some_and(|value| value == "true");
    headers.contains_key("x-amz-sns-message-type") && !raw
}

/// Takes in a message of SNS: an event, or a word about a subscription.
pub(super) async fn take(app: &App, body: String) -> ApiResult<Response> {
    let Some(sns) = &app.settings.sns else {
        return Err(refused("no SNS topic is to be heard: name it in `sns_topics` of [events]"));
    };
    let message = sns.verifier.verify(body.as_bytes()).await.map_err(|error| told(&error))?;
    if !sns.hears(&message.topic) {
        let topic = shown(&message.topic);
        return Err(refused(format!("{topic} is not in `sns_topics` of [events]")));
    }
    match message.kind {
        Kind::Notification => {
            let source = format!("sns:{}", shown(&message.topic));
            let id = Some(format!("sns:{}", shown(&message.message_id)));
            super::take(app, Message { source, body, id, sent_at: message.sent_at() }).await
        }
        Kind::SubscriptionConfirmation => {
            sns.verifier.confirm(&message).await.map_err(|error| told(&error))?;
            tracing::info!(topic = message.topic, "a subscription of SNS was confirmed");
            Ok(Json(Recorded::from(Taken::default())).into_response())
        }
        Kind::UnsubscribeConfirmation => {
            tracing::warn!(topic = message.topic, "a subscription of SNS has ended");
            Ok(Json(Recorded::from(Taken::default())).into_response())
        }
    }
}

fn refused(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, message)
}

fn told(error: &SnsError) -> ApiError {
    // SNS sends again what is not answered with success.
    let status = match error {
        SnsError::Malformed(_) => StatusCode::BAD_REQUEST,
        error if error.is_transient() => StatusCode::BAD_GATEWAY,
        _ => StatusCode::FORBIDDEN,
    };
    ApiError::new(status, error.to_string())
}
