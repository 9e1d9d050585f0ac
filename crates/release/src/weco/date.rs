//! Moments as weco-deploy writes and shows them.

use portolan_model::Timestamp;

const DAY: i64 = 24 * 60 * 60 * 1000;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment as the table has it: UTC, with six decimals and no zone, as in
/// `2026-11-20T15:48:26.740000`.
pub fn stamp(at: Timestamp) -> String {
    format!("{}000", at.to_string().trim_end_matches('Z'))
}

/// The moment that the table has; none where it is none.
pub(crate) fn parse(stamp: &str) -> Option<Timestamp> {
    let (seconds, decimals) = stamp.split_once('.').unwrap_or((stamp, "0"));
    let decimals: String = decimals.chars().take(3).collect();
    format!("{}.{decimals}Z", seconds.trim_end_matches('Z')).parse().ok()
}

/// A moment for people, by UTC's day and hour: `just now`, `today @ 15:48 (12 min ago)`,
/// `yesterday @ 15:48`, `Tue  5 May 2020 @ 15:00`. What is no moment is shown as it is.
pub fn ago(stamp: &str, now: Timestamp) -> String {
    let Some(then) = parse(stamp) else { return stamp.to_owned() };
    let passed = now.millis_since(then);
    // Clocks of two machines differ by more than nothing.
    if passed <= 120_000 {
        return "just now".to_owned();
    }
    let text = then.to_string();
    let days = |at: Timestamp| at.millis().div_euclid(DAY);
    let time = text.get(11..16).unwrap_or_default();
    let minutes = match passed / 60_000 {
        minutes @ ..60 => format!(" ({minutes} min ago)"),
        60 if passed == 3_600_000 => " (60 min ago)".to_owned(),
        _ => String::new(),
    };
    match days(now) - days(then) {
        0 => return format!("today @ {time}{minutes}"),
        1 => return format!("yesterday @ {time}{minutes}"),
        _ => {}
    }
    let number =
        |from: usize, to: usize| text.get(from..to).and_then(|it| it.parse::<usize>().ok());
    let month = number(5, 7).and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    let week = usize::try_from(days(then).rem_euclid(7)).ok().and_then(|day| DAYS.get(day));
    let (Some(month), Some(week), Some(day)) = (month, week, number(8, 10)) else { return text };
    format!("{week} {day:>2} {month} {} @ {time}", text.get(..4).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let now: Timestamp = "2026-11-20T15:48:26.740Z".parse().unwrap();
        for (then, told) in [
            ("2026-11-20T15:48:26.740246", "just now"),
            ("2026-11-20T15:49:00", "just now"),
            ("2026-11-20T15:36:00.5", "today @ 15:36 (12 min ago)"),
            ("2026-11-20T00:00:00", "today @ 00:00"),
            ("2026-11-19T23:59:59", "yesterday @ 23:59"),
            ("2020-05-05T15:00:00.000001", "Tue  5 May 2020 @ 15:00"),
            ("2026-11-17T09:05:00", "Tue 17 November 2026 @ 09:05"),
            ("no date", "no date"),
        ] {
            assert_eq!(ago(then, now), told);
        }
        let midnight: Timestamp = "2026-11-20T00:10:00Z".parse().unwrap();
        assert_eq!(ago("2026-11-19T23:50:00", midnight), "yesterday @ 23:50 (20 min ago)");
    }

    #[test]
    fn what_is_written_is_read() {
        let now: Timestamp = "2026-11-20T15:48:26.740Z".parse().unwrap();
        assert_eq!(stamp(now), "2026-11-20T15:48:26.740000");
        assert_eq!(parse(&stamp(now)), Some(now));
    }
}
