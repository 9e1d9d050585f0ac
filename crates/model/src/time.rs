//! Moments, in UTC with millisecond precision, and the clock they come from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with exactly three
/// decimals and `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a moment: write it as in 2026-11-01T09:00:00Z")]
pub struct TimestampError(String);

impl Timestamp {
    /// The moment `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The moment `millis` milliseconds later (earlier where negative), at most the last one that
    /// can be told.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to here; negative where `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A text that tells no moment in any of the ways in which people write one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a moment: write it as in 2026-11-01T09:00:00Z, 2026-11-01T09:00Z, 2026-11-01, or \
     as in -2h, 30m, `3 days ago`"
)]
pub struct SpokenError(String);

impl Timestamp {
    /// The moment that a person means by `text` at the moment `now`: RFC 3339 with or without
    /// seconds, a date (its beginning in UTC), `now`, or how long ago (`-2h`, `90m`, `3 days ago`:
    /// seconds, minutes, hours, days or weeks).
    pub fn spoken(text: &str, now: Self) -> Result<Self, SpokenError> {
        let told = text.trim();
        // A `+` that was not encoded arrives in a query as a blank.
        let plus = told.replacen(' ', "+", 1);
        let whole = told.parse().ok().or_else(|| plus.parse().ok());
        whole
            .or_else(|| without_seconds(told).or_else(|| without_seconds(&plus))?.parse().ok())
            .or_else(|| date(told))
            .or_else(|| (told == "now").then_some(now))
            .or_else(|| Some(now.plus_millis(-ago(told)?)).filter(|moment| moment.is_tellable()))
            .ok_or_else(|| SpokenError(text.chars().take(60).collect()))
    }
}

impl Timestamp {
    /// Whether it can be written as RFC 3339.
    pub fn is_tellable(self) -> bool {
        jiff::Timestamp::from_millisecond(self.0).is_ok()
    }
}

/// `text` with the seconds that it leaves out: `…T09:00Z` as `…T09:00:00Z`.
fn without_seconds(text: &str) -> Option<String> {
    let (date, time) = text.split_once(['T', 't'])?;
    let (clock, zone) = time.split_at_checked(5)?;
    let digits = clock.bytes().enumerate().all(|(at, byte)| match at {
        2 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let zoned = zone.starts_with(['Z', 'z', '+', '-']);
    (digits && zoned).then(|| format!("{date}T{clock}:00{zone}"))
}

/// The beginning of a day.
fn date(text: &str) -> Option<Timestamp> {
    (text.len() == 10).then(|| format!("{text}T00:00:00Z").parse().ok())?
}

/// Milliseconds of a time that is told by how long ago it was.
fn ago(text: &str) -> Option<i64> {
    let bare = text.strip_suffix(" ago").unwrap_or(text);
    let bare = bare.strip_prefix('-').unwrap_or(bare);
    let unit = bare.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = bare.split_at(unit);
    let seconds = match unit.trim_start() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(seconds)?.checked_mul(1000)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms since 1970", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|_| TimestampError(text.chars().take(60).collect()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where "now" comes from. The binary hands in the system's clock; a test, one that it sets.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_utc_with_milliseconds() {
        let moment: Timestamp = "2026-11-01T09:00:00.1234+01:00".parse().unwrap();
        assert_eq!(moment.to_string(), "2026-11-01T08:00:00.123Z");
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn people_write_moments_in_several_ways() {
        let now: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-01T09:00:01.5Z", "2026-11-01T09:00:01.500Z"),
            ("2026-11-01T09:00Z", "2026-11-01T09:00:00.000Z"),
            ("2026-11-01T09:00+01:00", "2026-11-01T08:00:00.000Z"),
            ("2026-11-01T09:00:00 01:00", "2026-11-01T08:00:00.000Z"),
            ("2026-11-01T09:00 01:00", "2026-11-01T08:00:00.000Z"),
            ("2026-11-01", "2026-11-01T00:00:00.000Z"),
            (" now ", "2026-11-20T18:00:00.000Z"),
            ("-2h", "2026-11-20T16:00:00.000Z"),
            ("90m", "2026-11-20T16:30:00.000Z"),
            ("2h ago", "2026-11-20T16:00:00.000Z"),
            ("3 days ago", "2026-11-17T18:00:00.000Z"),
            ("1w", "2026-11-13T18:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::spoken(text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "garbage",
            "2026-13-01",
            "2026-11-01T9:00Z",
            "2026-11-01T09:00",
            "h",
            "-",
            "2y",
            "99999999999999999999h",
            "9223372036854775807h",
            "--2h",
            "ago",
            "٣h",
        ] {
            assert!(Timestamp::spoken(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for millis in [i64::MIN, i64::MAX] {
            assert!(!Timestamp::from_millis(millis).plus_millis(millis).to_string().is_empty());
        }
    }
}
