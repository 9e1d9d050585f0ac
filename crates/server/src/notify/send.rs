//! Sending, once: under the egress policy, without following redirects, and without a word of the
//! URL in what is said when it fails.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use portolan_model::Timestamp;
use portolan_oci::egress::{EgressError, Guard, Reach, check_url};
use portolan_store::Notification;

use super::{NotificationKind, NotificationRule, message};

/// No receiver is obeyed that asks for more patience than this.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Why a notification was not received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The status that was answered, where one was.
    pub(super) status: Option<u16>,
    /// What went wrong, for people.
    pub(super) message: String,
    /// Whether sending it again may help.
    pub(super) transient: bool,
    /// How long to wait first, where the receiver said so.
    pub(super) wait: Option<Duration>,
}

impl Refusal {
    pub(super) fn told(message: impl Into<String>, transient: bool) -> Self {
        Self { status: None, message: message.into(), transient, wait: None }
    }
}

/// Sends `notification` to the receiver of `rule`; the status that it answered.
pub(super) async fn send(
    rule: &NotificationRule,
    notification: &Notification,
    patience: Duration,
    now: Timestamp,
) -> Result<u16, Refusal> {
    let url = rule.url.expose();
    let reach = if rule.private { Reach::Inside } else { Reach::Public };
    check_url(url, reach, rule.private).map_err(|error| forbidden(&error))?;
    let client = reqwest::Client::builder()
        .user_agent(concat!("portolan/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .dns_resolver(Arc::new(Guard(reach)))
        .connect_timeout(patience)
        .timeout(patience)
        .no_proxy()
        .build()
        .map_err(|error| Refusal::told(format!("no client could be made: {error}"), true))?;
    let body = message::body(notification, rule.kind);
    let mut request = client.post(url.clone()).header(CONTENT_TYPE, "application/json");
    if rule.kind == NotificationKind::Webhook {
        let seconds = message::seconds(now);
        if let Some(secret) = &rule.secret {
            let signature = message::signature(secret, &seconds, &body);
            request = request.header("Portolan-Signature", signature);
        }
        request = request
            .header("Portolan-Id", notification.id.to_string())
            .header("Portolan-Event", notification.occasion.as_str())
            .header("Portolan-Timestamp", seconds);
    }
    let answer = request.body(body).send().await.map_err(|error| failed(&error, patience))?;
    // What else the receiver says is of no use, and is not read.
    let status = answer.status();
    if status.is_success() {
        return Ok(status.as_u16());
    }
    let wait = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let wait = wait.and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
    Err(Refusal {
        status: Some(status.as_u16()),
        message: answered(status),
        transient: is_transient(status),
        wait: wait.map(|wait| wait.min(LONGEST_WAIT)),
    })
}

/// Whether a receiver that answers so may take the same later.
fn is_transient(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

fn answered(status: StatusCode) -> String {
    let what = format!("the receiver answered {}", status.as_u16());
    if status.is_redirection() {
        // The secrets of one place are not for another.
        return format!("{what}; redirects are not followed: configure the URL that it leads to");
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            format!("{what}: check the rule's `url` and `secret`")
        }
        StatusCode::GONE => format!("{what}: the webhook was removed there"),
        _ => what,
    }
}

/// What the policy says against it. Its own words name the host, which is part of a secret here.
fn forbidden(error: &EgressError) -> Refusal {
    let message = match error {
        EgressError::Metadata { .. } => {
            "the URL leads to where cloud metadata services are; those are never asked"
        }
        EgressError::Private { .. } => {
            "the URL leads to a private address: say `private = true` if the receiver is yours"
        }
        EgressError::Scheme(_) | EgressError::NoHost(_) => {
            "the URL is not https: say `private = true` for http to a receiver of yours"
        }
        EgressError::Unknown { .. } => return Refusal::told("the URL's host has no address", true),
    };
    Refusal::told(message, false)
}

fn failed(error: &reqwest::Error, patience: Duration) -> Refusal {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut deepest = None;
    while let Some(known) = cause {
        if let Some(egress) = known.downcast_ref::<EgressError>() {
            return forbidden(egress);
        }
        deepest = Some(known);
        cause = known.source();
    }
    if error.is_timeout() {
        let message = format!("the receiver said nothing for {} ms", patience.as_millis());
        return Refusal::told(message, true);
    }
    // The outer errors name the URL; the innermost says what the machine said.
    let why = deepest.map_or_else(|| "no answer came".to_owned(), ToString::to_string);
    Refusal::told(format!("the receiver could not be reached: {why}"), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, expected) in [
            (400, false),
            (401, false),
            (404, false),
            (408, true),
            (410, false),
            (429, true),
            (301, false),
            (500, true),
            (503, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_transient(status), expected, "{status}");
        }
    }
}
