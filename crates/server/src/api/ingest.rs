//! Taking events in: one body of whatever shape, in the journal before it is answered.

mod cloud;
mod sns;

pub(crate) use sns::is_from as is_signed;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use portolan_model::EventId;
use portolan_tracker::envelope::{MAX_BYTES, Unreadable, open};
use portolan_tracker::{Message, Taken};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult, Message as Told};
use crate::App;

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 200;

/// What became of the events of a body.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Recorded {
    /// Those that are in the journal now and were not before, in their order.
    #[schema(value_type = Vec<String>)]
    recorded: Vec<EventId>,
    /// How many had been recorded before.
    repeated: u64,
}

impl From<Taken> for Recorded {
    fn from(taken: Taken) -> Self {
        Self { recorded: taken.recorded, repeated: taken.repeated }
    }
}

/// Takes in events: EventBridge envelopes, notifications of registries, CloudEvents and CDEvents,
/// one or an array of them, also as SNS, SQS or a Lambda function's `Records` wrap them.
///
/// They are answered when they are in the journal, and acted on afterwards; `GET /events/{id}` tells
/// what came of each. An event is recorded once, by its own identity; one that has none, by the
/// header `Idempotency-Key`.
#[utoipa::path(
    post, path = "/events", tag = "events",
    params(
        ("idempotency-key" = Option<String>, Header,
         description = "With the same key, events without an identity are recorded once"),
        ("ce-type" = Option<String>, Header,
         description = "With `ce-specversion`, `ce-id` and others: a CloudEvent in binary mode"),
        ("x-amz-sns-message-type" = Option<String>, Header,
         description = "SNS sends this, and signs the body"),
    ),
    request_body(content = Object, description = "At most 1 MiB", content_type = "application/json"),
    responses(
        (status = 202, body = Recorded),
        (status = 200, description = "SNS's own word about a subscription", body = Recorded),
        (status = 400, description = "It is no event, and nothing was recorded", body = Told),
        (status = 403, description = "SNS did not sign it, or its topic is not to be heard",
         body = Told),
        (status = 413, description = "It is too long", body = Told),
    )
)]
pub(super) async fn ingest(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Response> {
    let body = text(&app, body).await?;
    if sns::is_from(&headers) {
        return sns::take(&app, body).await;
    }
    let body = cloud::structured(&headers, body)?;
    let id = key(&headers)?;
    take(&app, Message { source: "http".to_owned(), body, id, sent_at: None }).await
}

/// The body, which must be text and within the limit.
async fn text(app: &App, body: Body) -> ApiResult<String> {
    let most = usize::try_from(app.settings.limits.body_bytes).unwrap_or(MAX_BYTES).min(MAX_BYTES);
    let bytes = axum::body::to_bytes(body, most).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        if source.is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>) {
            let message = format!("the body has more than {most} bytes: send events in several");
            return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive whole")
    })?;
    String::from_utf8(bytes.into()).map_err(|_| ApiError::bad("the body is not UTF-8"))
}

/// The identity that the sender gave the request.
fn key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let text = key.to_str().ok().filter(|text| (1..=MAX_KEY).contains(&text.len()));
    let wrong = || {
        let message = format!("the Idempotency-Key must have 1 to {MAX_KEY} visible characters");
        ApiError::bad(message)
    };
    Ok(Some(format!("key:{}", text.ok_or_else(wrong)?)))
}

/// Takes a message in that can be opened; the sender sees why one cannot be.
async fn take(app: &App, message: Message) -> ApiResult<Response> {
    open(&message.body).map_err(|problem| {
        let status = match problem {
            Unreadable::Size { .. } | Unreadable::Count { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        ApiError::new(status, problem.to_string())
    })?;
    let taken = app.intake.take(vec![message]).await?;
    Ok((StatusCode::ACCEPTED, Json(Recorded::from(taken))).into_response())
}
