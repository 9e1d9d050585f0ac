//! Moments, as an age, with the moment itself at hand.

use std::fmt;
use std::hash::{Hash, Hasher};

use askama::filters::HtmlSafe;
use portolan_model::Timestamp;

/// A moment as a page shows it: `3 min ago`, with the moment in UTC on hover and for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui) struct When {
    at: Timestamp,
    now: Timestamp,
}

/// What is shown moves on by itself; what it says does not.
impl Hash for When {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.at.hash(state);
    }
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

impl When {
    /// The moment `at`, seen from `now`.
    pub(in crate::ui) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, now }
    }

    /// The moment in UTC, to the second: `2026-11-20 18:23:10 UTC`.
    pub(in crate::ui) fn utc(&self) -> String {
        let text = self.at.to_string();
        match (text.split_once('T'), text.ends_with('Z')) {
            (Some((day, time)), true) => {
                let time = time.split_once('.').map_or(time, |(seconds, _)| seconds);
                format!("{day} {time} UTC")
            }
            _ => text,
        }
    }

    /// How long ago, or how long still.
    pub(in crate::ui) fn age(&self) -> String {
        let millis = self.now.millis_since(self.at);
        let distance = i64::try_from(millis.unsigned_abs()).unwrap_or(i64::MAX);
        let (number, unit) = match distance {
            0..SECOND => return "now".to_owned(),
            SECOND..MINUTE => (distance / SECOND, "s"),
            MINUTE..HOUR => (distance / MINUTE, "min"),
            HOUR..DAY => (distance / HOUR, "h"),
            _ if distance < 60 * DAY => (distance / DAY, "d"),
            _ if distance < 730 * DAY => (distance / (30 * DAY), "months"),
            _ => (distance / (365 * DAY), "years"),
        };
        if millis < 0 { format!("in {number} {unit}") } else { format!("{number} {unit} ago") }
    }
}

/// How long something took, in two units at most: `3 m 41 s`, `6 h 12 m`, `2 d 3 h`.
pub(in crate::ui) fn duration(millis: i64) -> String {
    let millis = millis.max(0);
    let pair = |large: i64, name: &str, small: i64, less: &str| {
        let rest = millis % large / small;
        let large = millis / large;
        if rest == 0 { format!("{large} {name}") } else { format!("{large} {name} {rest} {less}") }
    };
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..MINUTE => format!("{} s", millis / SECOND),
        MINUTE..HOUR => pair(MINUTE, "m", SECOND, "s"),
        HOUR..DAY => pair(HOUR, "h", MINUTE, "m"),
        _ => pair(DAY, "d", HOUR, "h"),
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, utc, age) = (self.at, self.utc(), self.age());
        write!(f, "<time datetime=\"{at}\" title=\"{utc}\">{age}</time>")
    }
}

/// Digits, units and punctuation only.
impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(millis: i64) -> String {
        let at = Timestamp::from_millis(0);
        When::new(at, at.plus_millis(millis)).age()
    }

    #[test]
    fn ages_have_one_unit() {
        assert_eq!(age(0), "now");
        assert_eq!(age(59_999), "59 s ago");
        assert_eq!(age(60_000), "1 min ago");
        assert_eq!(age(3 * HOUR + 1), "3 h ago");
        assert_eq!(age(59 * DAY), "59 d ago");
        assert_eq!(age(61 * DAY), "2 months ago");
        assert_eq!(age(800 * DAY), "2 years ago");
        assert_eq!(age(-5 * MINUTE), "in 5 min");
    }

    #[test]
    fn durations_have_two_units() {
        assert_eq!(duration(400), "400 ms");
        assert_eq!(duration(41_000), "41 s");
        assert_eq!(duration(221_000), "3 m 41 s");
        assert_eq!(duration(2 * HOUR), "2 h");
        assert_eq!(duration(51 * HOUR), "2 d 3 h");
        assert_eq!(duration(-5), "0 ms");
    }

    #[test]
    fn the_moment_itself_is_there() {
        let at: Timestamp = "2026-11-20T18:23:10.123Z".parse().unwrap();
        assert_eq!(
            When::new(at, at.plus_millis(61_000)).to_string(),
            "<time datetime=\"2026-11-20T18:23:10.123Z\" title=\"2026-11-20 18:23:10 UTC\">\
             1 min ago</time>"
        );
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for at in [i64::MIN, i64::MAX] {
            for now in [i64::MIN, i64::MAX] {
                let (at, now) = (Timestamp::from_millis(at), Timestamp::from_millis(now));
                assert!(!When::new(at, now).to_string().is_empty());
            }
        }
    }
}
