//! `CloudEvents` in binary mode: the data is the body, and all else is in headers.
//!
//! Source: [the HTTP binding](https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md#31-binary-content-mode).

use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::api::error::{ApiError, ApiResult};

/// An event in structured mode, with its data as it came.
#[derive(Debug, Serialize)]
struct Event<'a> {
    specversion: String,
    id: String,
    #[serde(rename = "type")]
    named: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// The body of an event in structured mode; a body that is no event in binary mode stays as it is.
pub(super) fn structured(headers: &HeaderMap, body: String) -> ApiResult<String> {
    let Some(specversion) = value(headers, "ce-specversion")? else { return Ok(body) };
    let required = |name: &'static str| {
        let missing = || ApiError::bad(format!("the header `{name}` is missing"));
        value(headers, name)?.ok_or_else(missing)
    };
    let data: Option<&RawValue> = match body.trim() {
        "" => None,
        text => Some(serde_json::from_str(text).map_err(|error| {
            ApiError::bad(format!("the data of the CloudEvent is not JSON: {error}"))
        })?),
    };
    let event = Event {
        specversion,
        id: required("ce-id")?,
        named: required("ce-type")?,
        source: value(headers, "ce-source")?,
        subject: value(headers, "ce-subject")?,
        time: value(headers, "ce-time")?,
        data,
    };
    serde_json::to_string(&event).map_err(|error| ApiError::internal(&error))
}

/// The value of a header, decoded.
fn value(headers: &HeaderMap, name: &'static str) -> ApiResult<Option<String>> {
    let Some(value) = headers.get(HeaderName::from_static(name)) else { return Ok(None) };
    let text = value.to_str().ok().and_then(|text| percent_decode_str(text).decode_utf8().ok());
    match text {
        Some(text) => Ok(Some(text.into_owned())),
        None => Err(ApiError::bad(format!("the header `{name}` is not text"))),
    }
}
