//! What is worth asking again, and when.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header::RETRY_AFTER};

use super::Settings;

/// Whether the same request may succeed a little later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// How long to wait before repeating for the time `attempt` (from 0).
pub(super) fn wait(settings: &Settings, attempt: u32, headers: Option<&HeaderMap>) -> Duration {
    let asked = headers
        .and_then(|headers| headers.get(RETRY_AFTER))
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let doubled = settings.first_wait.saturating_mul(2_u32.saturating_pow(attempt));
    asked.unwrap_or(doubled).min(settings.longest_wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let settings = Settings::default();
        assert_eq!(wait(&settings, 0, None), Duration::from_millis(250));
        assert_eq!(wait(&settings, 3, None), Duration::from_secs(2));
        assert_eq!(wait(&settings, u32::MAX, None), settings.longest_wait);
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, "7".parse().unwrap());
        assert_eq!(wait(&settings, 0, Some(&headers)), Duration::from_secs(7));
        headers.insert(RETRY_AFTER, "86400".parse().unwrap());
        assert_eq!(wait(&settings, 0, Some(&headers)), settings.longest_wait);
        headers.insert(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
        assert_eq!(wait(&settings, 0, Some(&headers)), settings.first_wait);
    }
}
