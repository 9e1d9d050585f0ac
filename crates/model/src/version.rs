//! Versions in tags, ordered by precedence.
//!
//! The portal that Portolan replaces knew `v?1.2.3` alone, packed into one integer. Precedence here
//! is that of [Semantic Versioning 2.0](https://semver.org/#spec-item-11), which orders those
//! versions the same way, and calendar versions (`2026.01.05`) with them.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// `v?MAJOR.MINOR.PATCH[-pre-release][+build]`. Equal precedence is broken by the text, so that
/// the order of a list never depends on where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 3],
    pre_release: Vec<Identifier>,
    text: String,
}

/// A text that is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version: write it as in 1.2.3 or 1.2.3-rc.1")]
pub struct VersionError(String);

/// One dot-separated part of a pre-release: numbers sort before words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

fn identifiers(text: &str) -> Option<Vec<Identifier>> {
    text.split('.')
        .map(|part| match number(part) {
            Some(number) => Some(Identifier::Number(number)),
            None => is_word(part).then(|| Identifier::Word(part.to_owned())),
        })
        .collect()
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl Version {
    /// Whether it is `v?MAJOR.MINOR.PATCH` alone.
    pub fn is_plain(&self) -> bool {
        self.pre_release.is_empty() && !self.text.contains('+')
    }

    /// How the two compare by precedence alone: `1.2.3` and `v1.2.3` are equal.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        let released = |version: &Self| version.pre_release.is_empty();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| released(self).cmp(&released(other)))
            .then_with(|| self.pre_release.cmp(&other.pre_release))
    }

    /// The packed form that the portal's clients know: patch, minor shifted by 16, major by 32
    /// bits. None where a part does not fit, instead of a number that means another version, and
    /// none for what is not [plain](Self::is_plain).
    pub fn packed(&self) -> Option<i64> {
        let [major, minor, patch] = self.numbers;
        if !self.is_plain() || minor > 0xffff || patch > 0xffff || major > 0x7fff_ffff {
            return None;
        }
        i64::try_from(patch | minor << 16 | major << 32).ok()
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let error = || VersionError(text.chars().take(60).collect());
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (core, pre_release) = match rest.split_once('-') {
            Some((core, pre)) => (core, identifiers(pre).ok_or_else(error)?),
            None => (rest, Vec::new()),
        };
        if build.is_some_and(|build| !build.split('.').all(is_word)) {
            return Err(error());
        }
        let mut parts = core.strip_prefix('v').unwrap_or(core).split('.').map(number);
        let mut next = || parts.next().flatten().ok_or_else(error);
        let numbers = [next()?, next()?, next()?];
        if parts.next().is_some() {
            return Err(error());
        }
        Ok(Self { numbers, pre_release, text: text.to_owned() })
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_precedence(other).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn precedence_is_that_of_the_specification() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "v1.0.1",
            "1.2.0",
            "1.10.0",
            "2026.01.05",
            "2026.1.70000",
        ];
        for pair in order.windows(2) {
            assert!(version(pair[0]) < version(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn a_v_and_a_build_do_not_count_for_precedence() {
        let compare = |a: &str, b: &str| version(a).cmp_precedence(&version(b));
        assert_eq!(compare("v1.2.3", "1.2.3+build"), Ordering::Equal);
        assert_eq!(compare("v1.2.3", "1.2.4"), Ordering::Less);
        assert_eq!(compare("1.2.3", "1.2.3-rc.1"), Ordering::Greater);
    }

    #[test]
    fn packed_as_the_portal_packed_it() {
        assert_eq!(version("0.1.0").packed(), Some(65536));
        assert_eq!(version("v1.2.3").packed(), Some((1 << 32) + (2 << 16) + 3));
        assert_eq!(version("1.65536.0").packed(), None);
        assert_eq!(version("1.2.3-rc.1").packed(), None);
        assert_eq!(version("99999999999.0.0").packed(), None);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "", "1", "1.2", "1.2.3.4", "latest", "v", "1.2.x", "1.2.3-", "1.2.3+", "1.2.3\n",
            "١.٢.٣",
        ] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!("99999999999999999999.0.0".parse::<Version>().is_err());
    }
}
