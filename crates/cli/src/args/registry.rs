//! `portolan registry …`

use clap::{Args, Subcommand};

/// Keep the built-in registry tidy.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Registry {
    Gc(Gc),
}

/// Remove what no image refers to
///
/// It is safe while images are pushed, and while a server runs on the same data.
///
/// Example: `portolan registry gc --untagged 7d --plan`
#[derive(Debug, Clone, Args)]
pub(crate) struct Gc {
    /// Leave what is younger than this: a push may be about to refer to it.
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = age)]
    pub(crate) grace: std::time::Duration,
    /// Remove images too that no tag has pointed to for this long.
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub(crate) untagged: Option<std::time::Duration>,
    /// Tell what would be removed, and remove nothing.
    #[arg(long)]
    pub(crate) plan: bool,
}

/// The duration of `90s`, `10m`, `24h` or `7d`.
pub(crate) fn age(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || "write it as in 90s, 10m, 24h or 7d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let seconds = number.parse::<u32>().map_err(|_| wrong())?.checked_mul(seconds);
    seconds.map(|seconds| std::time::Duration::from_secs(seconds.into())).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(age(text).unwrap().as_secs(), seconds);
        }
        for text in ["", "7", "d", "-1d", "1w", "1é", "99999999999d", "+1d"] {
            assert!(age(text).is_err(), "{text}");
        }
    }
}
