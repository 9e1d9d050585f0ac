//! The bytes that a receiver gets.

use aws_lc_rs::hmac;
use portolan_model::{Secret, Timestamp};
use portolan_store::Notification;
use serde_json::json;

use super::NotificationKind;

/// The body of `notification`: the same however often it is sent.
pub(super) fn body(notification: &Notification, kind: NotificationKind) -> Vec<u8> {
    let value = match kind {
        NotificationKind::Webhook => json!({
            "id": notification.id,
            "event": notification.occasion,
            "happenedAt": notification.happened_at,
            "rule": notification.rule,
            "environment": notification.environment,
            "service": notification.service,
            "summary": notification.summary,
            "details": notification.details,
        }),
        // Without marks no name of a service can make up a link or call a channel.
        NotificationKind::Slack => {
            json!({ "text": escaped(&notification.summary), "mrkdwn": false })
        }
    };
    value.to_string().into_bytes()
}

/// `text` with the three characters that mean something to Slack replaced.
///
/// Source: [Slack's escaping](https://docs.slack.dev/messaging/formatting-message-text#escaping).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The moment of sending in a header: seconds since 1970.
pub(super) fn seconds(now: Timestamp) -> String {
    now.millis().div_euclid(1000).to_string()
}

/// The signature of `body`, sent at `seconds`: HMAC-SHA256 of both with a dot between them, so that
/// what was recorded on its way is of no use later.
pub(super) fn signature(secret: &Secret<String>, seconds: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(seconds.as_bytes());
    context.update(b".");
    context.update(body);
    let digits = context.sign().as_ref().iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    format!("v1={digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_others_compute() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'a secret of some length'
        let secret = Secret::new("a secret of some length".to_owned());
        let found = signature(&secret, "1700000000", br#"{"a":1}"#);
        assert_eq!(found, "v1=e09db3ce6e6e8f9b633a62851e5074a9e9148ac19b1c0e1a8f7c352380be630b");
        assert_ne!(found, signature(&secret, "1700000001", br#"{"a":1}"#));
    }

    #[test]
    fn slack_s_characters_are_escaped() {
        assert_eq!(
            escaped("<!channel> a & b <http://x|y>"),
            "&lt;!channel&gt; a &amp; b &lt;http://x|y&gt;"
        );
    }
}
