//! Sizes and ages as people read them.

use portolan_model::Timestamp;

/// `bytes` in the decimal units that registries and disks are told in: `512 B`, `1.5 kB`, `62 MB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    // Tenths of the unit, rounded; exact enough for eyes, and without floating point.
    let mut tenths = u128::from(bytes) * 10;
    let mut unit = 0;
    while tenths >= 9_995 && unit + 1 < UNITS.len() {
        tenths = (tenths + 500) / 1000;
        unit += 1;
    }
    if unit == 0 || tenths >= 100 {
        format!("{} {}", (tenths + 5) / 10, UNITS[unit])
    } else {
        format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// How long before `now` the moment was: `12 s`, `5 min`, `3 h`, `12 d`, `3 months`, `2 years`.
pub(crate) fn age(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.millis_since(moment).max(0) / 1000;
    let (minute, hour, day) = (60, 3_600, 86_400);
    let plural =
        |count: i64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match seconds {
        s if s < minute => format!("{s} s"),
        s if s < hour => format!("{} min", s / minute),
        s if s < 2 * day => format!("{} h", s / hour),
        s if s < 60 * day => format!("{} d", s / day),
        s if s < 730 * day => plural(s / (30 * day), "month"),
        s => plural(s / (365 * day), "year"),
    }
}

/// The first `most` characters of `text`, with `…` where there are more.
pub(crate) fn at_most(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(most.saturating_sub(1)).collect();
    shown.push('…');
    shown
}

/// `count` things, as in `1 file` or `2 files`.
pub(crate) fn count(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_at_most() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1549, "1.5 kB"),
            (62_000_000, "62 MB"),
            (999_999, "1.0 MB"),
            (3_000_000_000, "3.0 GB"),
        ] {
            assert_eq!(size(bytes), text, "{bytes}");
        }
        assert!(size(u64::MAX).ends_with(" PB"));
    }

    #[test]
    fn ages_round_down() {
        let now = Timestamp::from_millis(2_000_000_000_000);
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min"),
            (7_199, "1 h"),
            (3 * 86_400, "3 d"),
            (90 * 86_400, "3 months"),
            (800 * 86_400, "2 years"),
        ] {
            assert_eq!(age(now.plus_millis(-seconds * 1000), now), text);
        }
    }
}
