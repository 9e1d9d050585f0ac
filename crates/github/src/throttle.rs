//! When to ask again, as GitHub says it: [rate limits of its API][1].
//!
//! [1]: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api

use portolan_model::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Where a secondary limit says nothing else, a minute.
const SECONDARY: i64 = 60_000;
/// Nothing is waited for longer: whatever the header says, it is wrong.
const MOST: i64 = 2 * 3_600_000;

/// When the primary limit lets the next request through, where this answer used the last one up.
pub(crate) fn used_up(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    if number(headers, "x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = number(headers, "x-ratelimit-reset")?.saturating_mul(1000);
    (reset > now.millis()).then(|| bounded(Timestamp::from_millis(reset), now))
}

/// When to ask again after an answer that was refused for a limit.
pub(crate) fn after_refusal(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return bounded(now.plus_millis(seconds.saturating_mul(1000)), now);
    }
    used_up(headers, now).unwrap_or_else(|| now.plus_millis(SECONDARY))
}

/// Whether an answer of this status was refused for a limit and not for a right.
pub(crate) fn is_refusal(status: u16, headers: &HeaderMap, message: &str) -> bool {
    match status {
        429 => true,
        403 => {
            headers.contains_key(RETRY_AFTER)
                || number(headers, "x-ratelimit-remaining") == Some(0)
                || is_about_limits(message)
        }
        _ => false,
    }
}

/// Whether GitHub's words are about a rate limit.
pub(crate) fn is_about_limits(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("rate limit") || message.contains("abuse detection")
}

fn bounded(at: Timestamp, now: Timestamp) -> Timestamp {
    at.clamp(now, now.plus_millis(MOST))
}

/// A header that is a number and not negative.
fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    text.trim().parse().ok().filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_last_request_of_an_hour_tells_when_the_next_hour_begins() {
        let at = |remaining, reset| {
            used_up(
                &headers(&[("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", reset)]),
                NOW,
            )
        };
        assert_eq!(at("0", "1900"), Some(Timestamp::from_millis(1_900_000)));
        assert_eq!(at("1", "1900"), None);
        assert_eq!(at("0", "999"), None, "it has begun");
        assert_eq!(at("0", "99999999999999999"), Some(NOW.plus_millis(MOST)));
        assert_eq!(at("no", "1900"), None);
        assert_eq!(used_up(&HeaderMap::new(), NOW), None);
    }

    #[test]
    fn a_refusal_tells_when_to_come_back() {
        let at = |pairs: &[(&'static str, &str)]| after_refusal(&headers(pairs), NOW);
        assert_eq!(at(&[("retry-after", "30")]), NOW.plus_millis(30_000));
        assert_eq!(at(&[("retry-after", "-5")]), NOW.plus_millis(SECONDARY));
        assert_eq!(at(&[("retry-after", "9999999999999999")]), NOW.plus_millis(MOST));
        assert_eq!(at(&[]), NOW.plus_millis(SECONDARY));
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1500")];
        assert_eq!(at(&primary), Timestamp::from_millis(1_500_000));
    }

    #[test]
    fn a_limit_is_told_from_a_right() {
        let none = HeaderMap::new();
        assert!(is_refusal(429, &none, ""));
        assert!(is_refusal(403, &none, "You have exceeded a secondary rate limit."));
        assert!(is_refusal(403, &headers(&[("retry-after", "1")]), ""));
        assert!(!is_refusal(403, &none, "Resource not accessible by integration"));
        assert!(!is_refusal(401, &headers(&[("retry-after", "1")]), "rate limit"));
    }
}
