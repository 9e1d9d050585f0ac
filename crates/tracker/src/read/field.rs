//! The types of fields, read leniently: what AWS and others write now as text, now as a number.

use std::borrow::Cow;
use std::fmt;

use portolan_model::{Digest, Timestamp};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, de};

/// The longest name: of a service, a cluster, an environment.
pub(super) const NAME: usize = 300;

/// The longest ARN or name of an image.
pub(super) const LONG: usize = 1024;

/// How much of a sentence is kept.
const SENTENCE: usize = 4096;

/// The last moment that can be written down: the end of the year 9999, in seconds.
const LAST_SECOND: f64 = 253_402_207_200.0;

/// A text of at most `MAX` bytes without NUL; a number is taken for its digits. It ends up in
/// indexed columns, which have limits.
#[derive(Debug)]
pub(super) struct Text<const MAX: usize>(pub(super) String);

/// A short text.
pub(super) type Name = Text<NAME>;
/// A text as long as an ARN may be.
pub(super) type Long = Text<LONG>;

struct TextOf<const MAX: usize>;

impl<const MAX: usize> Visitor<'_> for TextOf<MAX> {
    type Value = Text<MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text of at most {MAX} bytes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<MAX>, E> {
        if text.len() > MAX || text.contains('\0') {
            return Err(E::invalid_value(Unexpected::Str(text), &self));
        }
        Ok(Text(text.to_owned()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Text<MAX>, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Text<MAX>, E> {
        Ok(Text(number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Text<MAX>, E> {
        Ok(Text(number.to_string()))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOf::<MAX>)
    }
}

/// The text, where there is one that is not empty.
pub(super) fn told<const MAX: usize>(text: Option<Text<MAX>>) -> Option<String> {
    text.map(|text| text.0).filter(|text| !text.is_empty())
}

/// A sentence for eyes: cut where it is long, and without NUL.
#[derive(Debug)]
pub(super) struct Sentence(pub(super) String);

impl<'de> Deserialize<'de> for Sentence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self(text.chars().filter(|c| *c != '\0').take(SENTENCE).collect()))
    }
}

/// The sentence, where there is one that is not empty.
pub(super) fn said(sentence: Option<Sentence>) -> Option<String> {
    sentence.map(|sentence| sentence.0).filter(|text| !text.is_empty())
}

/// A moment as RFC 3339 text or as seconds since 1970, whole or not, as a number or as its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

/// The moment that a text tells.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    let numeric = text.len() <= 24 && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if numeric { text.parse().ok().and_then(seconds) } else { text.parse().ok() }
}

fn seconds(seconds: f64) -> Option<Timestamp> {
    if !(-LAST_SECOND..=LAST_SECOND).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    Some(Timestamp::from_millis((seconds * 1000.0).round() as i64))
}

struct AnyMoment;

impl Visitor<'_> for AnyMoment {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment as in 2026-11-01T09:00:00Z, or seconds since 1970")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        moment(text).map(Moment).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    #[expect(clippy::cast_precision_loss, reason = "what loses precision is out of range")]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Moment, E> {
        self.visit_f64(number as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "what loses precision is out of range")]
    fn visit_i64<E: Error>(self, number: i64) -> Result<Moment, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Moment, E> {
        seconds(number)
            .map(Moment)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(number), &self))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMoment)
    }
}

/// A whole number from 0 to 2^63-1, as a number or as its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole(pub(super) u64);

struct AnyWhole;

impl Visitor<'_> for AnyWhole {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0 to 2^63-1")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
        // Databases count with a sign.
        if i64::try_from(number).is_ok() {
            Ok(Whole(number))
        } else {
            Err(E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
        match text.parse() {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Str(text), &self)),
        }
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyWhole)
    }
}

/// A digest in a field where one of another algorithm, or none, is no reason to refuse the rest.
/// Upper-case digits, which an earlier tool wrote, are taken for lower-case ones.
#[derive(Debug, Default)]
pub(super) struct MaybeDigest(pub(super) Option<Digest>);

impl<'de> Deserialize<'de> for MaybeDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::<Cow<'de, str>>::deserialize(deserializer)?;
        Ok(Self(text.and_then(|text| digest(&text))))
    }
}

/// The digest that a text is, if it is one.
pub(super) fn digest(text: &str) -> Option<Digest> {
    text.parse().ok().or_else(|| text.to_ascii_lowercase().parse().ok())
}

/// A type that the model reads from text. An empty text and null are none.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: std::str::FromStr<Err: fmt::Display>,
{
    match Option::<Cow<'de, str>>::deserialize(deserializer)? {
        Some(text) if !text.is_empty() => text.parse().map(Some).map_err(de::Error::custom),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_text_and_as_seconds() {
        let of = |json: &str| serde_json::from_str::<Moment>(json).map(|m| m.0.to_string()).ok();
        for json in ["\"2026-11-02T10:33:02.807Z\"", "1793615582.807", "\"1793615582.807\""] {
            assert_eq!(of(json).as_deref(), Some("2026-11-02T10:33:02.807Z"), "{json}");
        }
        assert_eq!(of("1793615582").as_deref(), Some("2026-11-02T10:33:02.000Z"));
        assert_eq!(of("0").as_deref(), Some("1970-01-01T00:00:00.000Z"));
        for json in ["\"\"", "\"soon\"", "1e300", "1793615582807", "true", "[]", "\".\""] {
            assert_eq!(of(json), None, "{json}");
        }
    }

    #[test]
    fn texts_have_limits() {
        let long = format!("\"{}\"", "x".repeat(NAME + 1));
        assert!(serde_json::from_str::<Name>(&long).is_err());
        assert!(serde_json::from_str::<Name>("\"a\\u0000\"").is_err());
        assert_eq!(serde_json::from_str::<Name>("256").unwrap().0, "256");
        assert_eq!(serde_json::from_str::<Sentence>("\"a\\u0000b\"").unwrap().0, "ab");
    }

    #[test]
    fn whole_numbers_fit_a_database() {
        let of = |json: &str| serde_json::from_str::<Whole>(json).map(|whole| whole.0).ok();
        assert_eq!((of("4"), of("\"4\"")), (Some(4), Some(4)));
        assert_eq!(of("9223372036854775807"), Some(i64::MAX.unsigned_abs()));
        assert_eq!(
            (of("9223372036854775808"), of("-1"), of("1.5"), of("null")),
            (None, None, None, None)
        );
    }
}
