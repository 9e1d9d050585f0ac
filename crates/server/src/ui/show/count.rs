//! Numbers: sizes and counts.

/// `bytes` with a unit of 1000s, two figures at least: `267 B`, `1.1 GB`, `309 MB`.
pub(in crate::ui) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // In tenths of the unit, so that rounding is exact; a value that rounds to 1000 goes up.
    let mut unit = 1000_u64;
    let mut names = UNITS.iter();
    let mut name = names.next();
    loop {
        let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
        let last = names.len() == 0;
        if tenths < 100 {
            return format!("{}.{} {}", tenths / 10, tenths % 10, name.unwrap_or(&""));
        }
        let whole = (u128::from(bytes) + u128::from(unit) / 2) / u128::from(unit);
        if whole < 1000 || last {
            return format!("{whole} {}", name.unwrap_or(&""));
        }
        unit = unit.saturating_mul(1000);
        name = names.next();
    }
}

/// `number` in groups of three: `63,691`.
pub(in crate::ui) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `number` of something: `1 image`, `2 images`.
pub(in crate::ui) fn counted(number: u64, one: &str, more: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_figures_or_three() {
        for (given, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (1049, "1.0 kB"),
            (1050, "1.1 kB"),
            (9949, "9.9 kB"),
            (9950, "10 kB"),
            (211_600, "212 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_100_000_000, "1.1 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(bytes(given), shown, "{given}");
        }
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(63_691), "63,691");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(counted(1, "tag", "tags"), "1 tag");
        assert_eq!(counted(1200, "tag", "tags"), "1,200 tags");
    }
}
